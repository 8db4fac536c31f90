package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func (in *interp) ifClause(c *ctx, e *env, n *syntax.IfClause) {
	if len(n.Cond) == 0 { // a plain else
		in.stmts(c, e, n.Then)
		return
	}
	in.stmts(c, e, n.Cond)
	first, last := n.Cond[0], n.Cond[len(n.Cond)-1]
	g := Guard{
		Kind: GuardIf, Pos: c.pos(first.Pos()),
		Text:  strings.TrimRight(c.source(first.Pos(), last.End()), "; \t\n"),
		Tests: in.fileTests(c, e, n.Cond),
		Holds: in.condition(c, e, n.Cond),
	}
	yes, no := e.clone(), e.clone()
	in.stmts(c.with(g), yes, n.Then)
	if n.Else != nil {
		g.Kind, g.Holds = GuardElse, negate(g.Holds)
		in.ifClause(c.with(g), no, n.Else)
		g.Holds = negate(g.Holds)
	}
	switch g.Holds {
	case TruthTrue:
		*e = *yes
	case TruthFalse:
		*e = *no
	default:
		in.merge(e, yes, no)
	}
}

func negate(t Truth) Truth {
	switch t {
	case TruthTrue:
		return TruthFalse
	case TruthFalse:
		return TruthTrue
	}
	return TruthUnknown
}

func (in *interp) caseClause(c *ctx, e *env, n *syntax.CaseClause) {
	word := in.single(c, e, n.Word)
	text := c.source(n.Word.Pos(), n.Word.End())
	exact, known := word.exact()
	known = known && word.flags&flagAssumed == 0
	var result *env
	decided, whole := false, false
	for _, item := range n.Items {
		patterns, truth := in.casePatterns(c, e, item, exact, known)
		if decided {
			truth = TruthFalse
		}
		g := Guard{Kind: GuardCase, Text: text + " in " + strings.Join(patterns, "|"), Pos: c.pos(item.Pos()), Holds: truth}
		branch := e.clone()
		in.stmts(c.with(g), branch, item.Stmts)
		whole = whole || truth == TruthTrue || len(patterns) == 1 && patterns[0] == "*"
		switch {
		case truth == TruthFalse && item.Op == syntax.Break:
			continue
		case truth == TruthTrue && item.Op == syntax.Break:
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
func (in *interp) casePatterns(c *ctx, e *env, item *syntax.CaseItem, word string, known bool) ([]string, Truth) {
	patterns := make([]string, len(item.Patterns))
	truth := TruthFalse
	for i, p := range item.Patterns {
		patterns[i] = c.source(p.Pos(), p.End())
		pattern, ok := in.pattern(c, e, p)
		switch {
		case !known || !ok:
			truth = TruthUnknown
		case match(pattern, word):
			return in.restPatterns(c, item, patterns), TruthTrue
		}
	}
	if !known {
		truth = TruthUnknown
	}
	return patterns, truth
}

func (in *interp) restPatterns(c *ctx, item *syntax.CaseItem, patterns []string) []string {
	for i, p := range item.Patterns {
		patterns[i] = c.source(p.Pos(), p.End())
	}
	return patterns
}

func (in *interp) whileClause(c *ctx, e *env, n *syntax.WhileClause) {
	in.havoc(e, n)
	in.stmts(c, e, n.Cond)
	g := Guard{Kind: GuardWhile, Pos: c.pos(n.WhilePos)}
	if len(n.Cond) > 0 {
		g.Text = strings.TrimRight(c.source(n.Cond[0].Pos(), n.Cond[len(n.Cond)-1].End()), "; \t\n")
	}
	body := e.clone()
	in.stmts(c.with(g), body, n.Do)
	in.afterLoop(e, body)
}

// afterLoop joins the state after a loop's body, which may not have run, with
// the one before.
func (in *interp) afterLoop(e, body *env) {
	if body.stop == stopLoop {
		body.stop = stopNone
	}
	if body.stop != stopNone {
		return // the body always leaves; what follows runs only without it
	}
	in.merge(e, body, e.clone())
}

func (in *interp) forClause(c *ctx, e *env, n *syntax.ForClause) {
	g := Guard{Kind: GuardFor, Pos: c.pos(n.ForPos)}
	switch loop := n.Loop.(type) {
	case *syntax.CStyleLoop:
		g.Text = c.source(loop.Lparen, loop.Rparen)
		for _, x := range []syntax.ArithmExpr{loop.Init, loop.Cond, loop.Post} {
			in.visitArithm(c, e, x)
		}
		in.havoc(e, n)
		body := e.clone()
		in.stmts(c.with(g), body, n.Do)
		in.afterLoop(e, body)
	case *syntax.WordIter:
		in.forWords(c, e, n, loop, g)
	}
}

// forWords follows a loop over words. A list that is known is gone through
// element by element, as the shell does.
func (in *interp) forWords(c *ctx, e *env, n *syntax.ForClause, loop *syntax.WordIter, g Guard) {
	var items []field
	if loop.InPos.IsValid() {
		for _, w := range loop.Items {
			items = append(items, in.fields(c, e, w)...)
		}
		if len(loop.Items) > 0 {
			g.Text = c.source(loop.Items[0].Pos(), loop.Items[len(loop.Items)-1].End())
		}
	} else {
		g.Text = `"$@"`
		x := expander{in: in, c: c, e: e}
		x.elements(in.allArgs(e, "@"), true)
		x.flush()
		items = x.out
	}
	g.Var = loop.Name.Value
	in.iterated(c, e, loop, items)
	open := false
	for _, f := range items {
		open = open || f.splits || hasMark(f.val.s)
	}
	body := c.with(g)
	if len(items) > maxUnroll || n.Select || in.exhausted() {
		in.havoc(e, n)
		var all value
		for i, f := range items {
			if i == 0 {
				all = f.val
			} else {
				all = join(all, f.val)
			}
		}
		e.assign(g.Var, all)
		b := e.clone()
		in.stmts(body, b, n.Do)
		in.afterLoop(e, b)
		return
	}
	if len(items) == 0 { // still read once, so that its commands are known
		dry := in.dry
		in.dry = true
		in.stmts(body, e.clone(), n.Do)
		in.dry = dry
		return
	}
	before := e.clone()
	if open {
		in.havoc(e, n) // an unknown number of rounds
	}
	for _, f := range items {
		e.assign(g.Var, f.val)
		in.stmts(body, e, n.Do)
		if e.stop == stopLoop {
			e.stop = stopNone
		}
		if e.stop != stopNone {
			break
		}
	}
	if open {
		in.merge(e, e.clone(), before)
	}
}

// havoc makes unknown what a loop assigns: its body may have run before.
func (in *interp) havoc(e *env, n syntax.Node) {
	for _, name := range in.assigned(n) {
		if v, ok := e.vars[name]; !ok || !v.readonly {
			v.val, v.unset = unknown(), false
			e.vars[name] = v
		}
	}
	if in.changesDir(n) {
		e.dir = unknown()
	}
}

// assigned lists the variables that a construct assigns, going by its text.
func (in *interp) assigned(n syntax.Node) []string {
	if names, ok := in.names[n]; ok {
		return names
	}
	var names []string
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil {
				names = append(names, n.Name.Value)
			}
		case *syntax.WordIter:
			names = append(names, n.Name.Value)
		case *syntax.CallExpr:
			names = append(names, readNames(n)...)
		}
		return true
	})
	in.names[n] = names
	return names
}

// readNames are the variables that read and its kin set.
func readNames(n *syntax.CallExpr) []string {
	if len(n.Args) == 0 {
		return nil
	}
	switch n.Args[0].Lit() {
	case "read", "mapfile", "readarray", "getopts", "export", "readonly", "local", "printf", "unset":
	default:
		return nil
	}
	var names []string
	for _, w := range n.Args[1:] {
		name, _, _ := strings.Cut(w.Lit(), "=")
		if name == "" && len(w.Parts) > 0 {
			if lit, ok := w.Parts[0].(*syntax.Lit); ok {
				name, _, _ = strings.Cut(lit.Value, "=")
			}
		}
		if syntax.ValidName(name) {
			names = append(names, name)
		}
	}
	return names
}

func (in *interp) changesDir(n syntax.Node) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			switch call.Args[0].Lit() {
			case "cd", "pushd", "popd":
				found = true
			}
		}
		return !found
	})
	return found
}

func (in *interp) binary(c *ctx, e *env, n *syntax.BinaryCmd) {
	switch n.Op {
	case syntax.Pipe, syntax.PipeAll:
		in.pipeline(c, e, n)
	case syntax.AndStmt, syntax.OrStmt:
		in.stmt(c, e, n.X)
		left := []*syntax.Stmt{n.X}
		g := Guard{
			Kind: GuardAnd, Pos: c.pos(n.X.Pos()), Text: c.source(n.X.Pos(), n.X.End()),
			Holds: in.condition(c, e, left), Tests: in.fileTests(c, e, left),
		}
		if n.Op == syntax.OrStmt {
			g.Kind, g.Holds, g.Tests = GuardOr, negate(g.Holds), nil
		}
		before, out := e.clone(), e.out
		in.stmt(c.with(g), e, n.Y)
		switch {
		case n.Op == syntax.AndStmt && e.capturing:
			// $(cd x && pwd): what it prints is what it prints on success.
		case g.Holds == TruthTrue:
		case g.Holds == TruthFalse:
			*e = *before
		default:
			if n.Op == syntax.OrStmt {
				e.out = out
				before.out = out
			}
			dir := e.dir
			in.merge(e, e.clone(), before)
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
	stdin := e.stdin
	for i := range stages {
		s := e.clone()
		s.stdin = stdin
		s.out, s.capturing = value{}, true
		sub := c.sub()
		sub.pipe = Pipe{Pos: c.pos(n.Pos()), Stage: i, Stages: len(stages)}
		in.stmt(sub, s, stages[len(stages)-1-i])
		stdin = s.out
	}
	if e.capturing {
		e.out = concat(e.out, stdin)
	}
}
