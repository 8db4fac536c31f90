package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// around notes what a program of which nothing is known may read: the directory
// that it works in and those that it is given, with all that is in them, and
// what lies beside the files that it is given. In the root directory everything
// works that nobody has told where to, so that says nothing; but one that is given
// the root may look through all of it.
func (x *classifier) around(c *shell.Call) {
	x.nearby(first(c.Dir, "/."))
	for _, w := range c.Args {
		for _, v := range w.Choices() {
			for _, name := range pathsIn(v) {
				if !path.IsAbs(name) {
					name = path.Join(c.Dir, name)
				}
				if name = path.Clean(name); name == "/" {
					name = "/."
				}
				x.nearby(name)
			}
		}
	}
	for name, v := range x.scope.vars() {
		if name == "PATH" || name == "PWD" {
			continue // see fromPath
		}
		for _, p := range pathsIn(v) {
			if path.IsAbs(p) {
				x.nearby(path.Clean(p))
			}
		}
	}
}

func (x *classifier) nearby(name string) {
	switch {
	case name == "/":
	case name == "/.": // all of it, or a directory that is not known
		x.facts.Near["/"] = true
	case x.root.files[name] != nil:
		x.facts.Beside[path.Dir(name)] = true
	case len(x.root.below(name)) > 0:
		x.facts.Near[name] = true
	case !strings.ContainsAny(name, " *"): // a file that does not come from the context, or none
		x.facts.Beside[path.Dir(name)] = true
	}
}

// pathsIn are the parts of an argument or of a variable's value that may be
// paths.
func pathsIn(v string) []string {
	var out []string
	for _, p := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" \t\n:=,;'\"@", r) }) {
		if strings.HasPrefix(p, "-") {
			at := strings.IndexByte(p, '/')
			if at < 0 {
				continue
			}
			p = p[at:]
		}
		out = append(out, p)
	}
	return out
}

// goesThrough notes the directories that a call lists, or goes down.
func (x *classifier) goesThrough(c *shell.Call, kind kind) {
	readsOnly := kind == reads || c.Name == "find" && !findActs(c)
	found := func(dir string, last bool) {
		switch {
		case len(x.root.below(dir)) == 0:
		case (readsOnly || kind == copies && !last) && !x.feeds(c):
			x.facts.Trees[dir] = true
		default:
			x.facts.Touched[dir] = true
		}
	}
	down := lists(c) || recursive(c)
	operands := 0
	for _, w := range c.Args {
		if !strings.HasPrefix(w.Value, "-") {
			operands++
		}
		for _, v := range append(w.Choices(), globOf(w)...) {
			if strings.HasPrefix(v, "-") {
				continue
			}
			if !path.IsAbs(v) && c.Dir == "" {
				v = "/"
			} else if !path.IsAbs(v) {
				v = path.Join(c.Dir, v)
			}
			v = path.Clean(v)
			switch {
			case down:
				found(v, isLast(c, w.Pos))
			case x.root.dirs[v] != nil && (kind == changes || kind == copies && isLast(c, w.Pos)) && c.Name != "mkdir":
				x.facts.Touched[v] = true
			}
		}
	}
	if lists(c) && operands == 0 || recursive(c) && strings.HasSuffix(c.Name, "grep") && operands < 2 {
		found(first(c.Dir, "/"), false)
	}
}

// globs notes what a pattern without a directory stands for: the names of what
// is in the working directory.
func (x *classifier) globs(c *shell.Call) {
	for _, w := range c.Args {
		if globOf(w) == nil {
			continue
		}
		for _, name := range x.root.matching(path.Join(first(c.Dir, "/*"), w.Value)) {
			x.facts.Reads[name] = true
		}
		if dir := first(c.Dir, "/"); len(x.root.below(dir)) > 0 {
			x.facts.Trees[dir] = true
		}
	}
}

// globOf is a pattern that stands for what is in the working directory.
func globOf(w shell.Word) []string {
	if w.Glob && len(w.Choices()) == 0 && !strings.Contains(w.Value, "/") {
		return []string{"."}
	}
	return nil
}

// feeds reports whether what a call prints may name files that another command
// changes.
func (x *classifier) feeds(c *shell.Call) bool {
	for _, other := range x.facts.Calls() {
		if other == c || other.Kind != shell.CallProgram {
			continue
		}
		if kind := commandKind(other); kind != changes && kind != worksInDir {
			continue
		}
		if other.Through("xargs") || slices.ContainsFunc(other.Args, func(w shell.Word) bool { return len(w.Choices()) == 0 && !w.Glob }) {
			return true
		}
	}
	return false
}
