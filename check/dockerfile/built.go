package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
)

// ahead is a copy that stays in front of a step.
type ahead struct {
	// line is the copy's in the original, runs those of the steps behind it.
	line int
	runs []int
	// sources are what it copies of the build context, as they are written.
	sources []string
}

// isRun tells whether an item of a layout is a step.
func isRun(it *dockerfile.Item) bool {
	_, ok := it.In.Command.(*instructions.RunCommand)
	return ok
}

// runs tells whether a line of the original is a step at all.
func runs(l *dockerfile.Layout, line int) bool {
	return slices.ContainsFunc(l.Stages, func(s *dockerfile.StageLayout) bool {
		return slices.ContainsFunc(s.Items, func(it *dockerfile.Item) bool { return it.In.Start == line && isRun(it) })
	})
}

// copiesAhead are the copies from the build context that stay in front of a RUN.
func copiesAhead(l *dockerfile.Layout) []ahead {
	var out []ahead
	chains := l.Chains()
	for i, s := range l.Stages {
		for k, it := range s.Items {
			sources := it.Sources()
			if len(sources) == 0 {
				continue
			}
			a := ahead{line: it.In.Start, sources: sources}
			for j, later := range l.Stages[i:] {
				items := later.Items
				if j == 0 {
					items = items[k+1:]
				}
				for _, step := range items {
					if chains[later] == chains[s] && isRun(step) {
						a.runs = append(a.runs, step.In.Start)
					}
				}
			}
			out = append(out, a)
		}
	}
	return out
}

// skips are the comments `# check=skip=Rule` above instructions.
func skips(f *dockerfile.File) []check.Skip {
	var list []*dockerfile.Instruction
	list = append(list, f.Args...)
	for _, s := range f.Stages {
		list = append(append(list, s.From), s.Instructions...)
	}
	var out []check.Skip
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
				out = append(out, check.Skip{First: in.Start, Last: in.End, Config: config})
			}
		}
	}
	return out
}
