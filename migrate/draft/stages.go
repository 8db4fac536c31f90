package draft

import (
	"path"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/report"
)

// flatten sets the chain, and returns the stage at its bottom. A stage on scratch
// that takes all files of another one makes one layer of them: a build file has
// few layers anyway, so it goes on from the other stage.
func (m *Draft) flatten(target *dockerfile.StageReading) *dockerfile.StageReading {
	m.Chain = target.All()
	root := target.Bottom()
	for root.Image == "scratch" {
		at := slices.IndexFunc(m.Chain, func(s *dockerfile.Step) bool { return s.Run != nil || s.Copy != nil })
		if at < 0 || !takesAll(m.Chain[at]) {
			break
		}
		all := m.Chain[at]
		from := all.Copy.Stage
		m.Report.Record(all.Start, report.Dropped, "it makes one layer of all: a build file has a layer for setup, and those of the entrypoint")
		m.Report.Record(root.From.Start, report.Dropped, "it is there to make one layer of the stage %s", StageName(from.Stage))
		m.Report.Differ("the base image's configuration is the image's too, where the build file says nothing else", nil,
			[]string{"Env", "Cmd", "Entrypoint", "Labels", "ExposedPorts", "Volumes", "User", "WorkingDir", "StopSignal", "Healthcheck"})
		m.Report.Note(m.Where(root.From.Start), "FROM scratch forgot the configuration of its base; here the base's variables, user and the like stay unless the build file says something else")
		for s := from; s != nil; s = s.On {
			m.Report.Record(s.From.Start, report.Carried, "the same build file: it goes on from the stage %s", StageName(s.Stage))
		}
		for _, step := range from.All() {
			m.flat[step] = true
			m.flatLine(step)
		}
		m.Chain = slices.Concat(from.All(), m.Chain[:at], m.Chain[at+1:])
		root = from.Bottom()
	}
	m.Ground = root
	return root
}

// takesAll reports whether a COPY takes all files of another stage.
func takesAll(step *dockerfile.Step) bool {
	c := step.Copy
	if c == nil || c.Stage == nil || path.Clean(c.Dest) != "/" || len(c.Sources) != 1 || path.Clean("/"+c.Sources[0]) != "/" || c.Chown != "" || c.Chmod != "" {
		return false
	}
	cmd, ok := step.Command.(*instructions.CopyCommand)
	return ok && len(cmd.ExcludePatterns) == 0 && !cmd.Parents
}

// flatLine reports what is no part of the image.
func (m *Draft) flatLine(step *dockerfile.Step) {
	switch step.Command.(type) {
	case *instructions.EnvCommand:
		m.Report.Record(step.Start, report.Dropped, "the image takes the files of this stage, and not its environment")
	case *instructions.LabelCommand, *instructions.ExposeCommand, *instructions.VolumeCommand, *instructions.CmdCommand, *instructions.EntrypointCommand,
		*instructions.HealthCheckCommand, *instructions.StopSignalCommand, *instructions.MaintainerCommand, *instructions.OnbuildCommand:
		m.Report.Record(step.Start, report.Dropped, "the image takes the files of this stage, and not its configuration")
	case *instructions.UserCommand, *instructions.ShellCommand:
		m.Report.Record(step.Start, report.Carried, "the scripts of the lines below")
	}
}

// Configured are the instructions that make the image's configuration.
func (m *Draft) Configured() []*dockerfile.Step {
	return slices.DeleteFunc(slices.Clone(m.Chain), func(s *dockerfile.Step) bool { return m.flat[s] })
}

// LastOf is the last of them that is of a kind, with its step; nothing where there
// is none.
func LastOf[T any](m *Draft) (step *dockerfile.Step, cmd T) {
	for _, step := range slices.Backward(m.Configured()) {
		if cmd, ok := step.Command.(T); ok {
			return step, cmd
		}
	}
	return nil, cmd
}

// SetsUser reports whether it is known as whom the container starts, whatever the
// base says.
func (m *Draft) SetsUser() bool {
	last, _ := LastOf[*instructions.UserCommand](m)
	return last != nil || m.Base != nil && (m.Base.User == "" || m.Base.User == "root")
}

// stages reports the stages: those that the target builds on are a part of it,
// and those that it does not need no build looks at.
func (m *Draft) stages() {
	needed := map[*dockerfile.Stage]bool{}
	for _, s := range m.Reading.Stages {
		needed[s.Stage] = true
	}
	for s := m.Reading.Target(); s.On != nil; s = s.On {
		m.Report.Record(s.From.Start, report.Carried, "the same build file: it goes on from the stage %s", StageName(s.On.Stage))
	}
	for _, s := range m.File.Stages {
		if needed[s] {
			continue
		}
		for _, in := range append([]*dockerfile.Instruction{s.From}, s.Instructions...) {
			m.Report.Record(in.Start, report.Dropped, "the target does not need the stage %s", StageName(s))
		}
	}
}

// StageName is what a stage is called in messages.
func StageName(s *dockerfile.Stage) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Base
}
