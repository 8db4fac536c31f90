package fetch

import (
	"path"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/paths"
)

// Collected are the instructions that copy from stages or images. Of a stage that
// only collects files of others, and whose folder is copied to its own place, they
// are those of that stage.
func (m *Fetcher) Collected() []*dockerfile.Step {
	var out []*dockerfile.Step
	for _, step := range m.Chain {
		if c := step.Copy; c != nil && c.From != "" {
			out = append(out, m.CollectedBy(step)...)
		}
	}
	return out
}

// CollectedBy are those that one such instruction stands for.
func (m *Fetcher) CollectedBy(step *dockerfile.Step) []*dockerfile.Step {
	c := step.Copy
	if c.Stage == nil || !Collects(c.Stage) || !sameplace(c) || slices.ContainsFunc(CopiesOf(c.Stage), func(inner *dockerfile.Step) bool {
		return !paths.Within(path.Clean(inner.Copy.Dest), path.Clean(c.Dest))
	}) {
		return []*dockerfile.Step{step}
	}
	name := draft.StageName(c.Stage.Stage)
	for s := c.Stage; s != nil; s = s.On {
		m.StageLines(s, "setup.scripts: the stages that it copies from", draft.StageName(s.Stage))
	}
	m.Report.Record(step.Start, report.Carried, "the outputs of the stages that %s copies from", name)
	var out []*dockerfile.Step
	for _, inner := range CopiesOf(c.Stage) {
		m.Order[inner] = m.Order[step]
		out = append(out, m.CollectedBy(inner)...)
	}
	return out
}

// Collects reports whether a stage on scratch has nothing but files of other
// stages.
func Collects(s *dockerfile.StageReading) bool {
	return s.Bottom().Image == "scratch" && len(CopiesOf(s)) > 0 && !slices.ContainsFunc(s.All(), func(step *dockerfile.Step) bool {
		return step.Run != nil || step.Copy != nil && step.Copy.From == ""
	})
}

// CopiesOf are the COPYs of a stage, and of those that it builds on.
func CopiesOf(s *dockerfile.StageReading) []*dockerfile.Step {
	return slices.DeleteFunc(slices.Clone(s.All()), func(step *dockerfile.Step) bool { return step.Copy == nil })
}

// sameplace reports whether a COPY takes a folder to where it is.
func sameplace(c *dockerfile.Copy) bool {
	return len(c.Sources) == 1 && path.Clean("/"+c.Sources[0]) == path.Clean(c.Dest) && c.Chown+c.Chmod == ""
}

// isImage reports whether a stage is an image as it is: it makes no files.
func isImage(s *dockerfile.StageReading) bool {
	return s.Bottom().Image != "scratch" && !slices.ContainsFunc(s.All(), func(step *dockerfile.Step) bool {
		_, workdir := step.Command.(*instructions.WorkdirCommand)
		return step.Run != nil || step.Copy != nil || workdir
	})
}

// StageLines reports where the instructions of a stage went.
func (m *Fetcher) StageLines(s *dockerfile.StageReading, where, name string) {
	m.Report.Record(s.From.Start, report.Carried, "%s", where)
	for _, step := range s.Steps {
		switch step.Command.(type) {
		case *instructions.ArgCommand:
		case *instructions.LabelCommand, *instructions.ExposeCommand, *instructions.VolumeCommand, *instructions.CmdCommand,
			*instructions.EntrypointCommand, *instructions.HealthCheckCommand, *instructions.StopSignalCommand, *instructions.MaintainerCommand:
			m.Report.Record(step.Start, report.Dropped, "no container runs the stage %s", name)
		default:
			m.Report.Record(step.Start, report.Carried, "%s", where)
		}
	}
}
