package migrate

import (
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/shell"
)

// steps reports the stages: those that the target builds on are a part of it,
// and those that it does not need no build looks at.
func (m *migration) steps() {
	needed := map[*dockerfile.Stage]bool{}
	for _, s := range m.reading.Stages {
		needed[s.Stage] = true
	}
	for s := m.reading.Target(); s != nil; s = s.On {
		if s.On != nil {
			m.report.went(s.From.Start, Carried, "the same build file: it goes on from the stage %s", stageName(s.On.Stage))
		}
	}
	for _, s := range m.file.Stages {
		if needed[s] {
			continue
		}
		for _, in := range append([]*dockerfile.Instruction{s.From}, s.Instructions...) {
			m.report.went(in.Start, Dropped, "the target does not need the stage %s", stageName(s))
		}
	}
}

// programsOf are what a step runs, as far as it could be read.
func programsOf(step *dockerfile.Step) []*shell.Program {
	if step.Run == nil {
		return nil
	}
	var out []*shell.Program
	for _, p := range step.Run.Commands {
		if p.Facts != nil && p.Facts.Program != nil {
			out = append(out, p.Facts.Program)
		}
	}
	return out
}

func stageName(s *dockerfile.Stage) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Base
}
