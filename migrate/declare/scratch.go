package declare

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Scratch makes build artifacts of the directories that are made before scripts
// run and removed after them. They are then empty for each script, so it has to
// be sure that none reads what another has left.
func Scratch(m *commands.Reader, ops []*commands.Op) {
	for i, o := range ops {
		c := o.Single()
		if o.Gone || !o.Command() || c == nil || c.Name != "mkdir" || len(o.When) > 0 || len(c.Redirects) > 0 {
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
func removedBy(ops []*commands.Op, dir string) *commands.Op {
	var found *commands.Op
	for _, o := range ops {
		if o.Gone || o.Facts == nil {
			continue
		}
		for _, c := range o.Calls() {
			if c.Name != "rm" && c.Name != "rmdir" {
				continue
			}
			for _, w := range c.Args {
				for _, v := range w.Choices() {
					if !path.IsAbs(v) || !paths.Within(dir, path.Clean(v)) {
						continue
					}
					if found != nil || !o.Command() || o.Single() == nil {
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
func artifact(m *commands.Reader, ops []*commands.Op, makes *commands.Op, mkdir *shell.Call, removes *commands.Op, dir string) {
	if shared(ops, dir) {
		m.Out.MaybeArtifacts = append(m.Out.MaybeArtifacts, dir)
		return
	}
	same := func(w shell.Word) bool { return path.Clean(w.Value) == dir }
	for _, e := range []struct {
		op   *commands.Op
		call *shell.Call
	}{{makes, mkdir}, {removes, removes.Single()}} {
		e.op.Text = commands.Reduced(e.op.Text, e.call, same)
		e.op.Gone = e.op.Text == ""
		m.Record(e.op, report.Carried, "setup.build_artifacts")
	}
	m.Out.Artifacts = append(m.Out.Artifacts, dir)
}

// shared reports whether two scripts may use the same file below a directory.
func shared(ops []*commands.Op, dir string) bool {
	by := map[string]*commands.Op{}
	users, open := 0, false
	for _, o := range ops {
		if o.Gone || o.Facts == nil {
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
func usedBelow(o *commands.Op, dir string) []string {
	if o.Facts.Opaque != "" || o.Facts.Program == nil {
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
	for _, s := range o.Facts.Program.Closure() {
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
