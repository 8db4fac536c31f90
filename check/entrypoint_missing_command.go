package check

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

func entrypointMissingCommand() Rule {
	return Rule{
		Name:        "EntrypointMissingCommand",
		Severity:    Error,
		Description: "What an entrypoint script runs is in the image: programs, and the interpreters of scripts.",
		contract:    checkEntrypointMissingCommand,
	}
}

func checkEntrypointMissingCommand(p *pass) {
	for source, bang := range p.interpreters() {
		if name := p.missingInterpreter(bang); name != "" {
			p.at(source, span(bang.Pos, shell.Pos{Line: 1, Column: len(bang.Line) + 1}), "%s is not in the built setup, so the kernel cannot start this script%s", name, describeMissing(path.Base(name)))
		}
	}
	for _, u := range p.entrypoint {
		list, sure := p.pathOf(u)
		for s, c := range u.calls() {
			for _, w := range c.Wrappers {
				if !w.Function && !isShellWord(w.Name) && !p.hasCommand(w.Name, list, "") {
					at := span(w.Pos, shell.Pos{Line: w.Pos.Line, Column: w.Pos.Column + len(w.Name)})
					p.report(!sure, s.Path, at, "%s is not in the built setup%s", w.Name, describeMissing(w.Name))
				}
			}
			name, ok := c.Command.Literal()
			if c.Kind != shell.CallProgram || !ok || name == "" || c.Optional() || p.tested(c, name) || isShellWord(name) {
				continue
			}
			if strings.Contains(name, "/") && path.IsAbs(name) && !p.known(name) {
				continue
			}
			if !p.hasCommand(name, list, c.Dir) {
				p.report(!sure || c.Command.Assumed, s.Path, span(c.Command.Pos, c.Command.End), "%s is not in the built setup%s", name, describeMissing(path.Base(name)))
			}
		}
	}
	name := healthcheck(p.in.Graph)
	if name != "" && name != "CMD" && name != "CMD-SHELL" && name != "NONE" && !p.hasCommand(name, p.searchPath(), "/") {
		p.file(p.in.File.Image.Healthcheck.Command[0].At, "the health check's %s is neither in the built setup nor among the entrypoint files: every container would be unhealthy", name)
	}
}

// missingInterpreter is the program that a first line names and the image
// lacks, or "".
func (p *pass) missingInterpreter(bang shell.Shebang) string {
	if !p.hasCommand(bang.Program, "", "/") {
		return bang.Program
	}
	if path.Base(bang.Program) != "env" {
		return ""
	}
	for _, w := range bang.Args {
		if strings.HasPrefix(w, "-") || strings.Contains(w, "=") {
			continue
		}
		if !p.hasCommand(w, p.searchPath(), "/") {
			return w
		}
		return ""
	}
	return ""
}

// tested tells whether a condition around a call asks for its file.
func (p *pass) tested(c *shell.Call, name string) bool {
	return slices.ContainsFunc(c.Guards, func(g shell.Guard) bool {
		return slices.ContainsFunc(g.Tests, func(w shell.Word) bool { return w.Is(name) })
	})
}

// isShellWord tells whether the shell itself knows a command.
func isShellWord(name string) bool {
	switch name {
	case "exec", "command", "builtin", "eval", "time", "trap", "source", ".", ":", "[", "[[", "coproc", "!":
		return true
	}
	return false
}
