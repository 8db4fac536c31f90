package shell

import (
	"cmp"
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// record collects what one file does while the interpreter goes through it,
// possibly several times.
type record struct {
	path    string
	abs     string // its place in the script's file system, with marks
	tree    *tree
	script  *Script
	defs    []*definition
	byDecl  map[*syntax.FuncDecl]*definition
	calls   map[callKey]int
	visits  []visit
	paths   map[pathKey]int
	once    map[any]bool
	assigns map[assignKey]int
}

// definition is a function as it was met in a file.
type definition struct {
	decl *syntax.FuncDecl
	ctx  *ctx
	seen bool
	at   int // index into Script.Functions
}

// callKey tells calls apart: the same place may run different commands when
// the name comes from a parameter.
type callKey struct {
	node syntax.Node
	at   Pos
	name string
}

// visit is what the ways that led to a call have in common.
type visit struct {
	conditional bool // every way is conditional
	live        bool // some way is not a dry one
}

type pathKey struct {
	pos    Pos
	path   string
	access Access
}

func (in *interp) record(path string, t *tree) *record {
	if rec, ok := in.records[path]; ok {
		return rec
	}
	script := t.head
	rec := &record{
		path: path, tree: t, script: &script, abs: holeText,
		byDecl:  map[*syntax.FuncDecl]*definition{},
		calls:   map[callKey]int{},
		paths:   map[pathKey]int{},
		once:    map[any]bool{},
		assigns: map[assignKey]int{},
	}
	if abs, ok := in.opts.Absolute(path); ok {
		rec.abs = abs
	}
	in.records[path] = rec
	in.order = append(in.order, rec)
	return rec
}

// first reports whether key is met for the first time, so that what a place
// says is noted once.
func (r *record) first(key any) bool {
	if r.once[key] {
		return false
	}
	r.once[key] = true
	return true
}

// add notes a call, or merges it with what is known of it.
func (in *interp) add(rec *record, node syntax.Node, call *Call, c *ctx) {
	key := callKey{node: node, at: call.Pos, name: call.Name}
	v := visit{conditional: call.Conditional || conditional(c.outer), live: !in.dry}
	i, ok := rec.calls[key]
	if !ok {
		rec.calls[key] = len(rec.script.Calls)
		rec.script.Calls = append(rec.script.Calls, *call)
		rec.visits = append(rec.visits, v)
		return
	}
	old := &rec.script.Calls[i]
	old.Args, old.Merged = mergeArgs(old.Args, call.Args, old.Merged)
	for j := range min(len(old.Redirects), len(call.Redirects)) {
		mergeWord(&old.Redirects[j].Target, call.Redirects[j].Target)
		mergeWord(&old.Redirects[j].Body, call.Redirects[j].Body)
	}
	if old.Dir != call.Dir {
		old.Dir = ""
	}
	if old.User != call.User {
		old.User = ""
	}
	for j := range min(len(old.Guards), len(call.Guards)) {
		if old.Guards[j].Holds != call.Guards[j].Holds {
			// The slice may be shared with other calls.
			old.Guards = slices.Clone(old.Guards)
			old.Guards[j].Holds = TruthUnknown
		}
	}
	rec.visits[i].conditional = rec.visits[i].conditional && v.conditional
	rec.visits[i].live = rec.visits[i].live || v.live
}

// mergeArgs is the union of the arguments of two visits.
func mergeArgs(a, b []Word, merged bool) ([]Word, bool) {
	if len(a) == len(b) && !merged {
		for i := range a {
			mergeWord(&a[i], b[i])
		}
		return a, false
	}
	for _, w := range b {
		if len(a) >= maxElements {
			break
		}
		if !slices.ContainsFunc(a, func(x Word) bool { return sameValue(x, w) }) {
			a = append(a, w)
		}
	}
	return a, true
}

func sameValue(a, b Word) bool {
	return a.Value == b.Value && a.Known == b.Known && a.Glob == b.Glob && slices.Equal(a.Values, b.Values)
}

// mergeWord makes a the word that a visit saw or that another one saw.
func mergeWord(a *Word, b Word) {
	if sameValue(*a, b) {
		a.Splits = a.Splits || b.Splits
		return
	}
	x, y := a.Choices(), b.Choices()
	a.Splits = a.Splits || b.Splits
	a.Assumed = a.Assumed || b.Assumed
	a.Known, a.Glob = false, a.Glob && b.Glob
	if len(x) == 0 || len(y) == 0 {
		a.Value, a.Values = "*", nil
		return
	}
	v := fromChoices(slices.Concat(x, y), 0)
	if v.isUnknown() {
		a.Value, a.Values = "*", nil
		return
	}
	a.Values = v.choices()
	a.Value = output(v.summary())
}

// conditional reports whether a guard other than a loop is among guards.
func conditional(guards []Guard) bool {
	return slices.ContainsFunc(guards, func(g Guard) bool { return !g.IsLoop() && g.Holds != TruthTrue })
}

func inLoop(guards []Guard) bool { return slices.ContainsFunc(guards, Guard.IsLoop) }

// finish brings what was met into its final order.
func (in *interp) finish() {
	for _, rec := range in.order {
		s := rec.script
		for i := range s.Calls {
			s.Calls[i].Conditional = s.Calls[i].Conditional || rec.visits[i].conditional
			s.Calls[i].Unreached = !rec.visits[i].live && !in.dynamic
		}
		slices.SortStableFunc(s.Calls, func(a, b Call) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Sources, func(a, b Source) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Children, func(a, b Child) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Functions, func(a, b Function) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Assigns, func(a, b Assign) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Paths, func(a, b PathRef) int { return comparePos(a.Pos, b.Pos) })
	}
}

func comparePos(a, b Pos) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// word makes a Word of an expanded field that was written as w.
func (in *interp) word(c *ctx, w *syntax.Word, f field) Word {
	out := Word{
		Pos: c.pos(w.Pos()), End: c.pos(w.End()), Splits: f.splits,
		Text:    c.source(w.Pos(), w.End()),
		Quoted:  isQuoted(w),
		Assumed: f.val.flags&flagAssumed != 0,
	}
	fill(&out, f.val)
	if a := f.val.origin; a != nil && a.site != nil && a.site.rec == c.rec && a.word.Pos.IsValid() {
		out.Pos, out.End, out.Text, out.Quoted = a.word.Pos, a.word.End, a.word.Text, a.word.Quoted
	}
	return out
}

// fill sets what a Word tells of its value.
func fill(w *Word, v value) {
	if v.isArr {
		v = unknown()
	}
	s := v.summary()
	w.Value = output(s)
	w.Glob = hasGlob(s)
	w.Known = len(v.more) == 0 && !hasHole(s)
	if len(v.more) == 0 {
		return
	}
	for _, s := range v.choices() {
		if hasMark(s) {
			return
		}
	}
	w.Values = v.choices()
}

func isQuoted(w *syntax.Word) bool {
	if len(w.Parts) == 0 {
		return false
	}
	for _, part := range w.Parts {
		switch part.(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted:
		default:
			return false
		}
	}
	return true
}

// effect notes what the script does to its own shell.
func (in *interp) effect(c *ctx, e *env, ef Effect) {
	if in.dry || e.stop != stopNone {
		return
	}
	ef.Children = len(in.prog.Children)
	ef.From = c.rec.path
	ef.Guards = c.way()
	ef.Conditional = conditional(ef.Guards)
	ef.Subshell = c.subshell
	in.prog.Effects = append(in.prog.Effects, ef)
}

// readsAll notes a read of variables that nobody can enumerate.
func (in *interp) readsAll(c *ctx, n syntax.Node) { in.readsAllAt(c, c.pos(n.Pos())) }

func (in *interp) readsAllAt(c *ctx, pos Pos) {
	if at := c.rec.script.readsAll; !at.IsValid() || pos.Before(at) {
		c.rec.script.readsAll = pos
	}
}
