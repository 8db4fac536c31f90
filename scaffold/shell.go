package scaffold

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// forgetful drops from a shell script what speaks of Patroni: functions, branches, commands, and words of commands that
// name several things.
type forgetful struct {
	*editor
	err error
}

// withoutPatroniInScript returns the script without them.
func withoutPatroniInScript(name, text string) (string, error) {
	file, err := syntax.NewParser(syntax.KeepComments(true), syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	if err != nil {
		return "", err
	}
	f := &forgetful{editor: &editor{text: text}}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			return f.stmt(n)
		case *syntax.CaseItem:
			if f.speaks(n.Patterns[0]) {
				f.drop(offset(n.Pos()), offset(n.End()))
				return false
			}
		case *syntax.IfClause:
			f.branches(n)
		}
		return true
	})
	if f.err != nil {
		return "", fmt.Errorf("%s: %w", name, f.err)
	}
	return f.String(), nil
}

func offset(p syntax.Pos) int { return int(p.Offset()) } //nolint:gosec // texts are some kilobytes

// speaks tells whether a part of the script has one of Patroni's names.
func (f *forgetful) speaks(n syntax.Node) bool {
	return isPatronis(f.text[offset(n.Pos()):offset(n.End())])
}

// stmt drops a statement, or some of its words; it tells whether to look into it.
func (f *forgetful) stmt(s *syntax.Stmt) bool {
	switch c := s.Cmd.(type) {
	case *syntax.FuncDecl:
		if isPatronis(c.Name.Value) {
			f.drop(offset(s.Pos()), offset(s.End()))
			return false
		}
		return true
	case *syntax.CallExpr:
		var parts []syntax.Node
		for _, a := range c.Assigns {
			parts = append(parts, a)
		}
		for _, w := range c.Args {
			parts = append(parts, w)
		}
		switch {
		case len(c.Args) > 0 && f.speaks(c.Args[0]):
			f.drop(offset(s.Pos()), offset(s.End()))
			return false
		case len(c.Args) > 1:
			parts = parts[len(c.Assigns)+1:] // all but the command's name
		}
		f.words(s, parts)
		return false
	case *syntax.DeclClause:
		var parts []syntax.Node
		for _, a := range c.Args {
			parts = append(parts, a)
		}
		f.words(s, parts)
		return false
	case *syntax.TestClause, *syntax.BinaryCmd, *syntax.ArithmCmd:
		if f.speaks(s) {
			f.drop(offset(s.Pos()), offset(s.End()))
			return false
		}
	}
	return true
}

// words drops those that are Patroni's, and the statement with the last of them.
func (f *forgetful) words(s *syntax.Stmt, parts []syntax.Node) {
	var gone []syntax.Node
	for _, n := range parts {
		if f.speaks(n) {
			gone = append(gone, n)
		}
	}
	if len(gone) == len(parts) && len(gone) > 0 {
		f.drop(offset(s.Pos()), offset(s.End()))
		return
	}
	for _, n := range gone {
		from := offset(n.Pos())
		for f.text[from-1] == ' ' {
			from--
		}
		f.replace(from, offset(n.End()), "")
	}
}

// branches drops the elif branches of an if whose condition is Patroni's.
func (f *forgetful) branches(c *syntax.IfClause) {
	for _, s := range c.Cond {
		if f.speaks(s) && f.text[offset(c.Position):][:2] == "if" {
			f.err = fmt.Errorf("line %d: a branch that begins an if cannot be taken away", c.Position.Line())
		}
	}
	for next := c.Else; next != nil; next = next.Else {
		if len(next.Cond) > 0 && f.speaks(next.Cond[0]) && next.Else != nil {
			f.replace(f.lineStart(offset(next.Position)), f.lineStart(offset(next.Else.Position)), "")
		}
	}
}
