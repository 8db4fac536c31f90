package rules

import "github.com/pgstrata/pgstrata/check"

// withheld reports what keeps a script from a cache: it removes the cache's
// directory, which it could not do to a mount.
func withheld(p *check.Pass, u *check.Unit) {
	var dirs []string
	for _, c := range u.Node.Withheld {
		dirs = append(dirs, c.Target)
	}
	for s, c := range u.Calls() {
		for _, w := range deletions(c) {
			if covered(w.Value, dirs) != "" {
				p.Word(s, w, "%s takes a cache's directory with it, so this script gets no mount there: every build downloads or compiles everything again; remove it, since a mount is in no layer", w.Text)
			}
		}
	}
}
