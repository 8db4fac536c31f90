package interp

import (
	"path"
	"slices"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// invocation is a command about to be called: its words after expansion, and
// where each was written.
type invocation struct {
	node  syntax.Node // the place that the call is noted under
	words []shell.Word
	vals  []value
	// nodes are the written words, nil where a word has none of its own.
	nodes   []*syntax.Word
	assigns []shell.Assign
	redirs  []shell.Redirect
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
	inv := &invocation{node: n, redirs: redirs.list, hdocs: redirs.hdocs}
	mark := len(in.words)
	// What a substitution within the words feeds is the command itself.
	inner := c
	for i, w := range n.Args {
		for _, f := range in.fields(inner, e, w) {
			in.words = append(in.words, in.word(c, w, f))
			in.vals = append(in.vals, f.val)
			in.nodes = append(in.nodes, w)
		}
		if i == 0 && len(in.words) > mark {
			inner = intoCommand(c, n, in.words[mark].Value)
		}
	}
	top := len(in.words)
	inv.words, inv.vals, inv.nodes = in.words[mark:top:top], in.vals[mark:top:top], in.nodes[mark:top:top]
	for _, a := range n.Assigns {
		inv.assigns = append(inv.assigns, in.prefixAssign(c, e, a))
	}
	if len(inv.words) > 0 {
		in.invoke(c, e, inv)
	}
	in.words, in.vals, in.nodes = in.words[:mark], in.vals[:mark], in.nodes[:mark]
}

func intoCommand(c *ctx, n *syntax.CallExpr, command string) *ctx {
	for _, w := range n.Args[1:] {
		if hasSubst(w) {
			into := *c
			into.subst = shell.Subst{Into: path.Base(command)}
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
		in.note(c, e, inv, name, shell.CallFunction)
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
	kind := shell.CallProgram
	if !inv.noFunc && isBuiltin(name) {
		kind = shell.CallBuiltin
	}
	in.note(c, e, inv, base, kind)
	in.external(c, e, inv, base)
}

// dynamicCall is a command whose name is not known, or one of several.
func (in *interp) dynamicCall(c *ctx, e *env, inv *invocation) {
	if list := inv.words[0].Values; len(list) > 0 && !inv.noFunc {
		g := shell.Guard{Kind: shell.GuardCase, Text: inv.words[0].Text, Pos: inv.words[0].Pos}
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
	in.note(c, e, inv, "", shell.CallDynamic)
	in.effect(c, e, shell.Effect{Kind: shell.EffectDynamic, Name: inv.words[0].Text, Pos: inv.words[0].Pos})
	in.child(c, e, inv, 0, "", nil)
	e.print(unknown())
}

// note adds a call to the record of the file in which it was written.
func (in *interp) note(c *ctx, e *env, inv *invocation, name string, kind shell.CallKind) {
	in.argPaths(c, e, inv, name)
	if name == "[[" || name == "[" || name == "test" {
		in.testReads(c, inv)
	}
	in.add(c, e, inv, name, kind)
}

func (in *interp) newCall(c *ctx, e *env, inv *invocation, name string, kind shell.CallKind) *shell.Call {
	call := &shell.Call{
		Name: name, Command: inv.words[0], Args: slices.Clone(inv.words[1:]), Kind: kind,
		Pos: inv.words[0].Pos, End: inv.end(), Func: c.fn, Guards: c.guards,
		Conditional: conditional(c.guards), Loop: inLoop(c.guards),
		Background: c.background, Subshell: c.subshell, Nested: c.nested != nil,
		Wrappers: c.wrappers, User: c.user, Assigns: inv.assigns, Redirects: inv.redirs,
		Pipe: c.pipe, Subst: c.subst, Errexit: e.errexit && !c.tested && c.subst.Kind == shell.SubstNone,
	}
	if c.subst.Kind == shell.SubstNone {
		call.Subst = shell.Subst{}
	}
	if s, ok := e.dir.exact(); ok {
		call.Dir = s
	}
	return call
}

// end is where an invocation ends: with its last word that is written at the
// same place as the command, rather than handed on from another.
func (inv *invocation) end() shell.Pos {
	handed := inv.vals[0].origin() != nil
	end := inv.words[0].End
	for i := range inv.words {
		if (inv.vals[i].origin() != nil) == handed && end.Before(inv.words[i].End) {
			end = inv.words[i].End
		}
	}
	return end
}

// forwarded is the call's origin when "$@" in a function makes the call that
// the function's caller wrote: retry 3 apt-get update calls apt-get.
func (inv *invocation) forwarded(kind shell.CallKind) *argument {
	if o := inv.vals[0].origin(); kind != shell.CallDynamic && o != nil && o.site != nil {
		return o
	}
	return nil
}

// moved returns a forwarded invocation with its words where the caller wrote
// them.
func (inv *invocation) moved(o *argument) *invocation {
	n := *inv
	n.words = slices.Clone(inv.words)
	for i := range n.words {
		w := o.word
		if a := n.vals[i].origin(); a != nil && a.site != nil && a.site.rec == o.site.rec {
			w = a.word
		}
		n.words[i].Pos, n.words[i].End, n.words[i].Text = w.Pos, w.End, w.Text
	}
	return &n
}

// forward turns a call into one of the function's caller, through the function.
func forward(c *shell.Call, o *argument, at *ctx) {
	c.Func = o.site.fn
	c.Wrappers = append(slices.Clone(o.site.wrappers), shell.Wrapper{Name: o.callee, Function: true, Pos: o.call})
	c.Wrappers = append(c.Wrappers, at.wrappers...)
	c.Guards = o.site.guards
	c.Conditional = c.Conditional || conditional(o.site.guards)
	c.Loop = inLoop(o.site.guards) // a function that tries again is no loop of the caller's
}
