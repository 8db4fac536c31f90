package rules

import (
	"path"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func entrypointMissingFile() check.Rule {
	return check.Rule{
		Name:        "EntrypointMissingFile",
		Severity:    check.Error,
		Description: "A file that an entrypoint script runs or reads is in the image.",
		Contract:    checkEntrypointMissingFile,
	}
}

func checkEntrypointMissingFile(p *check.Pass) {
	for s, c := range p.EntrypointCalls() {
		if w, ok := scriptOf(c); ok && !tested(c, w.Value) && absent(p, w.Value) {
			p.Report(w.Assumed || !s.Reaches(c), s.Path, check.Span(w.Pos, w.End), "%s is neither in the built setup nor among the entrypoint files", w.Value)
		}
		if c.MayNotRun() {
			continue
		}
		for _, w := range readsOf(c) {
			if name, ok := w.Literal(); ok && !w.Glob && !w.Assumed && path.IsAbs(name) && absent(p, name) {
				p.Report(true, s.Path, check.Span(w.Pos, w.End), "%s is neither in the built setup nor among the entrypoint files; it may be missing when this runs", name)
			}
		}
	}
}

// scriptOf is the file that an interpreter is given to run. A script that is
// run by itself is a command, and EntrypointMissingCommand speaks of it.
func scriptOf(c *shell.Call) (shell.Word, bool) {
	if !isInterpreter(c.Name) || c.HasArg("-c", "-m", "-e", "-s", "-r") {
		return shell.Word{}, false
	}
	for _, w := range check.Operands(c, "-o", "-O", "-W", "-X") {
		name, ok := w.Literal()
		return w, ok && !w.Glob && path.IsAbs(name)
	}
	return shell.Word{}, false
}

// absent tells whether a path is sure to be missing in a new container.
func absent(p *check.Pass, name string) bool {
	name = path.Clean(name)
	if p.InImage(name) || !known(p.Tree, name) {
		return false
	}
	_, err := p.Root().Stat(name)
	return err != nil
}

// readsOf are the files that a command reads.
func readsOf(c *shell.Call) []shell.Word {
	var out []shell.Word
	for _, r := range c.Redirects {
		if r.Reads() && r.Op == "<" {
			out = append(out, r.Target)
		}
	}
	switch c.Name {
	case "cat", "envsubst":
		out = append(out, check.Operands(c)...)
	case "cp", "install":
		if w := check.Operands(c, "-o", "-g", "-m", "-t"); len(w) > 1 {
			out = append(out, w[:len(w)-1]...)
		}
	}
	return out
}
