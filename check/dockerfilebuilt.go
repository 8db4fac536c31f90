package check

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// builtDockerfile is a Dockerfile as it is built: copies moved below the steps
// that do without them, drivers taken apart, caches added.
type builtDockerfile struct {
	steps []builtStep
}

// builtStep is one instruction of it.
type builtStep struct {
	*dockerfile.Instruction
	// line is the original's.
	line int
	// chain numbers the stages that build on one another.
	chain int
}

func newBuilt(f *dockerfile.File, opt dockerfile.Options) (*builtDockerfile, error) {
	rw, err := dockerfile.Rewrite(f, opt)
	if err != nil {
		return nil, err
	}
	again, err := dockerfile.Parse(f.Name, rw.Text)
	if err != nil {
		return nil, err
	}
	out := &builtDockerfile{}
	chains := map[string]int{}
	for i, s := range again.Stages {
		chain := i + 1
		if before, ok := chains[s.Base]; ok {
			chain = before
		}
		for _, q := range rw.Squashes {
			if s.Name == q.Upper {
				chains[q.Name] = chain
			}
		}
		chains[s.Name] = chain
		for _, in := range s.Instructions {
			step := builtStep{in, rw.Lines[in.Start-1].Start, chain}
			if run := step.run(); run != nil { // only then does it tell of its mounts
				if err := run.Expand(func(word string) (string, error) { return word, nil }); err != nil {
					return nil, &dockerfile.Error{File: f.Name, Start: step.line, End: step.line, Err: err}
				}
			}
			out.steps = append(out.steps, step)
		}
	}
	return out, nil
}

func (s builtStep) run() *instructions.RunCommand {
	c, _ := s.Command.(*instructions.RunCommand)
	return c
}

// runs tells whether a line of the original is a step at all.
func (b *builtDockerfile) runs(line int) bool {
	return slices.ContainsFunc(b.steps, func(s builtStep) bool { return s.line == line && s.run() != nil })
}

// caches are where cache mounts are in the steps that a line became: those that
// run a script, or, for the line's own commands, those that run none of the
// scripts.
func (b *builtDockerfile) caches(line int, script string, scripts []string) []string {
	var list, own []builtStep
	for _, s := range b.steps {
		if s.line != line || s.run() == nil {
			continue
		}
		list = append(list, s)
		runs := func(name string) bool { return strings.Contains(s.Text, path.Base(name)) }
		if script != "" && runs(script) || script == "" && !slices.ContainsFunc(scripts, runs) {
			own = append(own, s)
		}
	}
	if len(list) == 1 { // it was not taken apart
		own = list
	}
	var out []string
	for _, s := range own {
		for _, m := range instructions.GetMounts(s.run()) {
			if m.Type == instructions.MountTypeCache {
				out = append(out, path.Clean(m.Target))
			}
		}
	}
	return out
}

// ahead is a copy that stays in front of a step.
type ahead struct {
	// line is the copy's in the original, run the step's.
	line, run int
	// sources are what it copies of the build context, as they are written.
	sources []string
}

// ahead are the copies from the build context that stay in front of a RUN.
func (b *builtDockerfile) ahead() []ahead {
	var out []ahead
	for i, s := range b.steps {
		var sources []string
		switch c := s.Command.(type) {
		case *instructions.CopyCommand:
			if c.From == "" {
				sources = c.SourcePaths
			}
		case *instructions.AddCommand:
			sources = c.SourcePaths
		}
		if len(sources) == 0 || s.line == 0 {
			continue
		}
		for _, later := range b.steps[i+1:] {
			if later.chain == s.chain && later.run() != nil {
				out = append(out, ahead{s.line, later.line, sources})
				break
			}
		}
	}
	return out
}

// skip is a rule that a comment skips at an instruction.
type skip struct {
	first, last int
	config      *linter.Config
}

// skips are the comments `# check=skip=Rule` above instructions.
func skips(f *dockerfile.File) []skip {
	var list []*dockerfile.Instruction
	list = append(list, f.Args...)
	for _, s := range f.Stages {
		list = append(append(list, s.From), s.Instructions...)
	}
	var out []skip
	for _, in := range list {
		var comments []string
		switch c := in.Command.(type) {
		case *instructions.Stage:
			comments = c.Comments
		case instructions.Command:
			comments = c.Comments()
		}
		for _, comment := range comments {
			p := parser.DirectiveParser{}
			p.SetComment("")
			d, err := p.ParseLine([]byte(comment))
			if err != nil || d == nil || d.Name != "check" {
				continue
			}
			value, _, _ := strings.Cut(d.Value, " ")
			if config, err := linter.ParseLintOptions(value); err == nil {
				out = append(out, skip{in.Start, in.End, config})
			}
		}
	}
	return out
}

// skipped tells whether a comment skips what was found in the Dockerfile.
func (d *dockerfileFacts) skipped(f *Finding) bool {
	return slices.ContainsFunc(d.skips, func(s skip) bool {
		return f.Range.Start.Line >= s.first && f.Range.Start.Line <= s.last && skipped(s.config, f.Rule)
	})
}
