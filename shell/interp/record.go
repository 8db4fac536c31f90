package interp

import (
	"cmp"
	"slices"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// record collects what one file does while the interpreter goes through it,
// possibly several times.
type record struct {
	path   string
	abs    string // its place in the script's file system, with marks
	tree   *parsedFile
	script *shell.Script
	// entered says that the file has been gone through; site is where it was
	// first sourced.
	entered bool
	site    *ctx
	defs    []*definition
	byDecl  map[*syntax.FuncDecl]*definition
	calls   map[callKey]*visit
	visits  []*visit
	given   map[pathKey]bool // paths as they were written
	paths   map[pathKey]int
	once    map[onceKey]bool
	assigns map[assignKey]int
}

// definition is a function as it was met in a file.
type definition struct {
	decl *syntax.FuncDecl
	ctx  *ctx
	// seen says that the body has been gone through, called that there is a
	// call of the function.
	seen, called bool
	at           int // index into Script.Functions
}

// callKey tells calls apart: the same place may run different commands when
// the name comes from a parameter.
type callKey struct {
	node syntax.Node
	at   shell.Pos
	name string
}

// visit is a call, and what the ways that led to it have in common.
type visit struct {
	call        *shell.Call
	conditional bool // every way is conditional
	live        bool // some way is not a dry one
}

// onceKey is what a place says of one thing.
type onceKey struct {
	what onceKind
	pos  shell.Pos
	text string
}

type onceKind int

const (
	onceAssign onceKind = iota
	onceSource
	onceChild
)

type pathKey struct {
	pos    shell.Pos
	path   string
	access shell.Access
}

func (in *interp) record(path string, t *parsedFile) *record {
	if rec, ok := in.records[path]; ok {
		return rec
	}
	script := t.head
	rec := &record{
		path: path, tree: t, script: &script, abs: holeText,
		byDecl:  map[*syntax.FuncDecl]*definition{},
		calls:   make(map[callKey]*visit, t.calls),
		paths:   map[pathKey]int{},
		given:   map[pathKey]bool{},
		once:    map[onceKey]bool{},
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
func (r *record) first(what onceKind, pos shell.Pos, text string) bool {
	key := onceKey{what, pos, text}
	if r.once[key] {
		return false
	}
	r.once[key] = true
	return true
}

// add notes a call in the file in which it is written, or merges it with what
// is known of it.
func (in *interp) add(c *ctx, e *env, inv *invocation, name string, kind shell.CallKind) {
	rec, guards := c.rec, c.guards
	o := inv.forwarded(kind)
	if o != nil {
		rec, guards, inv = o.site.rec, o.site.guards, inv.moved(o)
	}
	node := inv.node
	if c.nested != nil {
		node = c.nested // the text may be parsed anew for other values
	}
	key := callKey{node: node, at: inv.words[0].Pos, name: name}
	if old, ok := rec.calls[key]; ok {
		old.conditional = old.conditional && (old.call.Conditional || conditional(c.outer))
		old.live = old.live || in.live(e)
		merge(old.call, c, e, inv, guards)
		return
	}
	call := in.newCall(c, e, inv, name, kind)
	if o != nil {
		forward(call, o, c)
	}
	v := &visit{call: call, conditional: call.Conditional || conditional(c.outer), live: in.live(e)}
	rec.calls[key] = v
	rec.visits = append(rec.visits, v)
}

// live reports whether what is read now can happen.
func (in *interp) live(e *env) bool { return (!in.dry || in.alive) && e.stop == stopNone }

// merge adds what another visit saw.
func merge(c *shell.Call, at *ctx, e *env, inv *invocation, guards []shell.Guard) {
	c.Args, c.Merged = mergeArgs(c.Args, inv.words[1:], c.Merged)
	for j := range min(len(c.Redirects), len(inv.redirs)) {
		mergeWord(&c.Redirects[j].Target, &inv.redirs[j].Target)
		mergeWord(&c.Redirects[j].Body, &inv.redirs[j].Body)
	}
	if dir, _ := e.dir.exact(); c.Dir != dir {
		c.Dir = ""
	}
	c.Errexit = c.Errexit && e.errexit && !at.tested
	if c.User != at.user {
		c.User = ""
	}
	for j := range min(len(c.Guards), len(guards)) {
		if c.Guards[j].Holds != guards[j].Holds {
			// The slice may be shared with other calls.
			c.Guards = slices.Clone(c.Guards)
			c.Guards[j].Holds = shell.TruthUnknown
		}
	}
}

// mergeArgs is the union of the arguments of two visits.
func mergeArgs(a, b []shell.Word, merged bool) ([]shell.Word, bool) {
	if len(a) == len(b) && !merged {
		for i := range a {
			mergeWord(&a[i], &b[i])
		}
		return a, false
	}
	for i := range b {
		if len(a) >= maxElements {
			break
		}
		if !containsWord(a, &b[i]) {
			a = append(a, b[i])
		}
	}
	return a, true
}

func containsWord(list []shell.Word, w *shell.Word) bool {
	for i := range list {
		if sameValue(&list[i], w) {
			return true
		}
	}
	return false
}

func sameValue(a, b *shell.Word) bool {
	return a.Value == b.Value && a.Known == b.Known && a.Glob == b.Glob && slices.Equal(a.Values, b.Values)
}

// mergeWord makes a the word that a visit saw or that another one saw.
func mergeWord(a, b *shell.Word) {
	if sameValue(a, b) {
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
func conditional(guards []shell.Guard) bool {
	return slices.ContainsFunc(guards, func(g shell.Guard) bool { return !g.IsLoop() && g.Holds != shell.TruthTrue })
}

func inLoop(guards []shell.Guard) bool { return slices.ContainsFunc(guards, shell.Guard.IsLoop) }

// finish brings what was met into its final order.
func (in *interp) finish() {
	for _, rec := range in.order {
		s := rec.script
		slices.SortStableFunc(rec.visits, func(a, b *visit) int { return comparePos(a.call.Pos, b.call.Pos) })
		s.Calls = make([]*shell.Call, len(rec.visits))
		for i, v := range rec.visits {
			v.call.Conditional = v.call.Conditional || v.conditional
			v.call.Unreached = !v.live && !in.dynamic
			s.Calls[i] = v.call
		}
		slices.SortStableFunc(s.Sources, func(a, b shell.Source) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Children, func(a, b shell.Child) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Functions, func(a, b shell.Function) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Assigns, func(a, b shell.Assign) int { return comparePos(a.Pos, b.Pos) })
		slices.SortStableFunc(s.Paths, func(a, b shell.PathRef) int { return comparePos(a.Pos, b.Pos) })
	}
}

func comparePos(a, b shell.Pos) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// word makes a Word of an expanded field that was written as w.
func (in *interp) word(c *ctx, w *syntax.Word, f field) shell.Word {
	out := shell.Word{
		Pos: c.pos(w.Pos()), End: c.pos(w.End()), Splits: f.splits,
		Text:    c.source(w.Pos(), w.End()),
		Quoted:  isQuoted(w),
		Assumed: f.val.flags&flagAssumed != 0,
	}
	fill(&out, f.val)
	if a := f.val.origin(); a != nil && a.site != nil && a.site.rec == c.rec && a.word.Pos.IsValid() {
		out.Pos, out.End, out.Text, out.Quoted = a.word.Pos, a.word.End, a.word.Text, a.word.Quoted
	}
	return out
}

// fill sets what a Word tells of its value.
func fill(w *shell.Word, v value) {
	if v.isArr() {
		v = unknown()
	}
	s := v.summary()
	w.Value = output(s)
	w.Glob = hasGlob(s)
	w.Known = len(v.more()) == 0 && !hasHole(s)
	if len(v.more()) == 0 {
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
func (in *interp) effect(c *ctx, e *env, ef shell.Effect) {
	if in.dry || e.stop != stopNone {
		return
	}
	ef.Children = len(in.prog.Children)
	ef.From = c.rec.path
	ef.Guards = c.way()
	ef.Conditional = conditional(ef.Guards)
	ef.Subshell, ef.Tested = c.subshell, c.tested
	in.prog.Effects = append(in.prog.Effects, ef)
}

// readsAll notes a read of variables that nobody can enumerate.
func (in *interp) readsAll(c *ctx, n syntax.Node) { in.readsAllAt(c, c.pos(n.Pos())) }

func (in *interp) readsAllAt(c *ctx, pos shell.Pos) {
	if at := c.rec.script.ReadsAllAt; !at.IsValid() || pos.Before(at) {
		c.rec.script.ReadsAllAt = pos
	}
}
