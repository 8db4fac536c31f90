package dockerfile

import (
	"errors"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// chain is the shell text of a RUN: commands of which the first that fails ends
// it.
type chain struct {
	commands []link
	// functions are the texts of those that it defines, by their names.
	functions map[string]string
}

// link is one command of a chain.
type link struct {
	stmt *syntax.Stmt
	text string
	// next is what stands between it and the command after it: "; " or " && ".
	next string
	// state says that it does no more than change what holds for those after it,
	// and that it does the same again when it is repeated in front of each: an
	// assignment, export, set, umask. A cd is one too, but is not repeated as it
	// is written.
	state bool
	// holds are the variables that it sets to values which only it knows, seen that
	// programs see them, and all says that it changes anything else that nobody can
	// repeat: then it stays together with what may read that.
	holds     []string
	seen, all bool
	// exports says that it exports what it speaks of.
	exports bool
	// asks says that it reads what the command before it left, such as its
	// status, process that it reads the shell's number, and returns that it asks
	// for the directory before the last cd.
	asks, process, returns bool
}

// chainOf reads the text of a RUN. It returns nil where that is no such chain.
func chainOf(text, interpreter string, errexit bool) *chain {
	variant := syntax.LangPOSIX
	if interpreter == "bash" {
		variant = syntax.LangBash
	}
	file, err := syntax.NewParser(syntax.Variant(variant)).Parse(strings.NewReader(text), "RUN")
	if err != nil || hereDocuments(file) || variant == syntax.LangPOSIX && arithmetic(file) {
		return nil
	}
	interp.Regroup(file)
	c := &chain{functions: functions(file)}
	for i, stmt := range file.Stmts {
		last := i == len(file.Stmts)-1
		if stmt.Background || stmt.Coprocess {
			return nil
		}
		operands := []*syntax.Stmt{stmt}
		if last {
			var ok bool
			if operands, ok = conjunction(stmt); !ok {
				operands = []*syntax.Stmt{stmt}
				if !errexit && len(file.Stmts) == 1 {
					return nil // a || b
				}
			}
		} else if errexit = errexit || setsErrexit(stmt); !errexit {
			return nil
		}
		for _, operand := range operands {
			one := link{stmt: operand, next: "; "}
			if len(operands) > 1 {
				one.next = " && "
			}
			if one.text, err = oneLine(operand); err != nil {
				return nil
			}
			c.commands = append(c.commands, one)
		}
	}
	c.read()
	return c
}

// hereDocuments reports whether a text has any.
func hereDocuments(file *syntax.File) bool {
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if r, ok := n.(*syntax.Redirect); ok && r.Hdoc != nil {
			found = true
		}
		return !found
	})
	return found
}

// arithmetic reports whether a text has a command ((...)), which is no subshell if
// sh is bash.
func arithmetic(file *syntax.File) bool {
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if s, ok := n.(*syntax.Subshell); ok && len(s.Stmts) > 0 && s.Stmts[0].Pos().Offset() == s.Lparen.Offset()+1 {
			_, inner := s.Stmts[0].Cmd.(*syntax.Subshell)
			found = found || inner
		}
		return !found
	})
	return found
}

// functions returns the texts of the functions that a file defines.
func functions(file *syntax.File) map[string]string {
	out := map[string]string{}
	syntax.Walk(file, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FuncDecl); ok && f.Name != nil {
			var b strings.Builder
			_ = syntax.NewPrinter().Print(&b, f.Body)
			out[f.Name.Value] += b.String() + "\n"
		}
		return true
	})
	return out
}

// speaks reports whether a command, or a function that it may call, has a
// variable's name as a word.
func (c *chain) speaks(one *link, variable string) bool {
	if mentions(one.text, variable) {
		return true
	}
	called := map[string]bool{}
	for text := one.text; text != ""; {
		more := ""
		for name, body := range c.functions {
			if !called[name] && mentions(text, name) {
				called[name] = true
				more += body
			}
		}
		if mentions(more, variable) {
			return true
		}
		text = more
	}
	return false
}

// oneLine is a command on one line, as a RUN has to have it.
func oneLine(stmt *syntax.Stmt) (string, error) {
	var b strings.Builder
	alone := *stmt
	alone.Comments, alone.Semicolon = nil, syntax.Pos{}
	err := syntax.NewPrinter(syntax.SingleLine(true)).Print(&b, &alone)
	text := strings.TrimSpace(b.String())
	if err == nil && (strings.Contains(text, "\n") || !oneInstruction(text) || strings.HasSuffix(text, `\`) || strings.HasSuffix(text, "`")) {
		err = errors.New("a RUN cannot say it on one line")
	}
	return text, err
}

// oneInstruction reports whether BuildKit reads a text as one RUN: in $((1 <<2)) it
// looks for a here-document.
func oneInstruction(text string) bool {
	read, err := parser.Parse(strings.NewReader("RUN " + text + "\n"))
	return err == nil && len(read.AST.Children) == 1 && len(read.AST.Children[0].Heredocs) == 0
}

// setsErrexit reports whether a command makes the shell stop at the first
// failure.
func setsErrexit(stmt *syntax.Stmt) bool {
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) < 2 || call.Args[0].Lit() != "set" {
		return false
	}
	for i, w := range call.Args[1:] {
		switch lit := w.Lit(); {
		case lit == "" || lit == "--":
			return false
		case isErrexit(lit) || lit == "errexit" && strings.HasPrefix(call.Args[i].Lit(), "-"):
			return true
		}
	}
	return false
}

// read tells of each command what it leaves for those after it.
func (c *chain) read() {
	open := map[string]bool{} // variables whose values only the shell knows
	exportsAll := false
	for i := range c.commands {
		one := &c.commands[i]
		e := effectsOf(one.stmt)
		one.all, one.asks, one.process, one.returns, one.exports = e.all, e.asks, e.process, e.returns, e.exports
		exportsAll = exportsAll || e.exportsAll
		if cd(one.stmt) {
			one.state = true
			continue
		}
		is, assigns := state(one.stmt)
		depends := false
		for name := range open {
			depends = depends || mentions(one.text, name)
		}
		if is && !e.all && !e.runs && !e.changing && (!depends || e.unsets) {
			one.state = true
			for _, name := range e.sets {
				delete(open, name)
			}
			continue
		}
		one.holds, one.seen, one.all = e.sets, e.exports || exportsAll, one.all || is && !assigns || slices.ContainsFunc(e.sets, silent)
		for _, name := range e.sets {
			open[name] = true
		}
	}
}

// cd reports whether a command changes the directory and does nothing else.
func cd(stmt *syntax.Stmt) bool {
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	return ok && !stmt.Negated && len(stmt.Redirs) == 0 && len(call.Assigns) == 0 && len(call.Args) == 2 && call.Args[0].Lit() == "cd"
}

// leaves reports whether a command changes to a directory that does not depend on the
// one before.
func leaves(stmt *syntax.Stmt) bool {
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	return ok && cd(stmt) && strings.HasPrefix(prefix(call.Args[1]), "/")
}

// state reports whether a command only changes what holds for those after it, and
// whether that is no more than variables.
func state(stmt *syntax.Stmt) (is, assigns bool) {
	if stmt.Negated || len(stmt.Redirs) > 0 {
		return false, false
	}
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) == 0 {
			return true, true
		}
		switch cmd.Args[0].Lit() {
		case "export", "readonly", "unset":
			return len(cmd.Assigns) == 0, true
		case "set", "umask", "shopt", "ulimit", "shift":
			return len(cmd.Assigns) == 0, false
		}
	case *syntax.DeclClause:
		return true, true
	case *syntax.FuncDecl:
		return true, false
	}
	return false, false
}

// mentions reports whether a text has a variable's name as a word.
func mentions(text, name string) bool {
	for rest := text; name != ""; {
		at := strings.Index(rest, name)
		if at < 0 {
			return false
		}
		end := at + len(name)
		if (at == 0 || !nameByte(rest[at-1])) && (end == len(rest) || !nameByte(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
	return false
}

func nameByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// positions are where a command begins and ends, as package shell counts.
func positions(stmt *syntax.Stmt) (from, to shell.Pos) {
	return shell.Pos{Line: int(stmt.Pos().Line()), Column: int(stmt.Pos().Col())}, shell.Pos{Line: int(stmt.End().Line()), Column: int(stmt.End().Col())}
}

// simple reports whether a command's status is that of one program.
func simple(stmt *syntax.Stmt) bool {
	_, ok := stmt.Cmd.(*syntax.CallExpr)
	return ok && !stmt.Negated
}

// plainStatus reports whether a command fails in the same way whether another one
// follows it or not. In front of && a function goes on after a failure.
func (c *chain) plainStatus(one *link) bool {
	call, ok := one.stmt.Cmd.(*syntax.CallExpr)
	return ok && simple(one.stmt) && (one.next != " && " || len(call.Args) == 0 || c.functions[call.Args[0].Lit()] == "")
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
