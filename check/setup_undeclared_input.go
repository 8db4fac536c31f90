package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func setupUndeclaredInput() Rule {
	return Rule{
		Name:        "SetupUndeclaredInput",
		Severity:    Warning,
		Description: "A setup script declares the context files that it reads.",
		check:       checkSetupUndeclaredInput,
	}
}

func checkSetupUndeclaredInput(p *pass) {
	for _, u := range p.setup {
		linked := u.linked()
		for _, s := range u.scripts {
			for _, ref := range s.Paths {
				if !linked[place{s, ref.Pos}] {
					p.input(u, s, ref)
				}
			}
		}
	}
}

// input judges one file name of a setup script.
func (p *pass) input(u *unit, s *shell.Script, ref shell.PathRef) {
	if !ref.InContext || ref.Context == "" || ref.Access == shell.AccessWrite || ref.Access == shell.AccessTest {
		return
	}
	if onlyLinked(s, ref) {
		return
	}
	if spec.Matches(p.in.File.CacheBoundary.VolatileFiles, ref.Context) { // SetupReadsEntrypoint tells
		return
	}
	names := []string{ref.Context}
	if ref.Glob {
		var err error
		if names, err = spec.Files(p.in.Context, ref.Context); err != nil {
			return
		}
	}
	for _, name := range names {
		if seen(u.node.Inputs, name) || p.sourced(s, ref) || slices.ContainsFunc(u.node.Inputs, func(in graph.Input) bool { return strings.HasPrefix(in.Path, name+" ") }) {
			continue // the last: a name with spaces, and no quotes around it
		}
		switch {
		case p.exists(name):
			p.report(ref.Bare || ref.Glob, s.Path, span(ref.Pos, ref.Pos), "%s is no input of %s, so the script cannot see it; add it to the script's `inputs:`", name, u.node.Path)
		case !ref.Bare && ref.Access != shell.AccessMention:
			p.report(true, s.Path, span(ref.Pos, ref.Pos), "%s may be missing: it is no input of %s, and what is not sent with the build context cannot be one", name, u.node.Path)
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
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
			return w.Value == "--symbolic" || strings.HasPrefix(w.Value, "-") && !strings.HasPrefix(w.Value, "--") && strings.Contains(w.Value, "s")
		})
	})
}

// sourced tells whether another rule speaks of the same word.
func (p *pass) sourced(s *shell.Script, ref shell.PathRef) bool {
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
		if in.Path == name || in.Dir && paths.Within(name, in.Path) || paths.Within(in.Path, name) {
			return true
		}
	}
	return false
}
