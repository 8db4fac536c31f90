package interp

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

func (in *interp) whileClause(c *ctx, e *env, n *syntax.WhileClause) {
	in.forgetChanged(e, n)
	in.stmts(c.inTest(), e, n.Cond)
	g := shell.Guard{Kind: shell.GuardWhile, Pos: c.pos(n.WhilePos)}
	if len(n.Cond) > 0 {
		g.Text = strings.TrimRight(c.source(n.Cond[0].Pos(), n.Cond[len(n.Cond)-1].End()), "; \t\n")
	}
	in.looped(c, e, n.Do, g)
}

// loopExits are the states at the break and continue of a loop's body.
type loopExits struct {
	outer        *loopExits
	breaks, next []*env
}

// inBody returns the context of a loop's body.
func (c *ctx) inBody(g shell.Guard) (*ctx, *loopExits) {
	n := c.with(g)
	n.loop = &loopExits{outer: c.loop}
	return n, n.loop
}

// round ends one round of a loop: what was continued goes on with the next.
func (in *interp) round(e *env, exits *loopExits) {
	in.rejoin(e, exits.next)
	exits.next = nil
}

// rejoin joins a state with those at which a way left a construct early.
func (in *interp) rejoin(e *env, list []*env) {
	for _, s := range list {
		s.stop = stopNone
		in.merge(e, e.clone(), s)
	}
}

// looped goes through a body of which nobody knows how often it runs.
func (in *interp) looped(c *ctx, e *env, body []*syntax.Stmt, g shell.Guard) {
	g.Open = true
	n, exits := c.inBody(g)
	s := e.clone()
	in.stmts(n, s, body)
	in.round(s, exits)
	in.afterLoop(e, s)
	in.rejoin(e, exits.breaks)
}

// afterLoop joins the state after a loop's body, which may not have run, with
// the one before.
func (in *interp) afterLoop(e, body *env) {
	if body.stop != stopNone {
		return // the body always leaves; what follows runs only without it
	}
	in.merge(e, body, e.clone())
}

func (in *interp) forClause(c *ctx, e *env, n *syntax.ForClause) {
	g := shell.Guard{Kind: shell.GuardFor, Pos: c.pos(n.ForPos)}
	switch loop := n.Loop.(type) {
	case *syntax.CStyleLoop:
		g.Text = c.source(loop.Lparen, loop.Rparen)
		for _, x := range []syntax.ArithmExpr{loop.Init, loop.Cond, loop.Post} {
			in.visitArithm(c, e, x)
		}
		in.forgetChanged(e, n)
		in.looped(c, e, n.Do, g)
	case *syntax.WordIter:
		in.forWords(c, e, n, loop, g)
	}
}

// forWords follows a loop over words. A list that is known is gone through
// element by element, as the shell does.
func (in *interp) forWords(c *ctx, e *env, n *syntax.ForClause, loop *syntax.WordIter, g shell.Guard) {
	var items []field
	if loop.InPos.IsValid() {
		for _, w := range loop.Items {
			for _, f := range in.fields(c, e, w) {
				item := in.word(c, w, f)
				in.path(c, e, &item, f.val, shell.AccessMention)
				items = append(items, f)
			}
		}
		if len(loop.Items) > 0 {
			g.Text = c.source(loop.Items[0].Pos(), loop.Items[len(loop.Items)-1].End())
		}
	} else {
		g.Text = `"$@"`
		x := expander{in: in, c: c, e: e}
		mark := len(in.made)
		x.elements(in.allArgs(e, "@"), true)
		x.flush()
		items = slices.Clone(in.take(mark))
	}
	g.Var = loop.Name.Value
	items = in.matches(e, items)
	open := false
	for _, f := range items {
		open = open || f.splits || hasMark(f.val.s)
	}
	if len(items) > maxUnroll || n.Select || in.exhausted() {
		in.forgetChanged(e, n)
		var all value
		for i, f := range items {
			if i == 0 {
				all = f.val
			} else {
				all = join(all, f.val)
			}
		}
		e.assign(g.Var, all)
		in.looped(c, e, n.Do, g)
		return
	}
	g.Open = open
	body, exits := c.inBody(g)
	if len(items) == 0 { // still read once, so that its commands are known
		dry := in.dry
		in.dry = true
		in.stmts(body, e.clone(), n.Do)
		in.dry = dry
		return
	}
	before := e.clone()
	if open {
		in.forgetChanged(e, n) // an unknown number of rounds
	}
	for _, f := range items {
		e.assign(g.Var, f.val)
		in.stmts(body, e, n.Do)
		in.round(e, exits)
		if e.stop != stopNone {
			break
		}
	}
	in.rejoin(e, exits.breaks)
	if open {
		in.merge(e, e.clone(), before)
	}
}

// matches replaces patterns by the files that they match, where that is known.
// A pattern that matches nothing stays, as the shell has it.
func (in *interp) matches(e *env, items []field) []field {
	if in.opts.Glob == nil {
		return items
	}
	var out []field
	for _, f := range items {
		files, ok := in.expandGlob(e, f)
		if !ok {
			out = append(out, f)
			continue
		}
		for _, name := range files {
			out = append(out, field{val: literal(name)})
		}
	}
	return out
}

func (in *interp) expandGlob(e *env, f field) ([]string, bool) {
	s, ok := f.val.single()
	if !ok || !hasGlob(s) || hasHole(s) || f.val.flags&flagAssumed != 0 {
		return nil, false
	}
	abs, ok := resolve(e.dir, f.val).single()
	if !ok {
		return nil, false
	}
	files, ok := in.opts.Glob(output(abs))
	if !ok || len(files) == 0 {
		return nil, false
	}
	if s[0] == '/' {
		return files, true
	}
	dir, ok := e.dir.exact()
	if !ok {
		return nil, false
	}
	here := "" // of ./*.sh it is ./ that makes a name executable
	if strings.HasPrefix(s, "./") {
		here = "./"
	}
	names := make([]string, len(files))
	for i, name := range files {
		rest, ok := below(name, dir)
		if !ok {
			return nil, false
		}
		names[i] = here + rest
	}
	return names, true
}
