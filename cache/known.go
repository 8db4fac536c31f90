package cache

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// Unknown returns a program that is called and not known, "" where there is
// none. It may install anything, and read any cache.
func (u Use) Unknown() string {
	followed := map[string]bool{}
	for _, p := range append([]*shell.Program{u.Program}, u.Program.Programs...) {
		followed[p.Main.Path] = true
	}
	read := map[string]bool{}
	for _, p := range append([]*shell.Program{u.Program}, u.Program.Programs...) {
		for i := range p.Children {
			c := &p.Children[i]
			switch {
			case shell.Never(c.Guards):
			case c.InContext && !c.Glob && followed[c.Path], c.Glob && len(u.Program.Programs) > 0:
				read[path.Base(c.Absolute)] = true
			default:
				return c.Word.Text
			}
		}
	}
	for _, c := range u.Program.Calls() {
		switch {
		case c.Kind == shell.CallDynamic:
			return c.Command.Text
		case c.Kind == shell.CallProgram && !IsKnown(c.Name) && !read[c.Name]:
			return c.Name
		}
	}
	return ""
}

// IsKnown reports whether it is known of a program that it reads no cache but its
// own, and installs no packages but by what the table has. make and the like read
// their directory and the environment.
func IsKnown(name string) bool {
	isTool := func(name string) bool {
		return slices.ContainsFunc(Tools(), func(t Tool) bool { return slices.Contains(t.Commands, name) })
	}
	return programs.Is(name, programs.OwnCache) || isTool(name) || isTool(strings.TrimRight(name, "0123456789.-"))
}
