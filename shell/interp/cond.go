package interp

import (
	"strconv"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/shell"
)

// testClause is [[ … ]]. It is noted as a call, like [ is.
func (in *interp) testClause(c *ctx, e *env, n *syntax.TestClause) {
	left := shell.Word{Value: "[[", Text: "[[", Known: true, Pos: c.pos(n.Left)}
	left.End = shell.Pos{Line: left.Pos.Line, Column: left.Pos.Column + 2}
	inv := &invocation{node: n, words: []shell.Word{left}, vals: []value{literal("[[")}, nodes: []*syntax.Word{nil}}
	var visit func(x syntax.TestExpr)
	visit = func(x syntax.TestExpr) {
		switch x := x.(type) {
		case *syntax.Word:
			v := in.single(c, e, x)
			inv.words = append(inv.words, in.word(c, x, field{val: v}))
			inv.vals = append(inv.vals, v)
			inv.nodes = append(inv.nodes, x)
		case *syntax.UnaryTest:
			inv.operator(c, x.Op.String(), x.OpPos)
			visit(x.X)
		case *syntax.BinaryTest:
			visit(x.X)
			inv.operator(c, x.Op.String(), x.OpPos)
			visit(x.Y)
		case *syntax.ParenTest:
			inv.operator(c, "(", x.Lparen)
			visit(x.X)
			inv.operator(c, ")", x.Rparen)
		}
	}
	visit(n.X)
	in.note(c, e, inv, "[[", shell.CallBuiltin)
}

// operator adds a word that is an operator.
func (inv *invocation) operator(c *ctx, op string, pos syntax.Pos) {
	p := c.pos(pos)
	inv.words = append(inv.words, shell.Word{Value: op, Text: op, Known: true, Pos: p, End: shell.Pos{Line: p.Line, Column: p.Column + len(op)}})
	inv.vals = append(inv.vals, literal(op))
	inv.nodes = append(inv.nodes, nil)
}

// condition evaluates a condition as far as it follows from known values. A
// default that the environment may override decides nothing.
func (in *interp) condition(c *ctx, e *env, cond []*syntax.Stmt) shell.Truth {
	if len(cond) != 1 || len(cond[0].Redirs) > 0 {
		return shell.TruthUnknown
	}
	t := shell.TruthUnknown
	switch cmd := cond[0].Cmd.(type) {
	case *syntax.TestClause:
		t = in.testExpr(c, e, cmd.X)
	case *syntax.CallExpr:
		t = in.testCall(c, e, cmd)
	case *syntax.BinaryCmd:
		x := in.condition(c, e, []*syntax.Stmt{cmd.X})
		y := in.condition(c, e, []*syntax.Stmt{cmd.Y})
		switch cmd.Op {
		case syntax.AndStmt:
			t = both(x, y)
		case syntax.OrStmt:
			t = negate(both(negate(x), negate(y)))
		}
	}
	if cond[0].Negated {
		return negate(t)
	}
	return t
}

func both(x, y shell.Truth) shell.Truth {
	switch {
	case x == shell.TruthFalse || y == shell.TruthFalse:
		return shell.TruthFalse
	case x == shell.TruthTrue && y == shell.TruthTrue:
		return shell.TruthTrue
	}
	return shell.TruthUnknown
}

func (in *interp) testCall(c *ctx, e *env, n *syntax.CallExpr) shell.Truth {
	if len(n.Args) == 0 {
		return shell.TruthUnknown
	}
	args := n.Args[1:]
	switch n.Args[0].Lit() {
	case "true", ":":
		return shell.TruthTrue
	case "false":
		return shell.TruthFalse
	case "test":
	case "[":
		if len(args) == 0 || args[len(args)-1].Lit() != "]" {
			return shell.TruthUnknown
		}
		args = args[:len(args)-1]
	default:
		return shell.TruthUnknown
	}
	switch len(args) {
	case 2:
		return in.unaryTest(c, e, args[0].Lit(), args[1])
	case 3:
		if args[0].Lit() == "!" {
			return negate(in.unaryTest(c, e, args[1].Lit(), args[2]))
		}
		return in.binaryTest(c, e, args[1].Lit(), args[0], args[2], false)
	}
	return shell.TruthUnknown
}

func (in *interp) testExpr(c *ctx, e *env, x syntax.TestExpr) shell.Truth {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return in.testExpr(c, e, x.X)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			return negate(in.testExpr(c, e, x.X))
		}
		if w, ok := x.X.(*syntax.Word); ok {
			return in.unaryTest(c, e, x.Op.String(), w)
		}
	case *syntax.BinaryTest:
		switch x.Op {
		case syntax.AndTest:
			return both(in.testExpr(c, e, x.X), in.testExpr(c, e, x.Y))
		case syntax.OrTest:
			return negate(both(negate(in.testExpr(c, e, x.X)), negate(in.testExpr(c, e, x.Y))))
		}
		l, ok := x.X.(*syntax.Word)
		r, ok2 := x.Y.(*syntax.Word)
		if ok && ok2 {
			return in.binaryTest(c, e, x.Op.String(), l, r, true)
		}
	}
	return shell.TruthUnknown
}

func (in *interp) decided(c *ctx, e *env, w *syntax.Word) (string, bool) {
	v := in.quiet(c, e, w)
	s, ok := v.exact()
	return s, ok && v.flags&flagAssumed == 0
}

func truth(b bool) shell.Truth {
	if b {
		return shell.TruthTrue
	}
	return shell.TruthFalse
}

func (in *interp) unaryTest(c *ctx, e *env, op string, w *syntax.Word) shell.Truth {
	if op != "-z" && op != "-n" {
		return in.fileTest(c, e, op, w)
	}
	s, ok := in.decided(c, e, w)
	if !ok {
		return shell.TruthUnknown
	}
	return truth((s == "") == (op == "-z"))
}

// fileTest evaluates a test of a file of which is known whether it is there.
func (in *interp) fileTest(c *ctx, e *env, op string, w *syntax.Word) shell.Truth {
	if in.opts.Stat == nil {
		return shell.TruthUnknown
	}
	v := in.quiet(c, e, w)
	if v.flags&flagAssumed != 0 {
		return shell.TruthUnknown
	}
	s, ok := resolve(e.dir, v).exact()
	if !ok {
		return shell.TruthUnknown
	}
	mode, exists, known := in.opts.Stat(s)
	if !known {
		return shell.TruthUnknown
	}
	switch op {
	case "-e", "-a", "-r":
		return truth(exists)
	case "-f":
		return truth(exists && mode.IsRegular())
	case "-d":
		return truth(exists && mode.IsDir())
	case "-x":
		return truth(exists && (mode.IsDir() || mode&0o111 != 0))
	}
	return shell.TruthUnknown
}

func (in *interp) binaryTest(c *ctx, e *env, op string, l, r *syntax.Word, patterns bool) shell.Truth {
	x, ok := in.decided(c, e, l)
	if !ok {
		return shell.TruthUnknown
	}
	switch op {
	case "=", "==", "!=":
		if patterns {
			p, ok := in.pattern(c, e, r)
			if !ok || hasSubst(r) || in.quiet(c, e, r).flags&flagAssumed != 0 {
				return shell.TruthUnknown
			}
			return truth(glob.Match(p, x) == (op != "!="))
		}
		y, ok := in.decided(c, e, r)
		if !ok {
			return shell.TruthUnknown
		}
		return truth((x == y) == (op != "!="))
	}
	y, ok := in.decided(c, e, r)
	a, err1 := strconv.Atoi(x)
	b, err2 := strconv.Atoi(y)
	if !ok || err1 != nil || err2 != nil {
		return shell.TruthUnknown
	}
	switch op {
	case "-eq":
		return truth(a == b)
	case "-ne":
		return truth(a != b)
	case "-lt":
		return truth(a < b)
	case "-le":
		return truth(a <= b)
	case "-gt":
		return truth(a > b)
	case "-ge":
		return truth(a >= b)
	}
	return shell.TruthUnknown
}
