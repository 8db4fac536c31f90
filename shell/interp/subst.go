package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// substitute runs a command substitution and returns what is known of its
// output.
func (in *interp) substitute(c *ctx, e *env, n *syntax.CmdSubst) value {
	if len(n.Stmts) == 1 && n.Stmts[0].Cmd == nil && len(n.Stmts[0].Redirs) > 0 { // $(<file) is what is in the file
		in.capture(c, e, n.Stmts, shell.Subst{Kind: shell.SubstCommand, Into: c.subst.Into, Pos: c.pos(n.Pos())})
		return unknown()
	}
	return in.capture(c, e, n.Stmts, shell.Subst{Kind: shell.SubstCommand, Into: c.subst.Into, Pos: c.pos(n.Pos())})
}

// procSubst runs a process substitution.
func (in *interp) procSubst(c *ctx, e *env, n *syntax.ProcSubst) value {
	return in.capture(c, e, n.Stmts, shell.Subst{Kind: shell.SubstProcess, Into: c.subst.Into, Pos: c.pos(n.Pos())})
}

func (in *interp) capture(c *ctx, e *env, list []*syntax.Stmt, subst shell.Subst) value {
	sub := c.sub()
	sub.subst = subst
	sub.pipe = shell.Pipe{}
	s := e.clone()
	s.out, s.capturing = value{}, true
	in.stmts(sub, s, list)
	if s.out.isArr() {
		return unknown()
	}
	return s.out.mapped(func(s string) (string, bool) { return strings.TrimRight(s, "\n"), true })
}

// print adds to what a substitution prints.
func (e *env) print(v value) {
	if !e.capturing {
		return
	}
	if s, ok := e.out.single(); ok && s != "" && !strings.HasSuffix(s, "\n") {
		e.out = concat(e.out, literal("\n"))
	}
	e.out = concat(e.out, v)
}

// arithmetic evaluates the little arithmetic that matters here: none. Its
// parts are visited, since they may call commands and assign.
func (in *interp) arithmetic(c *ctx, e *env, x syntax.ArithmExpr) value {
	in.visitArithm(c, e, x)
	if w, ok := x.(*syntax.Word); ok {
		if s := w.Lit(); s != "" && strings.Trim(s, "0123456789") == "" {
			return literal(s)
		}
	}
	return unknown()
}

// visitArithm visits the words of an arithmetic expression and forgets what it
// assigns.
func (in *interp) visitArithm(c *ctx, e *env, x syntax.ArithmExpr) {
	switch x := x.(type) {
	case nil:
	case *syntax.Word:
		if x != nil && x.Lit() == "" {
			in.single(c, e, x)
		}
	case *syntax.BinaryArithm:
		if isArithAssign(x.Op) {
			in.arithAssign(e, x.X)
		}
		in.visitArithm(c, e, x.X)
		in.visitArithm(c, e, x.Y)
	case *syntax.UnaryArithm:
		if x.Op == syntax.Inc || x.Op == syntax.Dec {
			in.arithAssign(e, x.X)
		}
		in.visitArithm(c, e, x.X)
	case *syntax.ParenArithm:
		in.visitArithm(c, e, x.X)
	}
}

func (in *interp) arithAssign(e *env, x syntax.ArithmExpr) {
	if name := arithName(x); name != "" {
		e.assign(name, unknown())
	}
}
