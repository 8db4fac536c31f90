package check

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
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
			p.report(p.isSourced(source), source, span(bang.Pos, shell.Pos{Line: 1, Column: len(bang.Line) + 1}), "%s is not in the built setup, so the kernel cannot start this script%s", name, describeMissing(path.Base(name)))
		}
	}
	m := &missing{pass: p, definitions: p.newDefinitions()}
	for _, u := range p.entrypoint {
		m.program(u, u.program, u.program.Main.Shebang.Line != "")
		for _, child := range u.program.Programs {
			m.program(u, child, true)
		}
	}
	m.report()
	name := healthcheck(p.in.Graph)
	if name != "" && name != "CMD" && name != "CMD-SHELL" && name != "NONE" && !p.hasCommand(name, p.searchPath(), "/") {
		p.file(p.in.File.Image.Healthcheck.Command[0].At, "the health check's %s is neither in the built setup nor among the entrypoint files: every container would be unhealthy", name)
	}
}

// missing collects the commands that the image lacks.
type missing struct {
	*pass
	definitions *definitions
	found       []missingCommand
}

type missingCommand struct {
	file, name string
	at         spec.Range
	// sure says that nothing else can be meant: no function of a file that
	// nobody has read, and no program that is made while the container runs.
	sure bool
	// defined is the file that has a function of the name, "" for none.
	defined string
}

// program collects those of one program. starts says that it is one by itself,
// rather than a file for others to source.
func (m *missing) program(u *unit, program *shell.Program, starts bool) {
	own := &unit{program: program, scripts: program.Scripts(), node: u.node}
	list, sure := m.pathOf(u)
	sure = sure && starts && !m.definitions.changed && !m.definitions.standalone(own) && !m.definitions.sourcesUnknown(own)
	for s, c := range own.calls() {
		sure := sure && s.Reaches(c)
		for _, w := range c.Wrappers {
			if !w.Function && !isShellWord(w.Name) && !asked(c, w.Name) && !m.has(w.Name, list, "") {
				m.add(s, w.Name, span(w.Pos, shell.Pos{Line: w.Pos.Line, Column: w.Pos.Column + len(w.Name)}), sure)
			}
		}
		name, ok := c.Command.Literal()
		if c.Kind != shell.CallProgram || !ok || name == "" || c.Optional() || m.tested(c, name) || asked(c, name) || isShellWord(name) {
			continue
		}
		if !m.has(name, list, c.Dir) {
			m.add(s, name, span(c.Command.Pos, c.Command.End), sure && !c.Command.Assumed)
		}
	}
}

// has tells whether a command is there, or may come with what is mounted or made
// when the container starts.
func (m *missing) has(name, list, dir string) bool {
	if strings.Contains(name, "/") {
		return path.IsAbs(name) && !m.known(name) || m.hasCommand(name, list, dir)
	}
	return m.hasCommand(name, list, dir) || slices.ContainsFunc(strings.Split(list, ":"), func(d string) bool {
		return path.IsAbs(d) && m.entrypointWrites(path.Join(d, name))
	})
}

// add notes a command that is no program of the image. What another file of the
// image defines is missing only where that file is sure not to be sourced, and
// even then it is a guess.
func (m *missing) add(s *shell.Script, name string, at spec.Range, sure bool) {
	if m.definitions.exported[name] {
		return
	}
	defined := m.definitions.of(name)
	if defined == "" || sure && !m.isHelper(s.Path) {
		m.found = append(m.found, missingCommand{s.Path, name, at, sure && defined == "", defined})
	}
}

// report tells of all of them. A file has a part in several programs, and one
// that is certain of it counts.
func (m *missing) report() {
	slices.SortStableFunc(m.found, func(a, b missingCommand) int {
		switch {
		case a.sure == b.sure:
			return 0
		case a.sure:
			return -1
		}
		return 1
	})
	for _, c := range m.found {
		if c.defined != "" {
			m.pass.report(true, c.file, c.at, "%s is no program of the built setup but a function of %s, which is not sourced on the way here", c.name, c.defined)
		} else {
			m.pass.report(!c.sure, c.file, c.at, "%s is not in the built setup%s", c.name, describeMissing(path.Base(c.name)))
		}
	}
}

// isSourced tells whether a script was seen to source a file.
func (p *pass) isSourced(source string) bool {
	return p.anyProgram(func(program *shell.Program) bool {
		return slices.ContainsFunc(program.Helpers, func(h shell.Helper) bool { return h.Script.Path == source })
	})
}

// isHelper tells whether a file is there for others to source: one does, or may
// do so by a name that it makes up.
func (p *pass) isHelper(source string) bool {
	return p.isSourced(source) || p.anyProgram(func(program *shell.Program) bool {
		return slices.ContainsFunc(program.Unresolved, func(src shell.Source) bool { return p.mayName(src, source) })
	})
}

// anyProgram asks of the programs of the entrypoint, those that they run
// included.
func (p *pass) anyProgram(is func(*shell.Program) bool) bool {
	return slices.ContainsFunc(p.entrypoint, func(u *unit) bool { return is(u.program) || slices.ContainsFunc(u.program.Programs, is) })
}

// mayName tells whether a source whose name is not known may be a file of the
// image.
func (p *pass) mayName(src shell.Source, source string) bool {
	if src.Absolute == "" {
		return true
	}
	for target, f := range p.targets {
		if ok, err := path.Match(src.Absolute, target); f.Source == source && (ok || err != nil) {
			return true
		}
	}
	return false
}

// asked tells whether a condition around a call looks the command up, as a
// program or as a function.
func asked(c *shell.Call, name string) bool {
	return slices.ContainsFunc(c.Guards, func(g shell.Guard) bool {
		list := words(g.Text)
		return slices.Contains(list, name) && slices.ContainsFunc(list, func(w string) bool {
			return slices.Contains([]string{"command", "type", "which", "hash", "declare", "typeset"}, w)
		})
	})
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
