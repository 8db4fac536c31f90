package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func setupUndeclaredInput() check.Rule {
	return check.Rule{
		Name:        "SetupUndeclaredInput",
		Severity:    check.Warning,
		Description: "A setup script declares the context files that it reads.",
		Check:       checkSetupUndeclaredInput,
	}
}

func checkSetupUndeclaredInput(p *check.Pass) {
	for _, u := range p.Setup {
		linked := linkWords(u)
		for _, s := range u.Scripts {
			for _, ref := range s.Paths {
				if !linked[place{s, ref.Pos}] {
					undeclaredInput(p, u, s, ref)
				}
			}
		}
	}
}

// undeclaredInput judges one file name of a setup script.
func undeclaredInput(p *check.Pass, u *check.Unit, s *shell.Script, ref shell.PathRef) {
	if !ref.InContext || ref.Context == "" || ref.Access == shell.AccessWrite || ref.Access == shell.AccessTest {
		return
	}
	if onlyLinked(s, ref) {
		return
	}
	if spec.Matches(p.Input.File.CacheBoundary.VolatileFiles, ref.Context) { // SetupReadsEntrypoint tells
		return
	}
	names := []string{ref.Context}
	if ref.Glob {
		var err error
		if names, err = spec.Files(p.Input.Context, ref.Context); err != nil {
			return
		}
	}
	for _, name := range names {
		if seen(u.Node.Inputs, name) || sourced(s, ref) || slices.ContainsFunc(u.Node.Inputs, func(in graph.Input) bool { return strings.HasPrefix(in.Path, name+" ") }) {
			continue // the last: a name with spaces, and no quotes around it
		}
		switch {
		case p.Exists(name):
			p.Report(ref.Bare || ref.Glob, s.Path, check.Span(ref.Pos, ref.Pos), "%s is no input of %s, so the script cannot see it; add it to the script's `inputs:`", name, u.Node.Path)
		case !ref.Bare && ref.Access != shell.AccessMention:
			p.Report(true, s.Path, check.Span(ref.Pos, ref.Pos), "%s may be missing: it is no input of %s, and what is not sent with the build context cannot be one", name, u.Node.Path)
		}
		return
	}
}

// onlyLinked tells whether a word is what a symbolic link leads to: making it
// reads nothing.
func onlyLinked(s *shell.Script, ref shell.PathRef) bool {
	return slices.ContainsFunc(s.Calls, func(c *shell.Call) bool {
		if c.Name != "ln" || !slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Pos == ref.Pos }) {
			return false
		}
		_, symbolic := check.HasFlag(c, 's', "St", "--symbolic")
		return symbolic
	})
}

// sourced tells whether another rule speaks of the same word.
func sourced(s *shell.Script, ref shell.PathRef) bool {
	for _, src := range s.Sources {
		if src.Word.Pos == ref.Pos || src.Pos == ref.Pos {
			return true
		}
	}
	return false
}

// seen tells whether a script sees a context file or directory: itself, what
// is in it, and what it is in.
func seen(inputs []graph.Input, name string) bool {
	for _, in := range inputs {
		if in.Path == "." || in.Path == name || in.Dir && paths.Within(name, in.Path) || paths.Within(in.Path, name) {
			return true
		}
	}
	return false
}
