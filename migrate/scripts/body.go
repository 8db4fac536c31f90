package scripts

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/notation"
)

// Subshell does what the commands of one RUN do, where copied files are where the
// Dockerfile has them; "" if that is nothing.
func (m *Scripts) Subshell(ops []*commands.Op) string {
	if !slices.ContainsFunc(ops, func(o *commands.Op) bool { return !o.State }) {
		return ""
	}
	g := &generator{m: m, ops: ops, verbatim: true}
	_, options := shebang(ops[0].Step.Scope.Shell)
	how := g.joined(options)
	g.line("(")
	if how == byAnd || how == byLine && !slices.Contains(options, "-e") && !slices.ContainsFunc(ops, func(o *commands.Op) bool { return setsErrexit(o.Text) }) {
		g.line("set +e")
	}
	if len(options) > 0 {
		g.line("set %s", strings.Join(options, " "))
	}
	for _, v := range g.overrides() {
		g.line("export %s", v)
	}
	g.body(how)
	g.line(")")
	return g.b.String()
}

// join is how commands follow each other in a script.
type join int

const (
	// byLine: they set errexit themselves, or there is one.
	byLine join = iota
	// underErrexit: in lines of their own, under `set -e`.
	underErrexit
	// byAnd: with && in between.
	byAnd
)

// joined tells how the commands have to follow each other, so that the first
// that fails ends the script and errexit changes nothing else.
func (g *generator) joined(options []string) join {
	if slices.Contains(options, "-e") {
		return byLine
	}
	pieces, plain := 0, true
	for _, o := range g.ops {
		if !o.Driven() && slices.ContainsFunc(append(slices.Clone(o.Prelude), o.Text), setsErrexit) {
			return byLine
		}
		if o.Text == "" || o.State {
			continue
		}
		pieces++
		plain = plain && simple(o.Text)
	}
	switch {
	case plain:
		return underErrexit
	case pieces == 1:
		return byLine
	}
	return byAnd
}

// setsErrexit reports whether a command is `set -e`.
func setsErrexit(text string) bool {
	words := strings.Fields(text)
	return len(words) > 1 && words[0] == "set" && slices.ContainsFunc(words[1:], func(w string) bool {
		return strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "e") || w == "errexit"
	})
}

// simple reports whether errexit changes nothing of how a command runs.
func simple(text string) bool {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil || len(file.Stmts) != 1 {
		return false
	}
	var plain func(s *syntax.Stmt) bool
	plain = func(s *syntax.Stmt) bool {
		switch cmd := s.Cmd.(type) {
		case *syntax.CallExpr, *syntax.DeclClause, *syntax.TestClause:
			return !s.Negated
		case *syntax.BinaryCmd:
			return (cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll) && plain(cmd.X) && plain(cmd.Y) && !s.Negated
		}
		return false
	}
	return plain(file.Stmts[0])
}

// body writes what the ops do.
func (g *generator) body(how join) {
	var commands []string
	shown := map[*dockerfile.Step]bool{}
	for _, o := range g.ops {
		switch {
		case o.Directory != "":
			commands = append(commands, making(o))
			continue
		case len(o.Place) > 0:
			commands = append(commands, g.placing(o)...)
			continue
		case len(o.Fetched) > 0:
			commands = append(commands, o.Fetched...)
			continue
		}
		if !shown[o.Step] {
			shown[o.Step] = true
			commands = append(commands, g.start(o)...)
		}
		commands = append(commands, pretty(g.text(o, o.Text)))
	}
	if how == byAnd {
		g.line("%s", strings.Join(commands, " &&\n"))
		return
	}
	g.line("%s", strings.Join(commands, "\n"))
}

// start is what has to hold before an op: the working directory, and the
// commands before it that are in another script.
func (g *generator) start(o *commands.Op) []string {
	var out []string
	driven := o.Driven()
	dir := o.Step.Scope.Dir
	if driven {
		dir = o.Dir
	}
	if dir != "/" && dir != "" && (!driven || !o.Script() || commands.UsesDir(o) || commands.CalledRelatively(o)) && g.usesDir(o.Step) {
		to := notation.Quoted(dir)
		if moved, ok := commands.InContext(dir, o.Files); ok && !g.verbatim && !g.m.HasPlaced(dir, o) {
			to = notation.Quoted(moved)
		} else if !driven {
			to = notation.InShell(g.m.DirText(o.Step))
		}
		out = append(out, "cd "+to)
	}
	for _, p := range o.Prelude {
		if driven && !strings.HasPrefix(p, "umask") && !strings.HasPrefix(p, "ulimit") {
			continue
		}
		out = append(out, pretty(g.text(o, p)))
	}
	return out
}

// text is a command of an op, with copied files where the script finds them.
func (g *generator) text(o *commands.Op, text string) string {
	if g.verbatim || files.SpeaksOnly(o) || files.SetsModes(o) { // which it does in the image
		return text
	}
	return g.m.Translated(text, o.Files, func(target string) bool {
		return g.m.HasPlaced(target, o) || o.Removes(target)
	})
}

// pretty is a command as shfmt would write it; one that cannot be parsed stays
// as it is.
func pretty(text string) string {
	file, err := syntax.NewParser(syntax.KeepComments(true)).Parse(strings.NewReader(text), "")
	if err != nil {
		return text
	}
	var b strings.Builder
	if err := syntax.NewPrinter(syntax.Indent(4), syntax.BinaryNextLine(false)).Print(&b, file); err != nil {
		return text
	}
	return strings.TrimRight(b.String(), "\n")
}

// usesDir reports whether one of the step's ops depends on the working directory.
func (g *generator) usesDir(step *dockerfile.Step) bool {
	return slices.ContainsFunc(g.ops, func(o *commands.Op) bool {
		if o.Step != step || o.State && !strings.HasPrefix(o.Text, "cd ") || o.Directory != "" {
			return false
		}
		return o.Facts == nil || commands.OwnUsesDir(o) || commands.UsesDir(o)
	})
}
