package migrate

import (
	"path"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// flatten sets the chain, and returns the stage at its bottom. A stage on scratch
// that takes all files of another one makes one layer of them: a build file has
// few layers anyway, so it goes on from the other stage.
func (m *draft) flatten(target *dockerfile.StageReading) *dockerfile.StageReading {
	m.chain = target.All()
	root := target.Bottom()
	for root.Image == "scratch" {
		at := slices.IndexFunc(m.chain, func(s *dockerfile.Step) bool { return s.Run != nil || s.Copy != nil })
		if at < 0 || !takesAll(m.chain[at]) {
			break
		}
		all := m.chain[at]
		from := all.Copy.Stage
		m.report.went(all.Start, Dropped, "it makes one layer of all: a build file has a layer for setup, and those of the entrypoint")
		m.report.went(root.From.Start, Dropped, "it is there to make one layer of the stage %s", stageName(from.Stage))
		m.report.differ("the base image's configuration is the image's too, where the build file says nothing else", nil,
			[]string{"Env", "Cmd", "Entrypoint", "Labels", "ExposedPorts", "Volumes", "User", "WorkingDir", "StopSignal", "Healthcheck"})
		m.report.note(m.where(root.From.Start), "FROM scratch forgot the configuration of its base; here the base's variables, user and the like stay unless the build file says something else")
		for s := from; s != nil; s = s.On {
			m.report.went(s.From.Start, Carried, "the same build file: it goes on from the stage %s", stageName(s.Stage))
		}
		for _, step := range from.All() {
			m.flat[step] = true
			m.flatLine(step)
		}
		m.chain = slices.Concat(from.All(), m.chain[:at], m.chain[at+1:])
		root = from.Bottom()
	}
	m.ground = root
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
func (m *draft) flatLine(step *dockerfile.Step) {
	switch step.Command.(type) {
	case *instructions.EnvCommand:
		m.report.went(step.Start, Dropped, "the image takes the files of this stage, and not its environment")
	case *instructions.LabelCommand, *instructions.ExposeCommand, *instructions.VolumeCommand, *instructions.CmdCommand, *instructions.EntrypointCommand,
		*instructions.HealthCheckCommand, *instructions.StopSignalCommand, *instructions.MaintainerCommand, *instructions.OnbuildCommand:
		m.report.went(step.Start, Dropped, "the image takes the files of this stage, and not its configuration")
	case *instructions.UserCommand, *instructions.ShellCommand:
		m.report.went(step.Start, Carried, "the scripts of the lines below")
	}
}

// configured are the instructions that make the image's configuration.
func (m *draft) configured() []*dockerfile.Step {
	return slices.DeleteFunc(slices.Clone(m.chain), func(s *dockerfile.Step) bool { return m.flat[s] })
}

// lastOf is the last of them that is of a kind, with its step; nothing where there
// is none.
func lastOf[T any](m *draft) (step *dockerfile.Step, cmd T) {
	for _, step := range slices.Backward(m.configured()) {
		if cmd, ok := step.Command.(T); ok {
			return step, cmd
		}
	}
	return nil, cmd
}

// setsUser reports whether it is known as whom the container starts, whatever the
// base says.
func (m *draft) setsUser() bool {
	last, _ := lastOf[*instructions.UserCommand](m)
	return last != nil || m.base != nil && (m.base.User == "" || m.base.User == "root")
}
