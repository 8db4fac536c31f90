package check

// withheld reports what keeps a script from a cache: it removes the cache's
// directory, which it could not do to a mount.
func (p *pass) withheld(u *unit) {
	var dirs []string
	for _, c := range u.node.Withheld {
		dirs = append(dirs, c.Target)
	}
	for s, c := range u.calls() {
		for _, w := range deletions(c) {
			if covered(w.Value, dirs) != "" {
				p.word(s, w, "%s takes a cache's directory with it, so this script gets no mount there: every build downloads or compiles everything again; remove it, since a mount is in no layer", w.Text)
			}
		}
	}
}
