package interp

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// child notes a script that is run as a process of its own: word at of an
// invocation, by an interpreter or by itself. It reports whether it is one.
func (in *interp) child(c *ctx, e *env, inv *invocation, at int, interpreter string, opts []shell.Word) bool {
	v := resolve(e.dir, inv.vals[at])
	if interpreter == "" && !strings.Contains(inv.words[at].Value, "/") && !slices.ContainsFunc(inv.words[at].Values, hasSlash) {
		return false
	}
	found := false
	for _, s := range v.choices() {
		ch := shell.Child{
			Word: inv.words[at], From: c.rec.path, Interpreter: interpreter, InterpreterArgs: slices.Clone(opts),
			Args: slices.Clone(inv.words[at+1:]), Assigns: inv.assigns, Redirects: inv.redirs,
			User: c.user, Wrappers: c.wrappers, Exec: inv.replaces,
			Pos: inv.words[0].Pos, End: inv.end(), Func: c.fn,
			Guards: c.way(), Background: c.background, Subshell: c.subshell, Pipe: c.pipe, Tested: c.tested,
			Optional: optional(c, e, inv.words[at]), Glob: hasMark(s) && s != holeText, Unordered: v.flags&flagUnordered != 0,
		}
		if s != holeText && s != "" {
			ch.Absolute = output(s)
			ch.Path, ch.InContext = in.contextOf(s)
		}
		if !ch.InContext && (interpreter == "" || ch.Absolute != "" && !ch.Glob) {
			continue
		}
		ch.Conditional, ch.Loop = conditional(ch.Guards), inLoop(ch.Guards)
		if dir, ok := e.dir.exact(); ok {
			ch.Dir = dir
		}
		found = true
		if ch.Absolute == "" {
			in.readsAllAt(c, ch.Pos)
		}
		in.addChild(c, e, &ch)
	}
	return found
}

func hasSlash(s string) bool { return strings.Contains(s, "/") }

func (in *interp) addChild(c *ctx, e *env, ch *shell.Child) {
	ch.Env = in.exported(e)
	if c.rec.first(onceChild, ch.Pos, ch.Absolute) {
		c.rec.script.Children = append(c.rec.script.Children, *ch)
	}
	if in.dry || e.stop != stopNone {
		return
	}
	in.prog.Children = append(in.prog.Children, *ch)
	env := map[string]*variable{}
	for name, v := range e.vars.m {
		if v.exported || v.unset {
			env[name] = v
		}
	}
	for _, a := range ch.Assigns {
		v := unknown()
		if s, ok := a.Value.Literal(); ok {
			v = literal(s)
		}
		env[a.Name] = &variable{val: v, exported: true}
	}
	in.childEnv = append(in.childEnv, env)
}

// exported lists the variables that a child sees, as far as the script has set
// them itself.
func (in *interp) exported(e *env) []shell.EnvVar {
	var out []shell.EnvVar
	for name, v := range e.vars.m {
		if !v.exported || v.unset || v.from == "" {
			continue
		}
		ev := shell.EnvVar{Name: name, Pos: v.pos, From: v.from}
		fill(&ev.Value, v.val)
		ev.Value.Pos = v.pos
		out = append(out, ev)
	}
	slices.SortFunc(out, func(a, b shell.EnvVar) int { return strings.Compare(a.Name, b.Name) })
	return out
}
