// Package isolate makes scripts of the stages that files are copied from: each runs
// beside the others.
package isolate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/declare"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/fetch"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/migrate/scripts"
	"github.com/pgstrata/pgstrata/paths"
)

// stageGroup are stages that become one script: those of which one takes files
// away, but where several stages give files of the same place.
type stageGroup struct {
	stages []*dockerfile.StageReading
	list   []*fetch.Taken
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
func (g *stageGroup) outputs() []buildfile.Output {
	var all []buildfile.Output
	for _, t := range g.list {
		all = append(all, t.Outputs...)
	}
	slices.SortFunc(all, func(a, b buildfile.Output) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.From, b.From))
	})
	all = slices.Compact(all)
	all = slices.CompactFunc(all, func(a, b buildfile.Output) bool { return a.Path == b.Path && a.From == "" && b.From == "" }) // one owner
	return slices.DeleteFunc(slices.Clone(all), func(o buildfile.Output) bool {
		return slices.ContainsFunc(all, func(other buildfile.Output) bool {
			return other.Path != o.Path && paths.Within(o.Path, other.Path) && o.From+o.Owner+other.From+other.Owner == ""
		})
	})
}

// overlaps reports whether two groups claim a path both.
func (g *stageGroup) overlaps(other *stageGroup) bool {
	return slices.ContainsFunc(g.outputs(), func(a buildfile.Output) bool {
		return slices.ContainsFunc(other.outputs(), func(b buildfile.Output) bool { return paths.Within(a.Path, b.Path) || paths.Within(b.Path, a.Path) })
	})
}

// isolation makes scripts of stages.
type isolation struct{ *scripts.Scripts }

// Stages makes a script of each stage that files are copied from: it runs
// beside the others, and gives the image these files alone.
func Stages(n *scripts.Scripts, chain []*scripts.Entry) []*scripts.Entry {
	m := isolation{n}
	var groups []*stageGroup
	for _, step := range m.Collected() {
		c := step.Copy
		if m.FromOutside(c) { // see placing
			continue
		}
		t := m.Take(step)
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
	var out []*scripts.Entry
	for _, g := range m.joinedStages(groups) {
		if e := m.stageEntry(g); e != nil {
			out = append(out, e)
			m.seeing(e, g.list[0].Step, chain)
		}
	}
	return out
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
		slices.SortStableFunc(g.list, func(a, b *fetch.Taken) int { return cmp.Compare(a.Step.Start, b.Step.Start) })
		slices.SortStableFunc(g.stages, func(a, b *dockerfile.StageReading) int { return cmp.Compare(a.Index, b.Index) })
	}
	return groups
}

// seeing lets the scripts that come after a COPY see what it brings.
func (m isolation) seeing(e *scripts.Entry, step *dockerfile.Step, chain []*scripts.Entry) {
	for _, other := range chain {
		if len(other.Ops) > 0 && (m.Order[other.Ops[0].Step] > m.Order[step] || other.Ops[0].Step == step) {
			other.After = append(other.After, e)
			return
		}
	}
}

// stageEntry is the isolated script of a group of stages.
func (m isolation) stageEntry(g *stageGroup) *scripts.Entry {
	lost := func(format string, args ...any) *scripts.Entry {
		for _, t := range g.list {
			m.Report.Record(t.Step.Start, report.Lost, format, args...)
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
		m.Order[step] = i - len(w.steps) // before the target's own
	}
	w.ops = m.Collect(w.steps)
	own := m.ownBase(g.stages[0])
	if own == unknownBase {
		return lost("the stage's base is known only in a build")
	}
	for _, s := range w.stages {
		if s.Platform != "" {
			m.Report.Note(m.Where(s.From.Start), "--platform=%s: the script of the stage %s runs on the platform that is built for; what it compiles for another one has to ask for that", s.Platform, draft.StageName(s.Stage))
		}
	}
	var packages []string
	if own == "" {
		packages, _ = declare.Packages(m.Reader, w.ops, "build packages of the stage's script")
	}
	m.StageVariables(w.ops)
	e := w.entry()
	e.Base, e.Build = own, packages
	if o := &m.Out; own == "" && (o.User != nil || len(o.Runtime)+len(o.Toolchain) > 0) {
		e.Base = o.Base // the stage has none of that
	}
	name := g.names()
	if len(g.stages) == 1 {
		e.Notes = append(e.Notes, fmt.Sprintf("The stage %s: it runs beside the other scripts, and gives the image its outputs alone.", name))
	} else {
		e.Notes = append(e.Notes, fmt.Sprintf("The stages %s, since they give the image files of the same place: it runs beside the other scripts, and gives the image its outputs alone.", name))
	}
	for _, t := range g.list {
		for n := range t.Step.Copy.Sources {
			e.Sees = append(e.Sees, notation.Referred(m.SourceText(t.Step, n))...)
		}
		for _, o := range t.Outputs {
			e.Sees = append(e.Sees, notation.Referred(o.Path)...)
		}
		m.Report.Record(t.Step.Start, report.Carried, "the outputs of the stage %s", name)
	}
	e.Outputs = g.outputs()
	for _, one := range w.stages {
		m.StageLines(one, "setup.scripts: the stage "+name, name)
	}
	return e
}

// unknownBase is a base that cannot be written.
const unknownBase = "unknown"

// ownBase is the base of a stage, "" where it is the image's.
func (m isolation) ownBase(s *dockerfile.StageReading) string {
	if fetch.Collects(s) {
		for _, step := range fetch.CopiesOf(s) {
			if !m.FromOutside(step.Copy) {
				return m.ownBase(step.Copy.Stage)
			}
		}
		return ""
	}
	text, exact := m.Text(s.Bottom().Base, m.Reading.Global, m.GlobalNames())
	switch {
	case !exact:
		return unknownBase
	case text == m.Out.Base: // whatever the args are
		return ""
	}
	return text
}
