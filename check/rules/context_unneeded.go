package rules

import (
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func contextUnneeded() check.Rule {
	return check.Rule{
		Name:        "ContextUnneeded",
		Severity:    check.Warning,
		Description: "The build gets no files that it does not need: each may run something again.",
		Check:       checkContextUnneeded,
	}
}

func checkContextUnneeded(p *check.Pass) {
	f := p.Input.File
	for _, list := range [][]spec.Text{f.CacheBoundary.StableFiles, f.CacheBoundary.VolatileFiles} {
		for _, t := range list {
			if base, rest := doublestar.SplitPattern(t.Value); t.At != (spec.Range{}) && (t.Value == "." || base == "." && (rest == "**" || rest == "**/*" || rest == "*")) {
				p.File(t.At, "%s makes the client send the whole build context; name the directories that the build needs, such as setup/**", t)
			}
		}
	}
	for i, s := range f.Setup.Scripts {
		for _, t := range s.Inputs {
			unneededInput(p, i, t)
		}
	}
}

// unneededInput judges a directory that a script declares: with other setup
// scripts in it, an edit of any of them runs this one too.
func unneededInput(p *check.Pass, index int, t spec.Text) {
	if t.Value == "." {
		p.File(t.At, "the whole build context is an input: each edit of any file runs %s again; name what it reads", p.Input.File.Setup.Scripts[index].Path)
		return
	}
	program := p.Input.Graph.Programs[p.Input.File.Setup.Scripts[index].Path.Value]
	if program != nil && takes(program, t.Value) {
		return
	}
	for i, other := range p.Input.File.Setup.Scripts {
		if i != index && (program == nil || !takes(program, other.Path.Value)) && other.Path.Value != t.Value && paths.Within(other.Path.Value, t.Value) {
			p.File(t.At, "%s holds %s too: each edit of that script runs %s again; name what it reads", t, other.Path, p.Input.File.Setup.Scripts[index].Path)
			return
		}
	}
}

// takes tells whether a program names a file of the context itself, or a
// directory, and so has use for all that is in it.
func takes(program *shell.Program, name string) bool {
	return slices.ContainsFunc(program.Closure(), func(s *shell.Script) bool {
		return slices.ContainsFunc(s.Paths, func(ref shell.PathRef) bool {
			return ref.InContext && !ref.Bare && ref.Context == name && ref.Access != shell.AccessTest && ref.Access != shell.AccessDir
		})
	})
}
