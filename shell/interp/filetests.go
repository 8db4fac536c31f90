package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// fileTests are the paths that a condition asks for when it holds.
func (in *interp) fileTests(c *ctx, e *env, cond []*syntax.Stmt) []shell.Word {
	if len(cond) != 1 || cond[0].Negated {
		return nil
	}
	var out []shell.Word
	switch cmd := cond[0].Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.AndStmt {
			out = append(in.fileTests(c, e, []*syntax.Stmt{cmd.X}), in.fileTests(c, e, []*syntax.Stmt{cmd.Y})...)
		}
	case *syntax.TestClause:
		return in.fileTestExpr(c, e, cmd.X)
	case *syntax.CallExpr:
		if len(cmd.Args) >= 3 && (cmd.Args[0].Lit() == "[" || cmd.Args[0].Lit() == "test") && isFileTest(cmd.Args[1].Lit()) {
			w := cmd.Args[2]
			out = append(out, in.word(c, w, field{val: in.quiet(c, e, w)}))
		}
	}
	return out
}

// missingTests are the paths that are not there when a condition holds:
// [ ! -f x ] and its kin.
func (in *interp) missingTests(c *ctx, e *env, cond []*syntax.Stmt) []shell.Word {
	if len(cond) != 1 {
		return nil
	}
	s := *cond[0]
	if s.Negated {
		s.Negated = false
		return in.fileTests(c, e, []*syntax.Stmt{&s})
	}
	switch cmd := s.Cmd.(type) {
	case *syntax.TestClause:
		if u, ok := cmd.X.(*syntax.UnaryTest); ok && u.Op == syntax.TsNot {
			return in.fileTestExpr(c, e, u.X)
		}
	case *syntax.CallExpr:
		if len(cmd.Args) >= 4 && cmd.Args[1].Lit() == "!" {
			call := *cmd
			call.Args = append([]*syntax.Word{cmd.Args[0]}, cmd.Args[2:]...)
			return in.fileTests(c, e, []*syntax.Stmt{{Cmd: &call}})
		}
	}
	return nil
}

// probes are the commands that a condition asks for: command -v x.
func (in *interp) probes(c *ctx, e *env, cond []*syntax.Stmt) []string {
	if len(cond) != 1 || cond[0].Negated {
		return nil
	}
	switch cmd := cond[0].Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.AndStmt {
			return append(in.probes(c, e, []*syntax.Stmt{cmd.X}), in.probes(c, e, []*syntax.Stmt{cmd.Y})...)
		}
	case *syntax.CallExpr:
		args := cmd.Args
		if len(args) < 2 {
			return nil
		}
		switch args[0].Lit() {
		case "command":
			if op := args[1].Lit(); op != "-v" && op != "-V" {
				return nil
			}
			args = args[1:]
		case "type", "hash", "which":
		default:
			return nil
		}
		var out []string
		for _, w := range args[1:] {
			if s, ok := in.quiet(c, e, w).exact(); ok && !strings.HasPrefix(s, "-") {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func (in *interp) fileTestExpr(c *ctx, e *env, x syntax.TestExpr) []shell.Word {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return in.fileTestExpr(c, e, x.X)
	case *syntax.BinaryTest:
		if x.Op == syntax.AndTest {
			return append(in.fileTestExpr(c, e, x.X), in.fileTestExpr(c, e, x.Y)...)
		}
	case *syntax.UnaryTest:
		if w, ok := x.X.(*syntax.Word); ok && isFileTest(x.Op.String()) {
			return []shell.Word{in.word(c, w, field{val: in.quiet(c, e, w)})}
		}
	}
	return nil
}

func isFileTest(op string) bool {
	switch op {
	case "-e", "-a", "-f", "-r", "-x", "-s", "-d", "-h", "-L":
		return true
	}
	return false
}

// quiet evaluates a word a second time, for its value alone. Words that call
// something are left alone: they have been read.
func (in *interp) quiet(c *ctx, e *env, w *syntax.Word) value {
	if hasSubst(w) {
		return unknown()
	}
	return in.single(c, e.clone(), w)
}

// presumed is the outcome of [ -z "$NAME" ] and [ -n "$NAME" ] for a variable
// that neither the script nor the caller has set: it is taken to be unset, as
// it is for ${NAME:-default}.
func (in *interp) presumed(e *env, cond []*syntax.Stmt) shell.Truth {
	if len(cond) != 1 || len(cond[0].Redirs) > 0 || e.opaque {
		return shell.TruthUnknown
	}
	op, word := "", (*syntax.Word)(nil)
	switch cmd := cond[0].Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) > 2 && (cmd.Args[0].Lit() == "[" && len(cmd.Args) == 4 || cmd.Args[0].Lit() == "test" && len(cmd.Args) == 3) {
			op, word = cmd.Args[1].Lit(), cmd.Args[2]
		}
	case *syntax.TestClause:
		if u, ok := cmd.X.(*syntax.UnaryTest); ok {
			op = u.Op.String()
			word, _ = u.X.(*syntax.Word)
		}
	}
	if op != "-z" && op != "-n" || !in.isUnset(e, word) {
		return shell.TruthUnknown
	}
	return truth((op == "-z") != cond[0].Negated)
}

// isUnset reports whether a word is one expansion of a variable that nobody
// has set.
func (in *interp) isUnset(e *env, w *syntax.Word) bool {
	if w == nil || len(w.Parts) != 1 {
		return false
	}
	part := w.Parts[0]
	if q, ok := part.(*syntax.DblQuoted); ok && len(q.Parts) == 1 {
		part = q.Parts[0]
	}
	p, ok := part.(*syntax.ParamExp)
	if !ok || p.Param == nil || !syntax.ValidName(p.Param.Value) || p.Index != nil || p.Excl || p.Length || p.Repl != nil || p.Slice != nil {
		return false
	}
	if p.Exp != nil && (p.Exp.Word != nil && len(p.Exp.Word.Parts) > 0) {
		return false
	}
	if _, seen := e.get(p.Param.Value); seen {
		return false
	}
	_, set := in.lookup(e, p.Param.Value)
	return !set && !shellSets(p.Param.Value)
}
