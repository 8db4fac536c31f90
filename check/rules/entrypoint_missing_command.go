package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func entrypointMissingCommand() check.Rule {
	return check.Rule{
		Name:        "EntrypointMissingCommand",
		Severity:    check.Error,
		Description: "What an entrypoint script runs is in the image: programs, and the interpreters of scripts.",
		Contract:    checkEntrypointMissingCommand,
	}
}

func checkEntrypointMissingCommand(p *check.Pass) {
	for source, bang := range interpreters(p.Tree) {
		if name := missingInterpreter(p, bang); name != "" {
			p.Report(isSourced(p, source), source, check.Span(bang.Pos, shell.Pos{Line: 1, Column: len(bang.Line) + 1}), "%s is not in the built setup, so the kernel cannot start this script%s", name, describeMissing(path.Base(name)))
		}
	}
	m := &missing{Pass: p, definitions: newDefinitions(p.Tree)}
	for _, u := range p.Entrypoint {
		m.program(u, u.Program, u.Program.Main.Shebang.Line != "")
		for _, child := range u.Program.Programs {
			m.program(u, child, true)
		}
	}
	m.report()
	name := healthcheck(p.Input.Graph)
	if name != "" && name != "CMD" && name != "CMD-SHELL" && name != "NONE" && !hasCommand(p.Tree, name, searchPath(p.Tree), "/") {
		p.File(p.Input.File.Image.Healthcheck.Command[0].At, "the health check's %s is neither in the built setup nor among the entrypoint files: every container would be unhealthy", name)
	}
}

// missing collects the commands that the image lacks.
type missing struct {
	*check.Pass
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
func (m *missing) program(u *check.Unit, program *shell.Program, starts bool) {
	own := &check.Unit{Program: program, Scripts: program.Scripts(), Node: u.Node}
	list, sure := pathOf(m.Tree, u)
	sure = sure && starts && !m.definitions.changed && !m.definitions.standalone(own) && !m.definitions.sourcesUnknown(own)
	for s, c := range own.Calls() {
		sure := sure && s.Reaches(c)
		for _, w := range c.Wrappers {
			if !w.Function && !isShellWord(w.Name) && !asked(c, w.Name) && !m.has(w.Name, list, "") {
				m.add(s, w.Name, check.Span(w.Pos, shell.Pos{Line: w.Pos.Line, Column: w.Pos.Column + len(w.Name)}), sure)
			}
		}
		name, ok := c.Command.Literal()
		if c.Kind != shell.CallProgram || !ok || name == "" || c.Optional() || tested(c, name) || asked(c, name) || isShellWord(name) {
			continue
		}
		if !m.has(name, list, c.Dir) {
			m.add(s, name, check.Span(c.Command.Pos, c.Command.End), sure && !c.Command.Assumed)
		}
	}
}

// has tells whether a command is there, or may come with what is mounted or made
// when the container starts.
func (m *missing) has(name, list, dir string) bool {
	if strings.Contains(name, "/") {
		return path.IsAbs(name) && !known(m.Tree, name) || hasCommand(m.Tree, name, list, dir)
	}
	return hasCommand(m.Tree, name, list, dir) || slices.ContainsFunc(strings.Split(list, ":"), func(d string) bool {
		return path.IsAbs(d) && entrypointWrites(m.Tree, path.Join(d, name))
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
	if defined == "" || sure && !isHelper(m.Pass, s.Path) {
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
			m.Report(true, c.file, c.at, "%s is no program of the built setup but a function of %s, which is not sourced on the way here", c.name, c.defined)
		} else {
			m.Report(!c.sure, c.file, c.at, "%s is not in the built setup%s", c.name, describeMissing(path.Base(c.name)))
		}
	}
}

// isSourced tells whether a script was seen to source a file.
func isSourced(p *check.Pass, source string) bool {
	return anyProgram(p, func(program *shell.Program) bool {
		return slices.ContainsFunc(program.Helpers, func(h shell.Helper) bool { return h.Script.Path == source })
	})
}

// isHelper tells whether a file is there for others to source: one does, or may
// do so by a name that it makes up.
func isHelper(p *check.Pass, source string) bool {
	return isSourced(p, source) || anyProgram(p, func(program *shell.Program) bool {
		return slices.ContainsFunc(program.Unresolved, func(src shell.Source) bool { return mayName(p, src, source) })
	})
}

// anyProgram asks of the programs of the entrypoint, those that they run
// included.
func anyProgram(p *check.Pass, is func(*shell.Program) bool) bool {
	return slices.ContainsFunc(p.Entrypoint, func(u *check.Unit) bool { return is(u.Program) || slices.ContainsFunc(u.Program.Programs, is) })
}

// mayName tells whether a source whose name is not known may be a file of the
// image.
func mayName(p *check.Pass, src shell.Source, source string) bool {
	if src.Absolute == "" {
		return true
	}
	for target, f := range p.Targets {
		if f.Source == source && glob.Path(src.Absolute, target) {
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
func missingInterpreter(p *check.Pass, bang shell.Shebang) string {
	if !hasCommand(p.Tree, bang.Program, "", "/") {
		return bang.Program
	}
	if path.Base(bang.Program) != "env" {
		return ""
	}
	for _, w := range bang.Args {
		if strings.HasPrefix(w, "-") || strings.Contains(w, "=") {
			continue
		}
		if !hasCommand(p.Tree, w, searchPath(p.Tree), "/") {
			return w
		}
		return ""
	}
	return ""
}

// tested tells whether a condition around a call asks for its file.
func tested(c *shell.Call, name string) bool {
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
