package migrate

import (
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

// isolated makes a script of each stage that files are copied from: it runs
// beside the others, and gives the image these files alone.
func (m *migration) isolated(chain []*entry) []*entry {
	var out []*entry
	byStage := map[*dockerfile.StageReading][]*taken{}
	var stages []*dockerfile.StageReading
	for _, step := range m.chain {
		c := step.Copy
		if c == nil || c.From == "" {
			continue
		}
		if c.Stage == nil { // see fetched
			continue
		}
		t := m.take(step)
		if t == nil {
			continue
		}
		if byStage[c.Stage] == nil {
			stages = append(stages, c.Stage)
		}
		byStage[c.Stage] = append(byStage[c.Stage], t)
	}
	for _, s := range stages {
		if e := m.stageEntry(s, byStage[s]); e != nil {
			out = append(out, e)
			m.seeing(e, byStage[s][0].step, chain)
		}
	}
	return out
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
		case m.isDir(c.Stage, source):
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

// stageEntry is the isolated script of a stage.
func (m *migration) stageEntry(s *dockerfile.StageReading, list []*taken) *entry {
	if !m.sameBase(s) {
		for _, t := range list {
			m.report.went(t.step.Start, Lost, "the stage's base is %s: a build file can have one base for all isolated scripts (setup.base)", s.Bottom().Image)
		}
		return nil
	}
	w := &stageWriter{m: m, list: list}
	if from := w.flatten(s, map[*dockerfile.StageReading]bool{}); from != "" {
		for _, t := range list {
			m.report.went(t.step.Start, Lost, "the stage copies from the image %s; a build file has one base", from)
		}
		return nil
	}
	for i, step := range w.steps {
		m.order[step] = i - len(w.steps) // before the target's own
	}
	w.ops = m.collect(w.steps)
	m.stagePackages(w.ops)
	m.stageVariables(w.ops)
	e := w.entry()
	name := s.Name
	if name == "" {
		name = fmt.Sprintf("stage %d", s.Index)
	}
	e.notes = append(e.notes, fmt.Sprintf("The stage %s: it runs beside the other scripts, and gives the image its outputs alone.", name))
	for _, t := range list {
		e.outputs = append(e.outputs, t.outputs...)
		for n := range t.step.Copy.Sources {
			e.sees = append(e.sees, referred(m.sourceText(t.step, n))...)
		}
		for _, text := range t.outputs {
			e.sees = append(e.sees, referred(text)...)
		}
		m.report.went(t.step.Start, Carried, "the outputs of the stage %s", name)
	}
	e.outputs = sorted(e.outputs)
	for _, one := range w.stages {
		m.stageLines(one, name)
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

// stageLines reports where a stage's instructions went.
func (m *migration) stageLines(s *dockerfile.StageReading, name string) {
	m.report.went(s.From.Start, Carried, "setup.scripts: the stage %s", name)
	for _, step := range s.Steps {
		switch step.Command.(type) {
		case *instructions.ArgCommand:
		case *instructions.LabelCommand, *instructions.ExposeCommand, *instructions.VolumeCommand, *instructions.CmdCommand,
			*instructions.EntrypointCommand, *instructions.HealthCheckCommand, *instructions.StopSignalCommand, *instructions.MaintainerCommand:
			m.report.went(step.Start, Dropped, "no container runs the stage %s", name)
		default:
			m.report.went(step.Start, Carried, "setup.scripts: the stage %s", name)
		}
	}
}
