package files

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// neededDirectories makes the directories that a step needs, and that no file in
// setup brings with it.
func (m *Classified) neededDirectories() {
	for _, o := range slices.Clone(m.Ops) {
		if o.Gone || o.Facts == nil || !o.Command() {
			continue
		}
		for _, t := range o.Facts.Touched.Sorted() {
			dir := path.Dir(t)
			if f := m.broughtBy(dir, o); f != nil && !makesParents(o, t) {
				m.insert(&commands.Op{Step: f.By, Dir: "/", Directory: dir, DirectoryText: m.TargetText(f.By, dir)})
			}
		}
	}
}

// broughtBy is a file whose COPY makes a directory before an op, where setup
// has nothing in it.
func (m *Classified) broughtBy(dir string, before *commands.Op) *commands.Copied {
	if paths.Shared(dir) {
		return nil
	}
	var found *commands.Copied
	for _, f := range m.Copies {
		switch {
		case !paths.Within(f.Target, dir) || f.Target == dir || !m.follows(before, f):
		case f.Class == commands.InSetup:
			return nil
		case found == nil:
			found = f
		}
	}
	if slices.ContainsFunc(m.Ops, func(o *commands.Op) bool {
		return o.Directory != "" && !o.Gone && paths.Within(o.Directory, dir) && m.Order[o.Step] < m.Order[before.Step]
	}) {
		return nil
	}
	return found
}

// makesParents reports whether all that an op does at a path is to make it with
// the directories above it, or to delete it.
func makesParents(o *commands.Op, name string) bool {
	found := false
	for _, c := range o.Calls() {
		if !slices.ContainsFunc(c.Args, func(w shell.Word) bool { return slices.Contains(w.Choices(), name) }) {
			continue
		}
		found = true
		_, parents := check.HasFlag(c, 'p', "m", "--parents")
		if c.Name != "rm" && (c.Name != "mkdir" || !parents) {
			return false
		}
	}
	return found
}

// madeDirectories drops the directories of WORKDIR that are there anyway.
func (m *Classified) madeDirectories() {
	made := map[string]bool{}
	for _, o := range m.Ops {
		if o.Directory == "" || o.Step.Copy != nil { // see neededDirectories
			continue
		}
		dir := o.Directory
		user := m.Out.User
		switch {
		case paths.Everywhere(dir), made[dir], user != nil && dir == user.Home, dir == "/var/lib/postgresql" && m.installsPostgreSQL() && !m.deletes(dir):
			o.Gone = true
		case slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool {
			return paths.Within(f.Target, dir) && (f.Class == commands.AtRuntime || f.Class == commands.SetupOnly && m.Order[f.By] < m.Order[o.Step])
		}) && !m.writesInto(dir):
			o.Gone = true
		}
		made[dir] = true
	}
}

// deletes reports whether setup deletes a directory by its name.
func (m *Files) deletes(dir string) bool {
	return slices.ContainsFunc(m.Ops, func(o *commands.Op) bool {
		return !o.Gone && slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool {
			return (c.Name == "rm" || c.Name == "rmdir") && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return slices.Contains(w.Choices(), dir) })
		})
	})
}

// installsPostgreSQL reports whether Debian's packages of PostgreSQL are
// installed, which make /var/lib/postgresql.
func (m *Files) installsPostgreSQL() bool {
	named := func(name string) bool { return strings.HasPrefix(name, "postgresql-") }
	return slices.ContainsFunc(m.Out.Runtime, named) || slices.ContainsFunc(m.Ops, func(o *commands.Op) bool {
		return slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool {
			return c.Is(programs.Apt) && c.Verb() == "install" && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return named(w.Value) })
		})
	})
}

// writesInto reports whether setup does something in a directory.
func (m *Files) writesInto(dir string) bool {
	return slices.ContainsFunc(m.Ops, func(o *commands.Op) bool {
		return !o.Gone && o.Directory == "" && !o.State && (len(o.Place) > 0 && slices.ContainsFunc(o.Place, func(f *commands.Copied) bool { return paths.Within(f.Target, dir) }) ||
			o.Dir == dir && (commands.OwnUsesDir(o) || commands.UsesDir(o)) && !m.readOnlyThere(o, dir))
	})
}

// readOnlyThere reports whether an op that works in a directory finds it below
// /context.
func (m *Files) readOnlyThere(o *commands.Op, dir string) bool {
	_, ok := commands.InContext(dir, o.Files)
	return ok && !m.HasPlaced(dir, o)
}
