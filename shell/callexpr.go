package shell

import (
	"path"
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// invocation is a command about to be called: its words after expansion, and
// where each was written.
type invocation struct {
	node  syntax.Node // the place that the call is noted under
	words []Word
	vals  []value
	// nodes are the written words, nil where a word has none of its own.
	nodes   []*syntax.Word
	assigns []Assign
	redirs  []Redirect
	hdocs   []*syntax.Redirect
	// noFunc says that functions and builtins are out of reach: a wrapper is a
	// program of its own.
	noFunc   bool
	replaces bool // through exec
}

// callExpr runs a simple command.
func (in *interp) callExpr(c *ctx, e *env, n *syntax.CallExpr, redirs redirections) {
	if len(n.Args) == 0 {
		for _, a := range n.Assigns {
			in.assignment(c, e, a, "")
		}
		return
	}
	inv := &invocation{
		node: n, redirs: redirs.list, hdocs: redirs.hdocs,
		words: make([]Word, 0, len(n.Args)), vals: make([]value, 0, len(n.Args)), nodes: make([]*syntax.Word, 0, len(n.Args)),
	}
	// What a substitution within the words feeds is the command itself.
	inner := c
	for i, w := range n.Args {
		for _, f := range in.fields(inner, e, w) {
			inv.words = append(inv.words, in.word(c, w, f))
			inv.vals = append(inv.vals, f.val)
			inv.nodes = append(inv.nodes, w)
		}
		if i == 0 {
			inner = intoCommand(c, n, inv)
		}
	}
	for _, a := range n.Assigns {
		inv.assigns = append(inv.assigns, in.prefixAssign(c, e, a))
	}
	if len(inv.words) > 0 {
		in.invoke(c, e, inv)
	}
}

func intoCommand(c *ctx, n *syntax.CallExpr, inv *invocation) *ctx {
	if len(inv.words) == 0 {
		return c
	}
	for _, w := range n.Args[1:] {
		if hasSubst(w) {
			into := *c
			into.subst = Subst{Into: path.Base(inv.words[0].Value)}
			return &into
		}
	}
	return c
}

// hasSubst reports whether a substitution is among a word's own parts.
func hasSubst(w *syntax.Word) bool {
	return slices.ContainsFunc(w.Parts, func(p syntax.WordPart) bool {
		switch p := p.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			return true
		case *syntax.DblQuoted:
			return hasSubst(&syntax.Word{Parts: p.Parts})
		}
		return false
	})
}

// invoke runs a command that may be a function, a builtin, a wrapper or a
// program, and notes the call.
func (in *interp) invoke(c *ctx, e *env, inv *invocation) {
	name, known := inv.words[0].Literal()
	if !known {
		in.dynamicCall(c, e, inv)
		return
	}
	if def, ok := e.funcs.m[name]; ok && !inv.noFunc {
		in.note(c, e, inv, name, CallFunction)
		in.enter(c, e, inv, def)
		return
	}
	base := path.Base(name)
	if name == "" || name[len(name)-1] == '/' {
		base = name
	}
	if !inv.noFunc && isBuiltin(name) {
		if in.builtin(c, e, inv, name) {
			return
		}
	}
	if in.unwrap(c, e, inv, base) {
		return
	}
	kind := CallProgram
	if !inv.noFunc && isBuiltin(name) {
		kind = CallBuiltin
	}
	in.note(c, e, inv, base, kind)
	in.external(c, e, inv, base)
}

// dynamicCall is a command whose name is not known, or one of several.
func (in *interp) dynamicCall(c *ctx, e *env, inv *invocation) {
	if list := inv.words[0].Values; len(list) > 0 && !inv.noFunc {
		g := Guard{Kind: GuardCase, Text: inv.words[0].Text, Pos: inv.words[0].Pos}
		before := e.clone()
		for _, s := range list {
			one := *inv
			one.words, one.vals = slices.Clone(inv.words), slices.Clone(inv.vals)
			one.words[0].Value, one.words[0].Known, one.words[0].Values = s, true, nil
			one.vals[0] = literal(s)
			branch := before.clone()
			in.invoke(c.with(g), branch, &one)
			in.merge(e, e.clone(), branch)
		}
		return
	}
	if !inv.noFunc && inv.words[0].Value == "*" {
		in.dynamic = true
	}
	in.note(c, e, inv, "", CallDynamic)
	in.effect(c, e, Effect{Kind: EffectDynamic, Name: inv.words[0].Text, Pos: inv.words[0].Pos})
	in.child(c, e, inv, 0, "", nil)
	e.print(unknown())
}

// note adds a call to the record of the file in which it was written.
func (in *interp) note(c *ctx, e *env, inv *invocation, name string, kind CallKind) {
	in.argPaths(c, e, inv, name)
	if name == "[[" || name == "[" || name == "test" {
		in.testReads(c, inv)
	}
	in.add(c, e, inv, name, kind)
}

func (in *interp) newCall(c *ctx, e *env, inv *invocation, name string, kind CallKind) *Call {
	first, last := inv.words[0], inv.words[len(inv.words)-1]
	call := &Call{
		Name: name, Command: first, Args: inv.words[1:len(inv.words):len(inv.words)], Kind: kind,
		Pos: first.Pos, End: last.End, Func: c.fn, Guards: c.guards,
		Conditional: conditional(c.guards), Loop: inLoop(c.guards),
		Background: c.background, Subshell: c.subshell, Nested: c.isNested,
		Wrappers: c.wrappers, User: c.user, Assigns: inv.assigns, Redirects: inv.redirs,
		Pipe: c.pipe, Subst: c.subst,
	}
	if o := inv.vals[0].origin(); o != nil && o.site != nil {
		forwarded(call, o, c)
	}
	if call.End.Before(call.Pos) {
		call.End = first.End
	}
	if c.subst.Kind == SubstNone {
		call.Subst = Subst{}
	}
	if s, ok := e.dir.exact(); ok {
		call.Dir = s
	}
	return call
}

// forwarded turns the call of "$@" in a function into the call that its caller
// wrote: retry 3 apt-get update calls apt-get, through retry.
func forwarded(call *Call, o *argument, c *ctx) {
	call.Command.Pos, call.Command.End, call.Command.Text = o.word.Pos, o.word.End, o.word.Text
	call.Pos, call.End = o.word.Pos, o.word.End
	for _, w := range call.Args {
		if call.End.Before(w.End) && w.End.Line-call.Pos.Line < maxUnroll {
			call.End = w.End
		}
	}
	call.Func = o.site.fn
	call.Wrappers = append(slices.Clone(o.site.wrappers), Wrapper{Name: c.fn, Function: true, Pos: o.call})
	call.Wrappers = append(call.Wrappers, c.wrappers...)
	call.Guards = o.site.guards
	call.Conditional = call.Conditional || conditional(o.site.guards)
	call.Loop = inLoop(o.site.guards) // a function that tries again is no loop of the caller's
}
