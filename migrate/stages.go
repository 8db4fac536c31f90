package migrate

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// taken is what an instruction copies from another stage.
type taken struct {
	step    *dockerfile.Step
	outputs []string
	// moves are commands that bring the files to where they are wanted.
	moves []string
}

// stageGroup are stages that become one script: those of which one takes files
// away, but where several stages give files of the same place.
type stageGroup struct {
	stages []*dockerfile.StageReading
	list   []*taken
}

// names are how the report calls them.
func (g *stageGroup) names() string {
	var out []string
	for _, s := range g.stages {
		name := s.Name
		if name == "" {
			name = fmt.Sprintf("stage %d", s.Index)
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// outputs are all paths that it gives the image, without those below another.
func (g *stageGroup) outputs() []string {
	var all []string
	for _, t := range g.list {
		all = append(all, t.outputs...)
	}
	all = sorted(all)
	return slices.DeleteFunc(slices.Clone(all), func(o string) bool {
		return slices.ContainsFunc(all, func(other string) bool { return other != o && paths.Within(o, other) })
	})
}

// overlaps reports whether two groups claim a path both.
func (g *stageGroup) overlaps(other *stageGroup) bool {
	return slices.ContainsFunc(g.outputs(), func(a string) bool {
		return slices.ContainsFunc(other.outputs(), func(b string) bool { return paths.Within(a, b) || paths.Within(b, a) })
	})
}

// isolated makes a script of each stage that files are copied from: it runs
// beside the others, and gives the image these files alone.
func (m *migration) isolated(chain []*entry) []*entry {
	var groups []*stageGroup
	for _, step := range m.chain {
		c := step.Copy
		if c == nil || c.From == "" || c.Stage == nil || isImage(c.Stage) { // see fetched
			continue
		}
		t := m.take(step)
		if t == nil {
			continue
		}
		i := slices.IndexFunc(groups, func(g *stageGroup) bool { return g.stages[0] == c.Stage })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &stageGroup{stages: []*dockerfile.StageReading{c.Stage}})
		}
		groups[i].list = append(groups[i].list, t)
	}
	var out []*entry
	for _, g := range joined(groups) {
		if e := m.stageEntry(g); e != nil {
			out = append(out, e)
			m.seeing(e, g.list[0].step, chain)
		}
	}
	return out
}

// joined makes one group of those that overlap and stand on one base.
func joined(groups []*stageGroup) []*stageGroup {
	for i := 0; i < len(groups); i++ {
		for j := len(groups) - 1; j > i; j-- {
			a, b := groups[i], groups[j]
			if a.overlaps(b) && a.stages[0].Bottom().Image == b.stages[0].Bottom().Image {
				a.stages, a.list = append(a.stages, b.stages...), append(a.list, b.list...)
				groups = slices.Delete(groups, j, j+1)
				j = len(groups) // what it overlaps now, it joins too
			}
		}
	}
	for _, g := range groups {
		slices.SortStableFunc(g.list, func(a, b *taken) int { return cmp.Compare(a.step.Start, b.step.Start) })
		slices.SortStableFunc(g.stages, func(a, b *dockerfile.StageReading) int { return cmp.Compare(a.Index, b.Index) })
	}
	return groups
}

// isImage reports whether a stage is an image as it is: it makes no files.
func isImage(s *dockerfile.StageReading) bool {
	return s.Bottom().Image != "scratch" && !slices.ContainsFunc(s.All(), func(step *dockerfile.Step) bool {
		_, workdir := step.Command.(*instructions.WorkdirCommand)
		return step.Run != nil || step.Copy != nil || workdir
	})
}

// seeing lets the scripts that come after a COPY see what it brings.
func (m *migration) seeing(e *entry, step *dockerfile.Step, chain []*entry) {
	for _, other := range chain {
		if len(other.ops) > 0 && m.order[other.ops[0].step] > m.order[step] {
			other.after = append(other.after, e)
			return
		}
	}
}

// take reads a COPY --from of a stage; nil when it cannot be carried over.
func (m *migration) take(step *dockerfile.Step) *taken {
	c := step.Copy
	t := &taken{step: step}
	lost := func(format string, args ...any) *taken {
		m.report.went(step.Start, Lost, format, args...)
		return nil
	}
	if cmd, ok := step.Command.(*instructions.CopyCommand); ok && (len(cmd.ExcludePatterns) > 0 || cmd.Parents) {
		return lost("its flags cannot be carried over")
	}
	dest := m.destText(step)
	for n, source := range c.Sources {
		from, fromText := path.Clean("/"+source), "/"+m.sourceText(step, n)
		switch {
		case c.Dest == "" || from == "/" || c.Dest == "/" && m.isDir(c.Stage, source):
			return lost("it copies everything; name the paths that the stage makes")
		case strings.ContainsAny(from, "*?["):
			if path.Dir(from) != path.Clean(c.Dest) {
				return lost("a pattern whose files go elsewhere cannot be an output")
			}
			t.outputs = append(t.outputs, escaped(from))
		case m.isDir(c.Stage, source) && !intoPrograms(c, source):
			to := path.Clean(c.Dest)
			t.outputs = append(t.outputs, dest)
			if to != from {
				t.moves = append(t.moves, fmt.Sprintf("mkdir -p %s", inShell(dest)), fmt.Sprintf("cp -a %s/. %s/", inShell(fromText), inShell(dest)))
			}
		default:
			to, toText := path.Clean(c.Dest), dest
			if strings.HasSuffix(c.Dest, "/") || len(c.Sources) > 1 || c.Dest == "/" {
				to, toText = path.Join(c.Dest, path.Base(from)), path.Join(dest, path.Base(fromText))
			}
			t.outputs = append(t.outputs, toText)
			if to != from {
				t.moves = append(t.moves, fmt.Sprintf("mkdir -p %s", inShell(path.Dir(toText))), fmt.Sprintf("cp -a %s %s", inShell(fromText), inShell(toText)))
			}
		}
	}
	if c.Chown != "" {
		for _, o := range t.outputs {
			t.moves = append(t.moves, "chown -R "+quoted(c.Chown)+" "+o)
		}
	}
	if c.Chmod != "" {
		for _, o := range t.outputs {
			t.moves = append(t.moves, "chmod -R "+quoted(c.Chmod)+" "+o)
		}
	}
	return t
}

// intoPrograms reports whether a COPY puts a file without an ending beside
// programs: it is one itself, whatever its name.
func intoPrograms(c *dockerfile.Copy, source string) bool {
	base := path.Base(path.Clean(c.Dest))
	return (base == "bin" || base == "sbin") && strings.HasSuffix(c.Dest, "/") && !strings.HasSuffix(source, "/") && path.Base(source) != base
}

// isDir guesses whether a path of a stage is a directory: by its slash, by what
// the stage does with it, or by its name.
func (m *migration) isDir(s *dockerfile.StageReading, source string) bool {
	name := path.Clean("/" + source)
	if strings.HasSuffix(source, "/") || name == "/" {
		return true
	}
	for _, step := range s.All() {
		if step.Copy != nil {
			for _, f := range step.Copy.Files {
				if f.Target == name {
					return false
				}
				if paths.Within(f.Target, name) {
					return true
				}
			}
		}
		for _, p := range programsOf(step) {
			for _, script := range p.Closure() {
				for _, r := range script.Paths {
					if r.Path != name && paths.Within(r.Path, name) {
						return true
					}
					if r.Path == name && (r.Access == shell.AccessWrite || r.Access == shell.AccessRead) {
						return false
					}
				}
				for _, c := range script.Calls {
					if c.Name == "mkdir" && c.HasArg(name) {
						return true
					}
				}
			}
		}
	}
	base := path.Base(name)
	return path.Ext(base) == "" && path.Base(path.Dir(name)) != "bin" && path.Base(path.Dir(name)) != "sbin"
}

// stageEntry is the isolated script of a group of stages.
func (m *migration) stageEntry(g *stageGroup) *entry {
	lost := func(format string, args ...any) *entry {
		for _, t := range g.list {
			m.report.went(t.step.Start, Lost, format, args...)
		}
		return nil
	}
	if s := g.stages[0]; !m.sameBase(s) {
		return lost("the stage's base is %s: a build file can have one base for all isolated scripts (setup.base)", s.Bottom().Image)
	}
	w := &stageWriter{m: m, list: g.list}
	done := map[*dockerfile.StageReading]bool{}
	for _, s := range g.stages {
		if from := w.flatten(s, done); from != "" {
			return lost("the stage copies from the image %s; a build file has one base", from)
		}
	}
	for i, step := range w.steps {
		m.order[step] = i - len(w.steps) // before the target's own
	}
	w.ops = m.collect(w.steps)
	m.stagePackages(w.ops)
	m.stageVariables(w.ops)
	e := w.entry()
	name := g.names()
	if len(g.stages) == 1 {
		e.notes = append(e.notes, fmt.Sprintf("The stage %s: it runs beside the other scripts, and gives the image its outputs alone.", name))
	} else {
		e.notes = append(e.notes, fmt.Sprintf("The stages %s, since they give the image files of the same place: it runs beside the other scripts, and gives the image its outputs alone.", name))
	}
	for _, t := range g.list {
		for n := range t.step.Copy.Sources {
			e.sees = append(e.sees, referred(m.sourceText(t.step, n))...)
		}
		for _, text := range t.outputs {
			e.sees = append(e.sees, referred(text)...)
		}
		m.report.went(t.step.Start, Carried, "the outputs of the stage %s", name)
	}
	e.outputs = g.outputs()
	for _, one := range w.stages {
		m.stageLines(one, "setup.scripts: the stage "+name, name)
	}
	return e
}

// stageVariables settles the variables of a stage's ops: those that are args
// come from there, the others are set by the script.
func (m *migration) stageVariables(ops []*op) {
	for _, o := range ops {
		if o.gone || o.state || o.facts == nil {
			continue
		}
		o.wants = m.wants(o)
		for _, name := range keys(o.wants) {
			_, predefined := m.opt.Dockerfile.Predefined[name]
			if o.wants[name].open || m.arg(name) == nil && !predefined || m.values[name] != o.wants[name].value {
				m.override(o, name)
			}
		}
	}
}

// sameBase reports whether a stage can share a base with the other isolated
// scripts.
func (m *migration) sameBase(s *dockerfile.StageReading) bool {
	root := s.Bottom()
	own := root.Image
	text, exact := m.text(root.Base, m.reading.Global, m.globalNames())
	if !exact {
		return false
	}
	if text == m.out.base && m.out.setupBase == "" { // whatever the args are
		m.isolatedOnBase = true
		return true
	}
	if own == "scratch" || strings.Contains(own, "alpine") {
		return false
	}
	if m.out.setupBase == "" && !m.isolatedOnBase {
		m.out.setupBase = text
		return true
	}
	return m.out.setupBase == text
}

// stagePackages makes build dependencies of the packages that a stage installs
// first: they are in no image.
func (m *migration) stagePackages(ops []*op) {
	p := &packaging{migration: m, key: "setup.dependencies.build"}
	p.packages(ops)
	for _, name := range p.list {
		if !slices.Contains(m.out.toolchain, name) && !slices.Contains(m.out.runtime, name) {
			m.out.toolchain = append(m.out.toolchain, name)
		}
	}
}

// stageLines reports where the instructions of a stage went.
func (m *migration) stageLines(s *dockerfile.StageReading, where, name string) {
	m.report.went(s.From.Start, Carried, "%s", where)
	for _, step := range s.Steps {
		switch step.Command.(type) {
		case *instructions.ArgCommand:
		case *instructions.LabelCommand, *instructions.ExposeCommand, *instructions.VolumeCommand, *instructions.CmdCommand,
			*instructions.EntrypointCommand, *instructions.HealthCheckCommand, *instructions.StopSignalCommand, *instructions.MaintainerCommand:
			m.report.went(step.Start, Dropped, "no container runs the stage %s", name)
		default:
			m.report.went(step.Start, Carried, "%s", where)
		}
	}
}
