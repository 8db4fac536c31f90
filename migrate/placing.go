package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// placing makes ops of the files that setup puts into the image, where their
// COPY stands.
func (m *classified) placing() {
	for _, step := range m.chain {
		if step.Copy == nil {
			continue
		}
		if c := step.Copy; c.Stage != nil && collects(c.Stage) {
			m.fromImages(step)
			continue
		}
		o := &op{step: step, dir: "/"}
		for _, f := range m.copies {
			if f.By == step && f.class == inSetup {
				o.place = append(o.place, f)
			}
		}
		if given := m.owned(step); given != nil {
			o = given
		} else if (!m.lists(step) || m.fromOutside(step.Copy)) && len(step.Copy.Texts) == 0 {
			o = m.unknownCopy(step)
		} else if c := step.Copy; !c.Known && len(c.Sources) > 0 && len(c.Texts) > 0 {
			m.report.went(step.Start, Lost, "which files it copies beside its here-documents is not known before a build")
		}
		if o == nil || len(o.place)+len(o.fetched) == 0 {
			continue
		}
		o.wholes = m.wholesOf(o)
		m.oneByOne(o)
		m.insert(o)
	}
}

// lists reports whether the files of a COPY are known.
func (m *contents) lists(step *dockerfile.Step) bool {
	return step.Copy.Known || slices.ContainsFunc(m.copies, func(f *copied) bool { return f.By == step })
}

// neededDirectories makes the directories that a step needs, and that no file in
// setup brings with it.
func (m *classified) neededDirectories() {
	for _, o := range slices.Clone(m.ops) {
		if o.gone || o.facts == nil || !o.command() {
			continue
		}
		for _, t := range o.facts.Touched.Sorted() {
			dir := path.Dir(t)
			if f := m.broughtBy(dir, o); f != nil && !makesParents(o, t) {
				m.insert(&op{step: f.By, dir: "/", made: dir, madeText: m.targetText(f.By, dir)})
			}
		}
	}
}

// broughtBy is a file whose COPY makes a directory before an op, where setup
// has nothing in it.
func (m *classified) broughtBy(dir string, before *op) *copied {
	if paths.Shared(dir) {
		return nil
	}
	var found *copied
	for _, f := range m.copies {
		switch {
		case !paths.Within(f.Target, dir) || f.Target == dir || !m.follows(before, f):
		case f.class == inSetup:
			return nil
		case found == nil:
			found = f
		}
	}
	if slices.ContainsFunc(m.ops, func(o *op) bool {
		return o.made != "" && !o.gone && paths.Within(o.made, dir) && m.order[o.step] < m.order[before.step]
	}) {
		return nil
	}
	return found
}

// makesParents reports whether all that an op does at a path is to make it with
// the directories above it, or to delete it.
func makesParents(o *op, name string) bool {
	found := false
	for _, c := range o.calls() {
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

// insert puts an op where its instruction stands.
func (m *contents) insert(o *op) {
	at := slices.IndexFunc(m.ops, func(other *op) bool { return m.order[other.step] > m.order[o.step] })
	if at < 0 {
		at = len(m.ops)
	}
	m.ops = slices.Insert(m.ops, at, o)
}

// unknownCopy carries over a COPY or ADD whose files could not be listed, where
// that is possible: an archive that is unpacked.
func (m *contents) unknownCopy(step *dockerfile.Step) *op {
	c := step.Copy
	lost := func(why string) *op {
		m.report.went(step.Start, Lost, "%s", why)
		return nil
	}
	if m.fromOutside(c) {
		return m.fromImage(step)
	}
	if c.From != "" {
		return nil // see isolated
	}
	add, isAdd := step.Command.(*instructions.AddCommand)
	if !isAdd {
		return lost("which files it copies is not known before a build (its flags, or a source that the context does not have)")
	}
	o := &op{step: step, unpack: true, dest: path.Clean(c.Dest), dir: "/"}
	for _, source := range c.Sources {
		name := paths.Inside(source)
		switch {
		case strings.Contains(source, "://") || strings.HasPrefix(source, "git@"):
			if o := m.download(step, add); o != nil {
				return o
			}
			return lost("it downloads: make it one of setup.sources, or write a setup script that does, and that verifies the file")
		case c.Dest == "" || !m.unpacks(name):
			return lost("which files it copies is not known before a build")
		}
		o.place = append(o.place, &copied{CopiedFile: &dockerfile.CopiedFile{Source: name, Target: o.dest, By: step}})
	}
	if add.Chown != "" || add.Chmod != "" {
		return lost("an owner or mode for what an archive holds")
	}
	return o
}

func (m *contents) unpacks(name string) bool {
	unpacks, known := dockerfile.Unpacks(m.context, name)
	return unpacks && known
}

// madeDirectories drops the directories of WORKDIR that are there anyway.
func (m *classified) madeDirectories() {
	made := map[string]bool{}
	for _, o := range m.ops {
		if o.made == "" || o.step.Copy != nil { // see neededDirectories
			continue
		}
		dir := o.made
		user := m.out.user
		switch {
		case paths.Everywhere(dir), made[dir], user != nil && dir == user.home, dir == "/var/lib/postgresql" && m.installsPostgreSQL() && !m.deletes(dir):
			o.gone = true
		case slices.ContainsFunc(m.copies, func(f *copied) bool {
			return paths.Within(f.Target, dir) && (f.class == atRuntime || f.class == setupOnly && m.order[f.By] < m.order[o.step])
		}) && !m.writesInto(dir):
			o.gone = true
		}
		made[dir] = true
	}
}

// deletes reports whether setup deletes a directory by its name.
func (m *contents) deletes(dir string) bool {
	return slices.ContainsFunc(m.ops, func(o *op) bool {
		return !o.gone && slices.ContainsFunc(o.calls(), func(c *shell.Call) bool {
			return (c.Name == "rm" || c.Name == "rmdir") && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return slices.Contains(w.Choices(), dir) })
		})
	})
}

// installsPostgreSQL reports whether Debian's packages of PostgreSQL are
// installed, which make /var/lib/postgresql.
func (m *contents) installsPostgreSQL() bool {
	named := func(name string) bool { return strings.HasPrefix(name, "postgresql-") }
	return slices.ContainsFunc(m.out.runtime, named) || slices.ContainsFunc(m.ops, func(o *op) bool {
		return slices.ContainsFunc(o.calls(), func(c *shell.Call) bool {
			return c.Is(programs.Apt) && c.Verb() == "install" && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return named(w.Value) })
		})
	})
}

// writesInto reports whether setup does something in a directory.
func (m *contents) writesInto(dir string) bool {
	return slices.ContainsFunc(m.ops, func(o *op) bool {
		return !o.gone && o.made == "" && !o.state && (len(o.place) > 0 && slices.ContainsFunc(o.place, func(f *copied) bool { return paths.Within(f.Target, dir) }) ||
			o.dir == dir && (ownUsesDir(o) || usesDir(o)) && !m.readOnlyThere(o, dir))
	})
}

// readOnlyThere reports whether an op that works in a directory finds it below
// /context.
func (m *contents) readOnlyThere(o *op, dir string) bool {
	_, ok := inContext(dir, o.files)
	return ok && !m.hasPlaced(dir, o)
}
