package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// arguments looks at what package shell does not take for the path of a file:
// the root, the working directory, a path whose links are asked for, and paths
// in the text of a program.
func (x *classifier) arguments(c *shell.Call, kind kind) {
	operands := false
	for _, w := range c.Args {
		for _, v := range w.Choices() {
			operands = operands || !strings.HasPrefix(v, "-")
			switch {
			case lists(c) && path.Clean(v) == "/":
				x.facts.Trees["/"] = true
			case c.Name == "readlink" || c.Name == "realpath":
				x.resolved(v, c.Dir)
			case strings.ContainsAny(v, " ()\"'") && (kind == worksInDir || kind == changes || kind == reads && !names(c)):
				x.text(v, kind)
			}
		}
	}
	if lists(c) && !operands && !x.certain(c) {
		x.facts.Trees[x.scope.Dir] = true // where a cd that fails leaves it
	}
}

// lists reports whether a program tells what a directory holds.
func lists(c *shell.Call) bool {
	switch c.Name {
	case "ls", "dir", "vdir", "tree", "du", "find":
		return true
	}
	return false
}

// resolved is a path that is looked up, for where its links lead.
func (x *classifier) resolved(name, dir string) {
	if !path.IsAbs(name) {
		name = path.Join(dir, name)
	}
	for name = path.Clean(name); path.IsAbs(name) && name != "/"; name = path.Dir(name) {
		switch {
		case x.root.files[name] != nil:
			x.facts.Reads[name] = true
			return
		case x.root.dirs[name] != nil:
			x.facts.Dirs[name] = true
			return
		}
	}
}

// passed are the directories that a name goes through on its way up, as in
// scripts/../lib.sh.
func (x *classifier) passed(name string) {
	for at := strings.Index(name, "/.."); at > 0; {
		if dir := path.Clean(name[:at]); x.root.dirs[dir] != nil {
			x.facts.Dirs[dir] = true
		}
		next := strings.Index(name[at+1:], "/..")
		if next < 0 {
			return
		}
		at += 1 + next
	}
}

// text is an argument that may be a program, in a language of its own.
func (x *classifier) text(text string, kind kind) {
	found := x.facts.Touched
	if kind == reads {
		found = x.facts.Reads
	}
	for name := range x.root.files {
		if strings.Contains(text, name) {
			found[name] = true
		}
	}
	for name := range x.root.dirs {
		switch {
		case !strings.Contains(text, name):
		case kind == reads:
			x.facts.Trees[name] = true
		default:
			x.facts.Touched[name] = true
		}
	}
}

// certain reports whether a command runs in the directory that it seems to run
// in: one that is there, or else it would not run.
func (x *classifier) certain(c *shell.Call) bool {
	after := slices.ContainsFunc(c.Guards, func(g shell.Guard) bool {
		return g.Kind == shell.GuardAnd && strings.Contains(g.Text, "cd ")
	})
	own := x.root.dirs[c.Dir]
	return c.Errexit || after || c.Dir != "" && paths.Shared(c.Dir) || own != nil && own.complete
}
