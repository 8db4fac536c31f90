package interp

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// assignment runs one assignment. decl is the declaring builtin, "" for a plain
// assignment.
func (in *interp) assignment(c *ctx, e *env, a *syntax.Assign, decl string) {
	if a.Name == nil {
		if a.Value != nil {
			in.single(c, e, a.Value)
		}
		return
	}
	out := shell.Assign{
		Name: a.Name.Value, Append: a.Append, Naked: a.Naked, Array: a.Array != nil,
		Pos: c.pos(a.Pos()), End: c.pos(a.End()),
	}
	var v value
	inner := *c
	inner.subst = shell.Subst{}
	switch {
	case a.Naked:
	case a.Array != nil:
		v = in.array(&inner, e, a.Array, &out)
	case a.Value != nil:
		v = in.single(&inner, e, a.Value)
		out.Value = in.word(c, a.Value, field{val: v})
		in.path(c, e, &out.Value, v, shell.AccessMention)
	default:
		out.Value = shell.Word{Known: true, Pos: out.End, End: out.End}
	}
	if a.Index != nil {
		in.visitArithm(c, e, a.Index)
		v = in.assignElement(e, a, v)
		out.Append = false
	}
	in.set(c, e, out, v, decl)
}

func (in *interp) array(c *ctx, e *env, a *syntax.ArrayExpr, out *shell.Assign) value {
	var elems []value
	flags := flag(0)
	for _, elem := range a.Elems {
		if elem.Index != nil {
			in.visitArithm(c, e, elem.Index)
			flags |= flagOpen
		}
		if elem.Value == nil {
			continue
		}
		for _, f := range in.fields(c, e, elem.Value) {
			if f.splits {
				flags |= flagOpen
			}
			w := in.word(c, elem.Value, f)
			out.Elements = append(out.Elements, w)
			in.path(c, e, &w, f.val, shell.AccessMention)
			elems = append(elems, f.val)
		}
	}
	return array(elems, flags)
}

// assignElement is a[i]=v: the array stays, with an element that may be v.
func (in *interp) assignElement(e *env, a *syntax.Assign, v value) value {
	old, _ := in.lookup(e, a.Name.Value)
	return array(append(slices.Clone(old.val.elems()), v), flagOpen)
}

// set gives a variable its value and notes the assignment.
func (in *interp) set(c *ctx, e *env, a shell.Assign, v value, decl string) {
	old, had := e.get(a.Name)
	if decl == "local" {
		e.locals = append(e.locals, saved{name: a.Name, old: old, had: had})
		a.Local = true
		old = variable{val: value{}}
	} else if !had {
		old, had = in.lookup(e, a.Name)
	}
	switch {
	case a.Append && (had && !old.unset || e.opaque || shellSets(a.Name)):
		v = appended(old.val, v)
	case a.Append:
		v.flags |= flagAssumed // that nobody has set it before
	}
	n := old
	if !a.Naked {
		n.val, n.unset = v, false
		n.pos, n.from = a.Pos, c.rec.path
	}
	switch decl {
	case "export":
		n.exported = true
	case "readonly":
		n.readonly = true
	}
	n.exported = n.exported || e.allexport && !a.Naked
	a.Exported, a.ReadOnly = n.exported, decl == "readonly"
	a.Func, a.Guards = c.fn, c.guards
	switch {
	case old.nameref:
		e.forget()
	case !old.readonly:
		e.put(a.Name, n)
	}
	if n.exported && a.Name != "" {
		w := a.Value
		if a.Naked { // export X: what it has
			fill(&w, n.val)
		}
		in.effect(c, e, shell.Effect{Kind: shell.EffectExport, Name: a.Name, Value: w.Value, Known: w.Known, Pos: a.Pos})
	}
	if c.rec.first(onceAssign, a.Pos, a.Name) {
		c.rec.script.Assigns = append(c.rec.script.Assigns, a)
		c.rec.assignAt(a)
		return
	}
	in.mergeAssign(c.rec, a)
}

type assignKey struct {
	pos  shell.Pos
	name string
}

func (r *record) assignAt(a shell.Assign) {
	r.assigns[assignKey{a.Pos, a.Name}] = len(r.script.Assigns) - 1
}

func (in *interp) mergeAssign(r *record, a shell.Assign) {
	old := &r.script.Assigns[r.assigns[assignKey{a.Pos, a.Name}]]
	mergeWord(&old.Value, &a.Value)
	old.Elements, _ = mergeArgs(old.Elements, a.Elements, false)
	old.Exported = old.Exported || a.Exported
}

func appended(old, v value) value {
	elems := old.elems()
	switch {
	case !old.isArr() && !v.isArr():
		return concat(old, v)
	case !old.isArr():
		elems = []value{old}
	case !v.isArr() && (len(elems) == 0 || old.flags&flagOpen != 0):
		return unknownArray()
	case !v.isArr(): // a string is appended to the first element
		elems = slices.Clone(elems)
		elems[0] = concat(elems[0], v)
		return array(elems, old.flags)
	}
	if len(elems)+len(v.elems()) > maxElements {
		return unknownArray()
	}
	return array(slices.Concat(elems, v.elems()), old.flags|v.flags)
}

// prefixAssign is an assignment in front of a command: it lasts for that alone.
func (in *interp) prefixAssign(c *ctx, e *env, a *syntax.Assign) shell.Assign {
	out := shell.Assign{Pos: c.pos(a.Pos()), End: c.pos(a.End()), Func: c.fn, Guards: c.guards, Append: a.Append, Exported: true}
	if a.Name != nil {
		out.Name = a.Name.Value
	}
	if a.Value != nil {
		v := in.single(c, e, a.Value)
		out.Value = in.word(c, a.Value, field{val: v})
		in.path(c, e, &out.Value, v, shell.AccessMention)
	}
	return out
}

// declClause is export, readonly, local, declare and their kin as bash parses
// them.
func (in *interp) declClause(c *ctx, e *env, n *syntax.DeclClause, redirs redirections) {
	name := n.Variant.Value
	command := shell.Word{Value: name, Text: name, Known: true, Pos: c.pos(n.Pos()), End: c.pos(n.Variant.End())}
	inv := &invocation{node: n, words: []shell.Word{command}, vals: []value{literal(name)}, nodes: []*syntax.Word{nil}, redirs: redirs.list}
	flags := ""
	count := len(c.rec.script.Assigns)
	var list []*syntax.Assign
	names := 0
	for _, a := range n.Args {
		switch {
		case a.Name != nil:
			names++
			list = append(list, a)
			inv.words = append(inv.words, shell.Word{
				Text: c.source(a.Pos(), a.End()), Value: a.Name.Value, Known: true,
				Pos: c.pos(a.Pos()), End: c.pos(a.End()),
			})
			inv.vals = append(inv.vals, literal(a.Name.Value))
			inv.nodes = append(inv.nodes, nil)
		case a.Value != nil:
			for _, f := range in.fields(c, e, a.Value) {
				w := in.word(c, a.Value, f)
				if s, ok := w.Literal(); ok && strings.HasPrefix(s, "-") {
					flags += s[1:]
				} else {
					names++
					in.declWord(c, e, w, f.val, declKind(name, flags, c.fn))
				}
				inv.words = append(inv.words, w)
				inv.vals = append(inv.vals, f.val)
				inv.nodes = append(inv.nodes, a.Value)
			}
		}
	}
	if strings.Contains(flags, "f") {
		for _, a := range list { // functions
			in.effect(c, e, shell.Effect{Kind: shell.EffectExport, Name: a.Name.Value + "()", Pos: c.pos(a.Pos())})
		}
		list = nil
	}
	for _, a := range list {
		in.assignment(c, e, a, declKind(name, flags, c.fn))
		if strings.Contains(flags, "n") && a.Value != nil && !isLiteral(a.Value) {
			in.readsAllAt(c, command.Pos) // another name for a variable that is not known
		}
		if v, ok := e.get(a.Name.Value); ok && strings.Contains(flags, "n") {
			v.nameref = true
			e.put(a.Name.Value, v)
		}
	}
	if n := len(c.rec.script.Assigns); n > count {
		inv.assigns = c.rec.script.Assigns[count:n:n]
	}
	if strings.Contains(flags, "p") || names == 0 && (flags == "" || strings.Trim(flags, "xrgaAi") == "") {
		if names == 0 {
			in.readsAllAt(c, command.Pos)
		}
	}
	in.note(c, e, inv, name, shell.CallBuiltin)
}

// declKind is what a declaration does to its variables.
func declKind(name, flags, fn string) string {
	switch {
	case name == "export":
		return "export"
	case name == "readonly", strings.Contains(flags, "r"):
		return "readonly"
	case strings.Contains(flags, "x"):
		return "export"
	case name == "local", (name == "declare" || name == "typeset") && fn != "" && !strings.Contains(flags, "g"):
		return "local"
	}
	return name
}

// declWord is a declaration whose text is a word like any other: all of them
// in a POSIX shell, "$name=value" in bash.
func (in *interp) declWord(c *ctx, e *env, w shell.Word, v value, kind string) {
	s, ok := v.single()
	if !ok {
		e.forget() // export $(cat file): any variable
		return
	}
	name, val, assigned := strings.Cut(s, "=")
	if !syntax.ValidName(name) {
		if hasHole(name) {
			e.forget()
		}
		return
	}
	a := shell.Assign{Name: name, Naked: !assigned, Pos: w.Pos, End: w.End}
	rest := value{s: val, flags: v.flags}
	if assigned {
		a.Value = w
		fill(&a.Value, rest)
	}
	in.set(c, e, a, rest, kind)
}
