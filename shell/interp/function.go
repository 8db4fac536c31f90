package interp

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// enter goes through a function's body with the arguments of a call.
func (in *interp) enter(c *ctx, e *env, inv *invocation, d *definition) {
	if !in.dry || in.alive {
		d.called = true
		d.ctx.rec.script.Functions[d.at].Called = true
	}
	if in.active[d.decl] || in.depth >= maxCalls || in.exhausted() {
		in.forgetChanged(e, d.decl)
		e.print(unknown())
		return
	}
	in.depth++
	in.active[d.decl] = true
	args, fixed := e.args, e.argsFixed
	e.setArgs(arguments(c, inv, 1))
	outer := *d.ctx
	outer.led(c.way())
	outer.background, outer.subshell, outer.tested = c.background, c.subshell, c.tested
	outer.pipe, outer.subst, outer.user = c.pipe, c.subst, c.user
	outer.wrappers = c.wrappers
	for _, a := range inv.assigns {
		if _, ok := e.get(a.Name); !ok {
			e.assign(a.Name, unknown())
		}
	}
	in.body(&outer, e, d)
	e.setArgs(args, fixed)
	delete(in.active, d.decl)
	in.depth--
}

// arguments makes positional parameters of an invocation's words, and tells how
// many of them are sure to be at their place.
func arguments(c *ctx, inv *invocation, from int) ([]argument, int) {
	fixed := -1
	args := make([]argument, 0, len(inv.words))
	for i := from; i < len(inv.words); i++ {
		if fixed < 0 && inv.words[i].Splits {
			fixed = len(args)
		}
		a := argument{val: inv.vals[i], word: inv.words[i], site: c, call: inv.words[0].Pos, callee: inv.words[0].Value, node: inv.nodes[i]}
		if o := a.val.origin(); o != nil {
			a = *o // handed on: it was written where it was written first
		}
		args = append(args, a)
	}
	for i := range args {
		if args[i].val.origin() == nil {
			args[i].val = args[i].val.from(&args[i])
		}
	}
	if fixed < 0 {
		fixed = len(args)
	}
	return args, fixed
}

// body goes through a function's body.
func (in *interp) body(c *ctx, e *env, d *definition) {
	d.seen = true
	n := *c
	n.fn = funcName(d.decl)
	n.led(n.outer)
	var returns []*env
	n.returns = &returns
	mark := len(e.locals)
	in.stmt(&n, e, d.decl.Body)
	in.returned(e, returns)
	for len(e.locals) > mark {
		l := e.locals[len(e.locals)-1]
		e.locals = e.locals[:len(e.locals)-1]
		if l.had {
			e.put(l.name, l.old)
		} else {
			e.remove(l.name)
		}
	}
}

// returned joins the states at the returns of a function or sourced file with
// the one at its end.
func (in *interp) returned(e *env, returns []*env) {
	if e.stop == stopReturn {
		e.stop = stopNone
		if len(returns) > 0 {
			*e = *returns[0]
			e.stop = stopNone
			returns = returns[1:]
		}
	}
	for _, r := range returns {
		r.stop = stopNone
		in.merge(e, e.clone(), r)
	}
	if e.stop == stopLoop {
		e.stop = stopNone
	}
}

func funcName(d *syntax.FuncDecl) string {
	if d.Name != nil {
		return d.Name.Value
	}
	return ""
}

// define notes a function.
func (in *interp) define(c *ctx, e *env, n *syntax.FuncDecl) {
	name := funcName(n)
	d, ok := c.rec.byDecl[n]
	if !ok {
		fc := *c
		fc.outer, fc.all = nil, fc.guards
		d = &definition{decl: n, ctx: &fc, at: len(c.rec.script.Functions)}
		c.rec.byDecl[n] = d
		c.rec.defs = append(c.rec.defs, d)
		c.rec.script.Functions = append(c.rec.script.Functions, shell.Function{
			Name: name, Pos: c.pos(n.Pos()), End: c.pos(n.End()),
		})
	}
	e.funcs = e.funcs.own()
	e.funcs.m[name] = d
}
