package migrate

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
)

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
func (g *stageGroup) outputs() []output {
	var all []output
	for _, t := range g.list {
		all = append(all, t.outputs...)
	}
	slices.SortFunc(all, func(a, b output) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.from, b.from)) })
	all = slices.Compact(all)
	all = slices.CompactFunc(all, func(a, b output) bool { return a.path == b.path && a.from == "" && b.from == "" }) // one owner
	return slices.DeleteFunc(slices.Clone(all), func(o output) bool {
		return slices.ContainsFunc(all, func(other output) bool {
			return other.path != o.path && paths.Within(o.path, other.path) && o.from+o.owner+other.from+other.owner == ""
		})
	})
}

// overlaps reports whether two groups claim a path both.
func (g *stageGroup) overlaps(other *stageGroup) bool {
	return slices.ContainsFunc(g.outputs(), func(a output) bool {
		return slices.ContainsFunc(other.outputs(), func(b output) bool { return paths.Within(a.path, b.path) || paths.Within(b.path, a.path) })
	})
}

// isolation makes scripts of stages.
type isolation struct{ *counted }

// isolated makes a script of each stage that files are copied from: it runs
// beside the others, and gives the image these files alone.
func isolated(n *counted, chain []*entry) []*entry {
	m := isolation{n}
	var groups []*stageGroup
	for _, step := range m.collected() {
		c := step.Copy
		if m.fromOutside(c) { // see placing
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
	for _, g := range m.joinedStages(groups) {
		if e := m.stageEntry(g); e != nil {
			out = append(out, e)
			m.seeing(e, g.list[0].step, chain)
		}
	}
	return out
}

// collected are the instructions that copy from stages or images. Of a stage that
// only collects files of others, and whose folder is copied to its own place, they
// are those of that stage.
func (m *fetcher) collected() []*dockerfile.Step {
	var out []*dockerfile.Step
	for _, step := range m.chain {
		if c := step.Copy; c != nil && c.From != "" {
			out = append(out, m.collectedBy(step)...)
		}
	}
	return out
}

func (m *fetcher) collectedBy(step *dockerfile.Step) []*dockerfile.Step {
	c := step.Copy
	if c.Stage == nil || !collects(c.Stage) || !sameplace(c) || slices.ContainsFunc(copiesOf(c.Stage), func(inner *dockerfile.Step) bool {
		return !paths.Within(path.Clean(inner.Copy.Dest), path.Clean(c.Dest))
	}) {
		return []*dockerfile.Step{step}
	}
	name := stageName(c.Stage.Stage)
	for s := c.Stage; s != nil; s = s.On {
		m.stageLines(s, "setup.scripts: the stages that it copies from", stageName(s.Stage))
	}
	m.report.went(step.Start, Carried, "the outputs of the stages that %s copies from", name)
	var out []*dockerfile.Step
	for _, inner := range copiesOf(c.Stage) {
		m.order[inner] = m.order[step]
		out = append(out, m.collectedBy(inner)...)
	}
	return out
}

// collects reports whether a stage on scratch has nothing but files of other
// stages.
func collects(s *dockerfile.StageReading) bool {
	return s.Bottom().Image == "scratch" && len(copiesOf(s)) > 0 && !slices.ContainsFunc(s.All(), func(step *dockerfile.Step) bool {
		return step.Run != nil || step.Copy != nil && step.Copy.From == ""
	})
}

// copiesOf are the COPYs of a stage, and of those that it builds on.
func copiesOf(s *dockerfile.StageReading) []*dockerfile.Step {
	return slices.DeleteFunc(slices.Clone(s.All()), func(step *dockerfile.Step) bool { return step.Copy == nil })
}

// sameplace reports whether a COPY takes a folder to where it is.
func sameplace(c *dockerfile.Copy) bool {
	return len(c.Sources) == 1 && path.Clean("/"+c.Sources[0]) == path.Clean(c.Dest) && c.Chown+c.Chmod == ""
}

// joinedStages makes one group of those that overlap and stand on one base.
func (m isolation) joinedStages(groups []*stageGroup) []*stageGroup {
	for i := 0; i < len(groups); i++ {
		for j := len(groups) - 1; j > i; j-- {
			a, b := groups[i], groups[j]
			if a.overlaps(b) && m.ownBase(a.stages[0]) == m.ownBase(b.stages[0]) {
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
func (m isolation) seeing(e *entry, step *dockerfile.Step, chain []*entry) {
	for _, other := range chain {
		if len(other.ops) > 0 && (m.order[other.ops[0].step] > m.order[step] || other.ops[0].step == step) {
			other.after = append(other.after, e)
			return
		}
	}
}

// stageEntry is the isolated script of a group of stages.
func (m isolation) stageEntry(g *stageGroup) *entry {
	lost := func(format string, args ...any) *entry {
		for _, t := range g.list {
			m.report.went(t.step.Start, Lost, format, args...)
		}
		return nil
	}
	w := &stageWriter{m: m, list: g.list}
	done := map[*dockerfile.StageReading]bool{}
	for _, s := range g.stages {
		if from := w.flatten(s, done); from != "" {
			return lost("%s", from)
		}
	}
	for i, step := range w.steps {
		m.order[step] = i - len(w.steps) // before the target's own
	}
	w.ops = m.collect(w.steps)
	own := m.ownBase(g.stages[0])
	if own == unknownBase {
		return lost("the stage's base is known only in a build")
	}
	for _, s := range w.stages {
		if s.Platform != "" {
			m.report.note(m.where(s.From.Start), "--platform=%s: the script of the stage %s runs on the platform that is built for; what it compiles for another one has to ask for that", s.Platform, stageName(s.Stage))
		}
	}
	var packages []string
	if own == "" {
		packages, _ = declarePackages(m.reader, w.ops, "build packages of the stage's script")
	}
	m.stageVariables(w.ops)
	e := w.entry()
	e.base, e.build = own, packages
	if o := &m.out; own == "" && (o.user != nil || len(o.runtime)+len(o.toolchain) > 0) {
		e.base = o.base // the stage has none of that
	}
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
		for _, o := range t.outputs {
			e.sees = append(e.sees, referred(o.path)...)
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
func (m *variables) stageVariables(ops []*op) {
	for _, o := range ops {
		if o.gone || o.state || o.facts == nil {
			continue
		}
		o.wants = m.wants(o)
		for _, name := range slices.Sorted(maps.Keys(o.wants)) {
			_, predefined := m.opt.Predefined[name]
			if o.wants[name].open || m.arg(name) == nil && !predefined || m.values[name] != o.wants[name].value {
				m.override(o, name)
			}
		}
	}
}

// unknownBase is a base that cannot be written.
const unknownBase = "unknown"

// ownBase is the base of a stage, "" where it is the image's.
func (m isolation) ownBase(s *dockerfile.StageReading) string {
	if collects(s) {
		for _, step := range copiesOf(s) {
			if !m.fromOutside(step.Copy) {
				return m.ownBase(step.Copy.Stage)
			}
		}
		return ""
	}
	text, exact := m.text(s.Bottom().Base, m.reading.Global, m.globalNames())
	switch {
	case !exact:
		return unknownBase
	case text == m.out.base: // whatever the args are
		return ""
	}
	return text
}

// stageLines reports where the instructions of a stage went.
func (m *fetcher) stageLines(s *dockerfile.StageReading, where, name string) {
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
