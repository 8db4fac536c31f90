package observe

import (
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/trace"
)

// maxOutputs is how many outputs of one script somebody would still read. One that has
// more contributes all that it leaves.
const maxOutputs = 40

// contribution returns the paths that a script contributes, by what is there:
// what it left, but for what lies apart and nobody reads, and for what a cleanup
// script takes away.
func (c *Chain) contribution(index int) map[string]trace.Kind {
	s := c.Scripts[index]
	if s.contributed != nil {
		return s.contributed
	}
	out := maps.Clone(s.effects.made)
	maps.Copy(out, s.effects.changed)
	for name, kind := range out {
		if apart(name, kind) != nil && !c.readLater(index, name) || c.cleanedUp(index, name) {
			delete(out, name)
		}
	}
	s.contributed = out
	return out
}

// readLater tells whether a script reads what the one with an index left at a
// path.
func (c *Chain) readLater(index int, name string) bool {
	for _, s := range c.Scripts[index+1:] {
		i, is := slices.BinarySearchFunc(s.Record.Paths, name, func(p trace.Path, name string) int { return strings.Compare(p.Name, name) })
		if is && reads(s.Record.Paths[i]) && !within(name, s.Mounts) && s.Record.Paths[i].Was != trace.Nothing && s.Record.Paths[i].Was != trace.Directory {
			return true
		}
		if s.effects.touched(name) {
			return false
		}
	}
	return false
}

// cleanedUp tells whether a cleanup script deletes what the one with an index
// left at a path.
func (c *Chain) cleanedUp(index int, name string) bool {
	for _, s := range c.Scripts[index+1:] {
		if s.Cleanup && s.effects.deleted[name] {
			return true
		}
	}
	return false
}

// outputs condenses what a script contributes to what somebody would write: a
// directory that it made, and that nobody else has files in, is one entry; and
// so are many files of one beginning. Who needs the script may have files in its
// directories.
func (c *Chain) outputs(index int, needs func(name, on string) bool) []string {
	s := c.Scripts[index]
	contributed := c.contribution(index)
	broken := c.broken(index, needs)
	whole := func(dir string) bool { return s.effects.made[dir] == trace.Directory && !broken[dir] }
	var out []string
	for _, name := range slices.Sorted(maps.Keys(contributed)) {
		if len(out) > 0 && paths.Below(name, out[len(out)-1]) || slices.ContainsFunc(out, func(o string) bool { return paths.Below(name, o) }) {
			continue
		}
		entry := name
		if contributed[name] == trace.Directory && !whole(name) {
			entry = ""
		}
		for dir := name; dir != "/"; dir = path.Dir(dir) {
			if _, is := contributed[dir]; is && whole(dir) {
				entry = dir
			}
		}
		if entry != "" {
			out = append(out, entry)
		}
	}
	return c.globs(index, out)
}

// broken are the directories that a script made and that are not its alone:
// others than those that need it left something in them, or a cleanup script
// deletes something.
func (c *Chain) broken(index int, needs func(name, on string) bool) map[string]bool {
	out := map[string]bool{}
	mark := func(name string) {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			out[dir] = true
		}
	}
	for i, other := range c.Scripts {
		if i == index {
			continue
		}
		for name := range other.effects.deleted {
			if other.Cleanup {
				mark(name)
				out[name] = true
			}
		}
		if needs(other.Name, c.Scripts[index].Name) && !other.Cleanup {
			continue
		}
		for name := range c.contribution(i) {
			mark(name)
		}
	}
	return out
}

// globs puts many outputs of one directory together that have a beginning of
// their own.
func (c *Chain) globs(index int, list []string) []string {
	const many = 4
	byDir := map[string][]string{}
	for _, name := range list {
		dir := path.Dir(name)
		byDir[dir] = append(byDir[dir], name)
	}
	var out []string
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		names := byDir[dir]
		if prefix := c.beginning(index, names); len(names) >= many && prefix != "" {
			out = append(out, quoted(prefix)+"*")
			continue
		}
		for _, name := range names {
			out = append(out, quoted(name))
		}
	}
	slices.Sort(out)
	return out
}

// beginning is what the names of files in one directory begin with, and no other
// file there; "" for none. It is their first word if that will do: what comes
// next may be a version, and change.
func (c *Chain) beginning(index int, names []string) string {
	const least = 3
	common := names[0]
	for _, name := range names {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	start := len(path.Dir(names[0])) + 1
	if len(common) < start+least {
		return ""
	}
	word := strings.IndexFunc(common[start:], func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	if word >= least && c.own(index, common[:start+word], names) {
		return common[:start+word]
	}
	if c.own(index, common, names) {
		return common
	}
	return ""
}

// own tells whether all paths of a directory that have a beginning are among
// names, as far as any record has them.
func (c *Chain) own(index int, prefix string, names []string) bool {
	for i, s := range c.Scripts {
		for _, p := range s.Record.Paths {
			if !strings.HasPrefix(p.Name, prefix) || path.Dir(p.Name) != path.Dir(names[0]) || slices.Contains(names, p.Name) {
				continue
			}
			there := p.Was != trace.Nothing || p.Left != trace.Nothing
			if there && (i != index || p.Left != trace.Nothing) {
				return false
			}
		}
	}
	return true
}

// quoted makes a pattern of a path.
func quoted(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`).Replace(name)
}
