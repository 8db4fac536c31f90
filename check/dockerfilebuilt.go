package check

import (
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

// ahead is a copy that stays in front of a step.
type ahead struct {
	// line is the copy's in the original, runs those of the steps behind it.
	line int
	runs []int
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
		a := ahead{line: s.line, sources: sources}
		for _, later := range b.steps[i+1:] {
			if later.chain == s.chain && later.run() != nil {
				a.runs = append(a.runs, later.line)
			}
		}
		out = append(out, a)
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
