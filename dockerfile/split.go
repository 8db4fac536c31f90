package dockerfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// runText is the shell text of a RUN instruction; ok is false where a shell of
// the image does not read it.
func runText(c *instructions.RunCommand) (string, bool) {
	if !c.PrependShell {
		var words []string
		for _, w := range c.CmdLine {
			q, ok := quote(w)
			if !ok {
				return "", false
			}
			words = append(words, q)
		}
		return strings.Join(words, " "), true
	}
	if len(c.CmdLine) != 1 {
		return "", false
	}
	if len(c.Files) == 0 {
		return c.CmdLine[0], true
	}
	if h := parser.MustParseHeredoc(c.CmdLine[0]); h != nil {
		data := c.Files[0].Data
		if c.Files[0].Chomp {
			data = parser.ChompHeredocContent(data)
		}
		return data, !strings.HasPrefix(data, "#!")
	}
	var b strings.Builder
	b.WriteString(c.CmdLine[0])
	for _, f := range c.Files {
		b.WriteString("\n" + f.Data + f.Name)
	}
	return b.String(), true
}

// splitting is a RUN line that is taken apart.
type splitting struct {
	text    string
	facts   *facts
	root    *rootfs
	scope   *scope
	errexit bool

	prelude []string // what holds for all that follows
	pending []string // commands that stay together
	out     []part
	drivers []string
	scripts int // that the line itself runs
}

// split takes a RUN line apart that runs several scripts, or one that runs
// others: a part for each of them. It returns no parts where there is no such
// script. The error says why a line that has one stays whole.
func (r *rootfs) split(text string, sc *scope, f *facts) (parts []part, name string, err error) {
	if f.opaque != "" {
		if f.program == nil {
			return nil, "", nil
		}
		for i := range f.program.Children {
			if c := &f.program.Children[i]; drives(f.program, c) != nil {
				return nil, driverName(c), cannot("%s", f.opaque)
			}
		}
		return nil, "", nil
	}
	scripts := 0
	for i := range f.program.Children {
		c := &f.program.Children[i]
		switch {
		case drives(f.program, c) != nil:
			scripts, name = scripts+2, driverName(c)
		case c.InContext && !c.Glob && c.From == f.program.Main.Path && r.files[c.Absolute] != nil:
			scripts++
		}
	}
	if scripts < 2 {
		return nil, "", nil
	}
	interpreter, errexit := shellOf(sc.shell)
	s := &splitting{text: text, facts: f, root: r, scope: sc, errexit: errexit}
	if err := s.line(interpreter); err != nil {
		return nil, first(name, "the line"), err
	}
	switch {
	case name != "" && len(s.drivers) == 0:
		return nil, name, cannot("its line does more than run it")
	case len(s.drivers) == 0:
		if s.scripts < 2 {
			return nil, "", nil
		}
		if err := separable(f.program.Programs); err != nil {
			return nil, "the line", err
		}
		s.drivers = []string{fmt.Sprintf("a line of %d scripts", s.scripts)}
	}
	return s.out, strings.Join(s.drivers, ", "), nil
}

// drives returns the program of a child that runs at least two scripts; nil for
// any other.
func drives(p *shell.Program, c *shell.Child) *shell.Program {
	if c.Glob || !c.InContext {
		return nil
	}
	for _, sub := range p.Programs {
		if sub.Main.Path != c.Path {
			continue
		}
		n := 0
		for i := range sub.Children {
			if ch := &sub.Children[i]; !shell.Never(ch.Guards) {
				n++
				if ch.Glob {
					n++
				}
			}
		}
		if n >= 2 {
			return sub
		}
	}
	return nil
}

func (s *splitting) line(interpreter string) error {
	variant := syntax.LangPOSIX
	if interpreter == "bash" {
		variant = syntax.LangBash
	}
	file, err := syntax.NewParser(syntax.Variant(variant)).Parse(strings.NewReader(s.text), "RUN")
	if err != nil {
		return cannot("its line cannot be parsed")
	}
	for i, stmt := range file.Stmts {
		last := i == len(file.Stmts)-1
		chain, ok := conjunction(stmt)
		if !ok || len(chain) > 1 && !last || !last && !s.errexit && !s.setsErrexit(stmt) {
			return cannot("its line does more than run commands one after another")
		}
		for _, piece := range chain {
			if err := s.piece(piece); err != nil {
				return err
			}
		}
	}
	s.flush()
	return nil
}

// others are the programs of all scripts but one.
func (s *splitting) others(driver *shell.Program) []*shell.Program {
	return slices.DeleteFunc(slices.Clone(s.facts.program.Programs), func(p *shell.Program) bool { return p == driver })
}

// conjunction returns the commands that && joins.
func conjunction(stmt *syntax.Stmt) ([]*syntax.Stmt, bool) {
	if stmt.Negated || stmt.Background || stmt.Coprocess {
		return nil, false
	}
	b, ok := stmt.Cmd.(*syntax.BinaryCmd)
	if !ok {
		return []*syntax.Stmt{stmt}, true
	}
	switch b.Op {
	case syntax.Pipe, syntax.PipeAll:
		return []*syntax.Stmt{stmt}, true
	case syntax.AndStmt:
		x, ok1 := conjunction(b.X)
		y, ok2 := conjunction(b.Y)
		return append(x, y...), ok1 && ok2 && len(stmt.Redirs) == 0
	}
	return nil, false
}

func (s *splitting) setsErrexit(stmt *syntax.Stmt) bool {
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) < 2 || call.Args[0].Lit() != "set" {
		return false
	}
	for i, w := range call.Args[1:] {
		if isErrexit(w.Lit()) || w.Lit() == "errexit" && i > 0 {
			s.errexit = true
		}
	}
	return s.errexit
}

// piece is one command of the line.
func (s *splitting) piece(stmt *syntax.Stmt) error {
	text := s.text[stmt.Pos().Offset():stmt.End().Offset()]
	text = strings.TrimRight(text, "; \t\n")
	if c := s.childAt(stmt); c != nil {
		if sub := drives(s.facts.program, c); sub != nil {
			if f := s.root.files[c.Absolute]; c.Interpreter == "" && f != nil && f.mode&0o111 == 0 && !f.executable && !s.facts.changes(c.Absolute) {
				return cannot("%s is not executable", driverName(c))
			}
			if c.Interpreter == "" && (sub.Main.Shebang.Line == "" || sub.Main.CRLF.Line == 1) {
				return cannot("%s has no #! line that works", driverName(c))
			}
			parts, err := driver(sub, c, s.others(sub), s.root, s.scope)
			if err != nil {
				return err
			}
			if len(c.Redirects) > 0 || len(c.Wrappers) > 0 || c.Pipe.Stages > 0 || c.Dir == "" {
				return cannot("its line does more than run %s", driverName(c))
			}
			s.flush()
			for _, p := range parts {
				p.prelude, p.of = append(slices.Clone(s.prelude), p.prelude...), sub
				s.out = append(s.out, p)
			}
			s.drivers = append(s.drivers, driverName(c))
			return nil
		}
		if s.root.files[c.Absolute] != nil && !c.Glob && !strings.Contains(text, "\n") {
			s.flush()
			s.out = append(s.out, part{text: text, prelude: s.prelude, child: c})
			s.scripts++
			return nil
		}
	}
	switch state, ok := isState(stmt); {
	case state && !ok:
		return cannot("its line sets variables whose values are known only when it runs")
	case state:
		s.flush()
		s.prelude = append(s.prelude[:len(s.prelude):len(s.prelude)], text)
	default:
		if strings.Contains(text, "\n") {
			text = "{ " + text + "\n}"
		}
		s.pending = append(s.pending, text)
	}
	return nil
}

// childAt returns the script that a command is, when it is nothing more.
func (s *splitting) childAt(stmt *syntax.Stmt) *shell.Child {
	if _, ok := stmt.Cmd.(*syntax.CallExpr); !ok {
		return nil
	}
	at := shell.Pos{Line: int(stmt.Pos().Line()), Column: int(stmt.Pos().Col())}
	end := shell.Pos{Line: int(stmt.End().Line()), Column: int(stmt.End().Col())}
	for i := range s.facts.program.Children {
		c := &s.facts.program.Children[i]
		if c.From == s.facts.program.Main.Path && !c.Pos.Before(at) && c.Pos.Before(end) {
			return c
		}
	}
	return nil
}

// isState reports whether a command changes what holds for the commands after
// it, and whether it may be repeated in front of each.
func isState(stmt *syntax.Stmt) (state, repeatable bool) {
	repeatable = true
	syntax.Walk(stmt, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			repeatable = false
		}
		return true
	})
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) == 0 {
			return true, repeatable
		}
		switch cmd.Args[0].Lit() {
		case "set", "cd", "umask", "export", "shopt", "unset", "ulimit":
			return true, repeatable
		case ".", "source", "eval", "exec", "trap", "alias":
			return true, false
		}
	case *syntax.DeclClause:
		return true, repeatable
	case *syntax.FuncDecl:
		return true, false
	}
	return false, true
}

// flush makes a part of the commands that wait.
func (s *splitting) flush() {
	if len(s.pending) == 0 {
		return
	}
	s.out = append(s.out, part{text: strings.Join(s.pending, " && "), prelude: s.prelude})
	s.pending = nil
}
