package interp

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/shell"
)

func (in *interp) ifClause(c *ctx, e *env, n *syntax.IfClause) {
	if len(n.Cond) == 0 { // a plain else
		in.stmts(c, e, n.Then)
		return
	}
	in.stmts(c.inTest(), e, n.Cond)
	first, last := n.Cond[0], n.Cond[len(n.Cond)-1]
	g := shell.Guard{
		Kind: shell.GuardIf, Pos: c.pos(first.Pos()),
		Text:  strings.TrimRight(c.source(first.Pos(), last.End()), "; \t\n"),
		Tests: in.fileTests(c, e, n.Cond), Commands: in.probes(c, e, n.Cond),
		Holds: in.condition(c, e, n.Cond),
	}
	presumed := in.presumed(e, n.Cond)
	yes, no := e.clone(), e.clone()
	in.stmts(c.with(g), yes, n.Then)
	if n.Else != nil {
		g.Kind, g.Holds, g.Tests, g.Commands = shell.GuardElse, negate(g.Holds), in.missingTests(c, e, n.Cond), nil
		in.ifClause(c.with(g), no, n.Else)
		g.Holds = negate(g.Holds)
	}
	switch g.Holds {
	case shell.TruthTrue:
		*e = *yes
	case shell.TruthFalse:
		*e = *no
	default:
		in.either(e, yes, no, presumed)
	}
	if yes.stop != stopNone && n.Else == nil {
		e.checked = append(e.checked, in.missingTests(c, e, n.Cond)...)
	}
}

func negate(t shell.Truth) shell.Truth {
	switch t {
	case shell.TruthTrue:
		return shell.TruthFalse
	case shell.TruthFalse:
		return shell.TruthTrue
	}
	return shell.TruthUnknown
}

func (in *interp) caseClause(c *ctx, e *env, n *syntax.CaseClause) {
	word := in.single(c, e, n.Word)
	text := c.source(n.Word.Pos(), n.Word.End())
	exact, known := word.exact()
	known = known && word.flags&flagAssumed == 0
	var result *env
	decided, whole := false, false
	falls := slices.ContainsFunc(n.Items, func(item *syntax.CaseItem) bool { return item.Op != syntax.Break })
	var above []string
	for _, item := range n.Items {
		patterns, truth := in.casePatterns(c, e, item, exact, known)
		if decided {
			truth = shell.TruthFalse
		}
		g := shell.Guard{Kind: shell.GuardCase, Text: text + " in " + strings.Join(patterns, "|"), Pos: c.pos(item.Pos()), Holds: truth}
		if !falls {
			g.Patterns, g.Above = patterns, slices.Clone(above)
			above = append(above, patterns...)
		}
		branch := e.clone()
		in.stmts(c.with(g), branch, item.Stmts)
		whole = whole || truth == shell.TruthTrue || len(patterns) == 1 && patterns[0] == "*"
		switch {
		case truth == shell.TruthFalse && item.Op == syntax.Break:
			continue
		case truth == shell.TruthTrue && item.Op == syntax.Break:
			decided = true
		}
		if result == nil {
			result = branch
		} else {
			in.merge(result, result.clone(), branch)
		}
	}
	switch {
	case result == nil:
	case whole:
		*e = *result
	default:
		in.merge(e, result, e.clone())
	}
}

// casePatterns returns the patterns as written and whether one matches.
func (in *interp) casePatterns(c *ctx, e *env, item *syntax.CaseItem, word string, known bool) ([]string, shell.Truth) {
	patterns := make([]string, len(item.Patterns))
	truth := shell.TruthFalse
	for i, p := range item.Patterns {
		patterns[i] = c.source(p.Pos(), p.End())
		pattern, ok := in.pattern(c, e, p)
		switch {
		case !known || !ok:
			truth = shell.TruthUnknown
		case glob.Match(pattern, word):
			return in.restPatterns(c, item, patterns), shell.TruthTrue
		}
	}
	if !known {
		truth = shell.TruthUnknown
	}
	return patterns, truth
}

func (in *interp) restPatterns(c *ctx, item *syntax.CaseItem, patterns []string) []string {
	for i, p := range item.Patterns {
		patterns[i] = c.source(p.Pos(), p.End())
	}
	return patterns
}

func (in *interp) binary(c *ctx, e *env, n *syntax.BinaryCmd) {
	switch n.Op {
	case syntax.Pipe, syntax.PipeAll:
		in.pipeline(c, e, n)
	case syntax.AndStmt, syntax.OrStmt:
		in.stmt(c.inTest(), e, n.X)
		left := []*syntax.Stmt{n.X}
		g := shell.Guard{
			Kind: shell.GuardAnd, Pos: c.pos(n.X.Pos()), Text: c.source(n.X.Pos(), n.X.End()),
			Holds: in.condition(c, e, left), Tests: in.fileTests(c, e, left), Commands: in.probes(c, e, left),
		}
		if n.Op == syntax.OrStmt {
			g.Kind, g.Holds, g.Tests, g.Commands = shell.GuardOr, negate(g.Holds), in.missingTests(c, e, left), nil
		}
		presumed := in.presumed(e, left)
		if n.Op == syntax.OrStmt {
			presumed = negate(presumed)
		}
		before, out := e.clone(), e.out
		right := c.with(g)
		call, ok := n.Y.Cmd.(*syntax.CallExpr)
		right.failed = ok && n.Op == syntax.OrStmt && len(call.Args) == 1 && call.Args[0].Lit() == "return"
		in.stmt(right, e, n.Y)
		if left := e.stop != stopNone; left && n.Op == syntax.OrStmt {
			before.checked = append(before.checked, in.fileTests(c, before, []*syntax.Stmt{n.X})...)
		} else if left {
			before.checked = append(before.checked, in.missingTests(c, before, []*syntax.Stmt{n.X})...)
		}
		switch {
		case n.Op == syntax.AndStmt && e.capturing:
			// $(cd x && pwd): what it prints is what it prints on success.
		case g.Holds == shell.TruthTrue:
		case g.Holds == shell.TruthFalse:
			*e = *before
		default:
			if n.Op == syntax.OrStmt {
				e.out = out
				before.out = out
			}
			dir := e.dir
			in.either(e, e.clone(), before, presumed)
			if n.Op == syntax.AndStmt {
				e.dir = dir // what follows a failed cd is not meant to run
			}
		}
	}
}

// pipeline runs each stage in a subshell of its own, fed by the one before.
func (in *interp) pipeline(c *ctx, e *env, n *syntax.BinaryCmd) {
	stages := []*syntax.Stmt{n.Y}
	first := n.X
	for {
		b, ok := first.Cmd.(*syntax.BinaryCmd)
		if !ok || b.Op != syntax.Pipe && b.Op != syntax.PipeAll || len(first.Redirs) > 0 || first.Background || first.Negated {
			break
		}
		stages = append(stages, b.Y)
		first = b.X
	}
	stages = append(stages, first)
	stdin, doc := e.stdin, e.doc
	for i := range stages {
		s := e.clone()
		s.stdin, s.doc, s.outDoc = stdin, doc, nil
		s.out, s.capturing = value{}, true
		sub := c.sub()
		sub.pipe = shell.Pipe{Pos: c.pos(n.Pos()), Stage: i, Stages: len(stages)}
		in.stmt(sub, s, stages[len(stages)-1-i])
		stdin, doc = s.out, s.outDoc
		if in.lastpipe && i == len(stages)-1 {
			in.merge(e, e.clone(), s)
		}
	}
	if e.capturing {
		e.out = concat(e.out, stdin)
	}
}
