package migrate

import (
	"github.com/pgstrata/pgstrata/dockerfile"
)

// stages reports the stages: those that the target builds on are a part of it,
// and those that it does not need no build looks at.
func (m *draft) stages() {
	needed := map[*dockerfile.Stage]bool{}
	for _, s := range m.reading.Stages {
		needed[s.Stage] = true
	}
	for s := m.reading.Target(); s.On != nil; s = s.On {
		m.report.went(s.From.Start, Carried, "the same build file: it goes on from the stage %s", stageName(s.On.Stage))
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

// stageName is what a stage is called in messages.
func stageName(s *dockerfile.Stage) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Base
}
