package files

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/fetch"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// placing makes ops of the files that setup puts into the image, where their
// COPY stands.
func (m *Classified) placing() {
	for _, step := range m.Chain {
		if step.Copy == nil {
			continue
		}
		if c := step.Copy; c.Stage != nil && fetch.Collects(c.Stage) {
			m.fromImages(step)
			continue
		}
		o := &commands.Op{Step: step, Dir: "/"}
		for _, f := range m.Copies {
			if f.By == step && f.Class == commands.InSetup {
				o.Place = append(o.Place, f)
			}
		}
		if given := m.Owned(step); given != nil {
			o = given
		} else if (!m.lists(step) || m.FromOutside(step.Copy)) && len(step.Copy.Texts) == 0 {
			o = m.unknownCopy(step)
		} else if c := step.Copy; !c.Known && len(c.Sources) > 0 && len(c.Texts) > 0 {
			m.Report.Record(step.Start, report.Lost, "which files it copies beside its here-documents is not known before a build")
		}
		for _, dir := range m.onlyEmpty(step) {
			m.insert(&commands.Op{Step: step, Dir: "/", Directory: dir, DirectoryText: m.TargetText(step, dir)})
		}
		if o == nil || len(o.Place)+len(o.Fetched) == 0 {
			continue
		}
		o.Wholes = m.wholesOf(o)
		m.oneByOne(o)
		m.insert(o)
	}
}

// onlyEmpty are the empty directories that a COPY of nothing else makes.
func (m *Files) onlyEmpty(step *dockerfile.Step) []string {
	if c := step.Copy; c.Chown+c.Chmod != "" || slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool { return f.By == step }) {
		return nil
	}
	return step.Copy.Empty
}

// fromImages copies what a stage that only collects files takes of images.
func (m *Files) fromImages(step *dockerfile.Step) {
	for _, inner := range m.CollectedBy(step) {
		if inner != step && m.FromOutside(inner.Copy) {
			if o := m.FromImage(inner); o != nil {
				m.insert(o)
			}
		}
	}
}

// unknownCopy carries over a COPY or ADD whose files could not be listed, where
// that is possible: an archive that is unpacked.
func (m *Files) unknownCopy(step *dockerfile.Step) *commands.Op {
	c := step.Copy
	lost := func(why string) *commands.Op {
		m.Report.Record(step.Start, report.Lost, "%s", why)
		return nil
	}
	if m.FromOutside(c) {
		return m.FromImage(step)
	}
	if c.From != "" {
		return nil // see isolated
	}
	add, isAdd := step.Command.(*instructions.AddCommand)
	if !isAdd {
		return lost("which files it copies is not known before a build (its flags, or a source that the context does not have)")
	}
	o := &commands.Op{Step: step, Unpack: true, Dest: path.Clean(c.Dest), Dir: "/"}
	for _, source := range c.Sources {
		name := paths.Inside(source)
		switch {
		case strings.Contains(source, "://") || strings.HasPrefix(source, "git@"):
			if o := m.Download(step, add); o != nil {
				return o
			}
			return lost("it downloads: make it one of setup.sources, or write a setup script that does, and that verifies the file")
		case c.Dest == "" || !m.unpacks(name):
			return lost("which files it copies is not known before a build")
		}
		o.Place = append(o.Place, &commands.Copied{CopiedFile: &dockerfile.CopiedFile{Source: name, Target: o.Dest, By: step}})
	}
	if add.Chown != "" || add.Chmod != "" {
		return lost("an owner or mode for what an archive holds")
	}
	return o
}

func (m *Files) unpacks(name string) bool {
	unpacks, known := dockerfile.Unpacks(m.Bare, name)
	return unpacks && known
}

// wholesOf are the directories of which an op puts all files into the image as they are: what
// is added to them later goes along, as it did. None gets generated scripts.
func (m *Files) wholesOf(o *commands.Op) []commands.Whole {
	bySource := map[string][]*commands.Copied{}
	for _, f := range o.Place {
		bySource[f.Source] = append(bySource[f.Source], f)
	}
	asItIs := func(f *commands.Copied) bool {
		// The mode of a copied file is that which --chmod gives it.
		return !Ambiguous(f) && f.OwnerFlags() == "" && (f.ImageMode == f.Mode && o.Step.Copy.Chmod == "" || f.Mode&fs.ModeSymlink != 0)
	}
	generated := m.ScriptsDir()
	var out []commands.Whole
	for _, f := range o.Place {
		var found *commands.Whole
		for dir, target := path.Dir(f.Source), path.Dir(f.Target); dir != "." && !paths.Within(generated, dir) && len(m.Tree(f, dir, target, bySource, asItIs)) > 0; dir, target = path.Dir(dir), path.Dir(target) {
			found = &commands.Whole{Source: dir, Target: target}
			if path.Base(dir) != path.Base(target) {
				break
			}
		}
		if found != nil && !slices.Contains(out, *found) {
			out = append(out, *found)
		}
	}
	return out
}

// oneByOne notes that a script copies files of a directory, or of a pattern, each by
// its name.
func (m *Files) oneByOne(o *commands.Op) {
	left := slices.ContainsFunc(o.Place, func(f *commands.Copied) bool { return !o.IsWhole(f) })
	if left && slices.ContainsFunc(o.Step.Copy.Sources, func(source string) bool {
		return glob.Has(source) || m.IsDir(paths.Inside(source))
	}) {
		m.Report.Note(m.Where(o.Line()), "a generated script copies its files one by one: one that is added later has to be added there")
	}
}

// ScriptsDir is where generated scripts go: a folder of their own, which no
// script of the Dockerfile goes through. The Dockerfile stays, and builds what it
// did.
func (m *Files) ScriptsDir() string {
	const usual = "setup/generated"
	if slices.ContainsFunc(m.Ops, func(o *commands.Op) bool { return m.goesThrough(o, usual) }) {
		return "generated"
	}
	return usual
}

// goesThrough reports whether an op may run or read whatever is in a directory
// of the context, which need not be there yet.
func (m *Files) goesThrough(o *commands.Op, dir string) bool {
	if o.Facts == nil {
		return false
	}
	targets := m.targetsOf(path.Join(dir, "any.sh"), o)
	if len(targets) == 0 {
		return false
	}
	programs := []*shell.Program{o.Facts.Program}
	if o.Call != nil {
		programs = append(programs, o.Call.Driver)
	}
	return o.Facts.Opaque != "" && o.Script() || slices.ContainsFunc(targets, func(target string) bool {
		return o.Facts.Trees.Cover(target) ||
			slices.ContainsFunc(programs, func(p *shell.Program) bool { return p != nil && matchesGlob(p, target) })
	})
}

// targetsOf are the places that a file of the context is copied to, were it
// there.
func (m *Files) targetsOf(source string, before *commands.Op) []string {
	var out []string
	for _, step := range m.Chain {
		if step.Copy == nil || step.Copy.From != "" || step.Copy.Dest == "" || m.Order[step] > m.Order[before.Step] {
			continue
		}
		for _, s := range step.Copy.Sources {
			s = paths.Inside(s)
			switch {
			case s == "":
				out = append(out, path.Join(step.Copy.Dest, source))
			case m.IsDir(s) && paths.Within(source, s):
				out = append(out, path.Join(step.Copy.Dest, strings.TrimPrefix(source, s)))
			}
		}
	}
	return out
}

// matchesGlob reports whether a pattern of a program matches a path.
func matchesGlob(p *shell.Program, target string) bool {
	return slices.ContainsFunc(p.Closure(), func(s *shell.Script) bool {
		return slices.ContainsFunc(s.Paths, func(r shell.PathRef) bool {
			return r.Glob && glob.Path(r.Path, target)
		})
	})
}
