// Package dockerfile reads a Dockerfile for the rules: as a build file and a graph
// whose places are the Dockerfile's lines, and as what a build file has no place
// for.
package dockerfile

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// Read reads a Dockerfile for Run: as a build file and a graph whose
// places are the Dockerfile's lines, so that one set of rules reads both. The
// text is the Dockerfile's; only rules that a Dockerfile has an answer for run.
func Read(f *dockerfile.File, opt dockerfile.Options) (check.Input, error) {
	reading, err := dockerfile.Read(f, opt, nil)
	if err != nil {
		return check.Input{}, err
	}
	built, err := dockerfile.Arrange(f, opt)
	if err != nil {
		return check.Input{}, err
	}
	config, err := check.ParseConfig(f.Data, nil)
	if err != nil {
		return check.Input{}, err
	}
	r := &reader{
		reading: reading, built: built, context: opt.Context, loader: interp.NewFSLoader(opt.Context), read: map[string]bool{}, touched: map[string]bool{},
		in: check.Input{
			File:       &spec.File{Name: f.Name},
			Text:       f.Data,
			Graph:      &graph.Graph{File: f.Name, Platform: opt.Platform, Programs: map[string]*shell.Program{}},
			Context:    opt.Context,
			Config:     config,
			Dockerfile: &check.Dockerfile{Roots: map[string]string{}, Errexit: map[string]bool{}, Stages: map[string]*dockerfile.StageReading{}, Target: map[string]bool{}, Copied: map[string]*dockerfile.CopiedFile{}, Skips: skips(f)},
		},
	}
	r.bases()
	r.args()
	for _, s := range reading.Stages {
		for _, step := range s.Steps {
			if step.Run != nil && runs(built, step.Start) { // else it became an option of a copy
				r.run(step)
			}
		}
	}
	r.image()
	r.entrypoint()
	r.volatile()
	return r.in, nil
}

// reader fills an Input from a Dockerfile.
type reader struct {
	reading *dockerfile.Reading
	// built is the Dockerfile as it is built.
	built   *dockerfile.Layout
	context fs.FS
	loader  *interp.Loader
	in      check.Input
	// read are the files of the context that a RUN reads, touched those that it
	// is given to change.
	read, touched map[string]bool
	// opaque is the line of the last RUN that may read any, 0 for none.
	opaque int
}

// lines is the place of an instruction.
func lines(in *dockerfile.Instruction) spec.Range {
	return spec.Range{Start: spec.Position{Line: in.Start, Column: 1}, End: spec.Position{Line: in.End, Column: 1}}
}

// word is the place of a word in an instruction, the instruction's where it is
// not found.
func (r *reader) word(in *dockerfile.Instruction, word string) spec.Range {
	for i, line := range strings.Split(in.Text, "\n") {
		if at := strings.Index(line, word); at >= 0 {
			start := spec.Position{Line: in.Start + i, Column: at + 1}
			return spec.Range{Start: start, End: spec.Position{Line: start.Line, Column: at + len(word)}}
		}
	}
	return lines(in)
}

func (r *reader) bases() {
	for _, s := range r.reading.Stages {
		if s.Platform != "" {
			r.in.Dockerfile.Platforms = append(r.in.Dockerfile.Platforms, s.Platform)
		}
		if s.Image == "" || s.Image == "scratch" || strings.Contains(s.Image, "$") {
			continue
		}
		base := spec.Text{Value: s.Image, At: lines(s.From)}
		r.in.Dockerfile.Bases = append(r.in.Dockerfile.Bases, base)
	}
	if root := r.reading.Target().Bottom().Image; root != "" {
		r.in.File.Base = spec.Text{Value: root, At: lines(r.reading.Target().From)}
		r.in.Graph.Base = graph.Ref{Name: root, At: r.in.File.Base.At}
	}
}

// image takes over the configuration that the Dockerfile itself gives the
// target: what its base has is not in the text.
func (r *reader) image() {
	img := &r.in.Graph.Image
	for _, step := range r.reading.Target().All() {
		at := lines(step.Instruction)
		switch c := step.Command.(type) {
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				r.env(step, kv)
			}
		case *instructions.StopSignalCommand:
			img.StopSignal, _ = step.Scope.Expand(c.Signal)
			r.in.File.Image.StopSignal = spec.Text{Value: img.StopSignal, At: at}
		case *instructions.UserCommand:
			img.User, _ = step.Scope.Expand(c.User)
		case *instructions.WorkdirCommand:
			img.WorkingDir = step.Scope.Dir
		case *instructions.EntrypointCommand:
			img.Entrypoint, img.Cmd = c.CmdLine, nil
			r.in.File.Entrypoint.Script = &spec.Text{At: at} // where it is told of
		case *instructions.CmdCommand:
			img.Cmd = c.CmdLine
		case *instructions.HealthCheckCommand:
			if c.Health != nil {
				img.Healthcheck = &graph.Healthcheck{Command: c.Health.Test}
			}
		case *instructions.VolumeCommand:
			img.Volumes = append(img.Volumes, c.Volumes...)
		}
	}
}

func (r *reader) env(step *dockerfile.Step, kv instructions.KeyValuePair) {
	value, _ := step.Scope.Expand(kv.Value)
	at := r.word(step.Instruction, kv.Key)
	r.in.File.Image.Env = append(r.in.File.Image.Env, spec.Pair{Key: spec.Text{Value: kv.Key, At: at}, Value: spec.Text{Value: value, At: at}})
	r.in.Graph.Image.Env = append(r.in.Graph.Image.Env, graph.EnvVar{Var: graph.Var{Name: kv.Key, Value: value}, At: at})
}

// args lists the args, and those that nothing reads.
func (r *reader) args() {
	seen := map[string]bool{}
	add := func(in *dockerfile.Instruction, used func(name string) bool) {
		c, ok := in.Command.(*instructions.ArgCommand)
		if !ok {
			return
		}
		for _, a := range c.Args {
			name := spec.Text{Value: a.Key, At: r.word(in, a.Key)}
			if !seen[a.Key] {
				r.in.File.Args = append(r.in.File.Args, spec.Arg{Name: name, Value: spec.Text{Value: a.ValueString()}})
			}
			seen[a.Key] = true
			if !used(a.Key) && !meansSomething(a.Key) {
				r.in.Dockerfile.Unused = append(r.in.Dockerfile.Unused, name)
			}
		}
	}
	for _, in := range r.reading.File.Args {
		add(in, r.usesGlobal)
	}
	for _, s := range r.reading.Stages {
		for i, step := range s.Steps {
			add(step.Instruction, func(name string) bool { return r.uses(s, i+1, name) })
		}
	}
}

// usesGlobal tells whether a FROM reads an arg from ahead of it, or a stage
// takes it over.
func (r *reader) usesGlobal(name string) bool {
	for _, in := range r.reading.File.Args {
		if c, ok := in.Command.(*instructions.ArgCommand); ok {
			for _, a := range c.Args {
				if a.Value != nil && r.reading.Global.Mentions(*a.Value, name) {
					return true
				}
			}
		}
	}
	for _, s := range r.reading.File.Stages {
		if r.reading.Global.Mentions(s.From.Text, name) {
			return true
		}
		for _, in := range s.Instructions {
			if c, ok := in.Command.(*instructions.ArgCommand); ok && slices.ContainsFunc(c.Args, func(a instructions.KeyValuePairOptional) bool { return a.Key == name && a.Value == nil }) {
				return true
			}
		}
	}
	return false
}

// uses tells whether an instruction of a stage, from the i-th on, or one of a
// stage that builds on it, reads an arg.
func (r *reader) uses(s *dockerfile.StageReading, i int, name string) bool {
	for _, step := range s.Steps[i:] {
		if step.Run == nil {
			if step.Scope.Mentions(step.Text, name) {
				return true
			}
			continue
		}
		if len(step.Run.Commands) == 0 || slices.ContainsFunc(step.Flags, func(f string) bool { return step.Scope.Mentions(f, name) }) {
			return true
		}
		for _, p := range step.Run.Commands {
			if p.Facts == nil || p.Facts.MayRead(name, true) || slices.ContainsFunc(p.Facts.Calls(), check.ReadsAnything) {
				return true
			}
		}
	}
	return slices.ContainsFunc(r.reading.Stages, func(o *dockerfile.StageReading) bool { return o.On == s && r.uses(o, 0, name) })
}

// meansSomething tells whether BuildKit itself reads an arg.
func meansSomething(name string) bool {
	return strings.HasPrefix(name, "BUILDKIT_") || check.WellKnown(name)
}

// place names an instruction in messages.
func (r *reader) place(in *dockerfile.Instruction) string {
	return fmt.Sprintf("%s:%d", r.in.Graph.File, in.Start)
}
