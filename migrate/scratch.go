package migrate

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// declareScratch makes build artifacts of the directories that are made before scripts
// run and removed after them. They are then empty for each script, so it has to
// be sure that none reads what another has left.
func declareScratch(m *reader, ops []*op) {
	for i, o := range ops {
		c := o.one()
		if o.gone || !o.command() || c == nil || c.Name != "mkdir" || len(o.when) > 0 || len(c.Redirects) > 0 {
			continue
		}
		args, ok := c.Literals()
		if !ok {
			continue
		}
		var dirs []string
		for _, a := range args {
			switch {
			case a == "-p":
			case strings.HasPrefix(a, "-"):
				dirs, args = nil, nil // a mode: it is no plain scratch directory
			case args != nil:
				dirs = append(dirs, path.Clean(a))
			}
		}
		for _, dir := range dirs {
			end := removedBy(ops[i+1:], dir)
			if end == nil || !path.IsAbs(dir) || paths.Shared(dir) {
				continue
			}
			artifact(m, ops, o, c, end, dir)
		}
	}
}

// removedBy is the command that removes a directory, and nothing else does.
func removedBy(ops []*op, dir string) *op {
	var found *op
	for _, o := range ops {
		if o.gone || o.facts == nil {
			continue
		}
		for _, c := range o.calls() {
			if c.Name != "rm" && c.Name != "rmdir" {
				continue
			}
			for _, w := range c.Args {
				for _, v := range w.Choices() {
					if !path.IsAbs(v) || !paths.Within(dir, path.Clean(v)) {
						continue
					}
					if found != nil || !o.command() || o.one() == nil {
						return nil
					}
					found = o
				}
			}
		}
	}
	return found
}

// artifact makes a build artifact of a directory, or proposes it.
func artifact(m *reader, ops []*op, makes *op, mkdir *shell.Call, removes *op, dir string) {
	if shared(ops, dir) {
		m.out.maybeArtifacts = append(m.out.maybeArtifacts, dir)
		return
	}
	same := func(w shell.Word) bool { return path.Clean(w.Value) == dir }
	for _, e := range []struct {
		op   *op
		call *shell.Call
	}{{makes, mkdir}, {removes, removes.one()}} {
		e.op.text = reduced(e.op.text, e.call, same)
		e.op.gone = e.op.text == ""
		m.went(e.op, Carried, "setup.build_artifacts")
	}
	m.out.artifacts = append(m.out.artifacts, dir)
}

// shared reports whether two scripts may use the same file below a directory.
func shared(ops []*op, dir string) bool {
	by := map[string]*op{}
	users, open := 0, false
	for _, o := range ops {
		if o.gone || o.facts == nil {
			continue
		}
		names := usedBelow(o, dir)
		if len(names) > 0 {
			users++
		}
		for _, name := range names {
			if other := by[name]; other != nil && other != o {
				return true
			}
			by[name] = o
			open = open || name == ""
		}
	}
	return open && users > 1
}

// usedBelow are the names in a directory that an op uses, "" for ones that are
// not known.
func usedBelow(o *op, dir string) []string {
	if o.facts.Opaque != "" || o.facts.Program == nil {
		return []string{""}
	}
	names := map[string]bool{}
	note := func(name string, pattern bool) {
		if !paths.Within(name, dir) || name == dir {
			return
		}
		first, _, _ := strings.Cut(name[len(dir)+1:], "/")
		if pattern && glob.Has(first) {
			first = ""
		}
		names[first] = true
	}
	for _, s := range o.facts.Program.Closure() {
		for _, r := range s.Paths {
			note(r.Path, r.Glob)
		}
		for _, c := range s.Calls {
			if c.Kind != shell.CallProgram || !paths.Within(c.Dir, dir) || c.Dir == "" {
				continue
			}
			if c.Dir == dir && dockerfile.UsesDir(c) && !slices.ContainsFunc(c.Args, func(w shell.Word) bool { return !strings.HasPrefix(w.Value, "-") }) {
				names[""] = true // works in the whole of it
			}
			for _, w := range c.Args {
				if v := w.Value; w.Known && v != "" && !strings.HasPrefix(v, "-") && !strings.Contains(v, "://") && !path.IsAbs(v) {
					note(path.Join(c.Dir, v), w.Glob)
				} else if !w.Known {
					names[""] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
