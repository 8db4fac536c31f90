package interp

import (
	"maps"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// variable is a variable on one way through a script.
type variable struct {
	val      value
	unset    bool
	exported bool
	readonly bool
	// nameref says that it stands for another variable.
	nameref bool
	pos     shell.Pos // of the assignment that gave the value
	from    string    // and its file
}

// env is the state of a shell on one way through a script.
type env struct {
	vars  *table[*variable]
	funcs *table[*definition]
	zero  value   // $0
	dir   value   // working directory
	stack []value // of pushd
	// args are the positional parameters. The first argsFixed of them are at
	// their place; of the others some may be missing, or there may be more.
	args      []argument
	argsFixed int
	locals    []saved
	// stop says that the way ends here: exit, return, break.
	stop stop
	// out is what is known of standard output, while it is wanted.
	out       value
	capturing bool
	// allexport says that what is assigned is exported (set -a).
	allexport bool
	// errexit says that it is sure that a command that fails ends the shell
	// (set -e).
	errexit bool
	// checked are the files that the way has made sure of: without them it
	// would have ended.
	checked []shell.Word
	// opaque says that something unseen may have set any variable.
	opaque bool
	// stdin is what is known of standard input; unknown by default.
	stdin value
	// doc is the here-document that standard input comes from by way of cat,
	// outDoc the one that cat has just printed.
	doc, outDoc *hereDoc
}

// hereDoc is a here-document and where it stands.
type hereDoc struct {
	redirect *syntax.Redirect
	ctx      *ctx
}

type stop int

const (
	stopNone stop = iota
	stopLoop
	stopReturn
	stopExit
)

// argument is a positional parameter: its value and where it was written.
type argument struct {
	val  value
	word shell.Word
	// site is where the call stands that it is an argument of, nil for the
	// script's own; call is where that call starts, callee what it calls.
	site   *ctx
	call   shell.Pos
	callee string
	// node is the written word.
	node *syntax.Word
}

// saved is a variable as it was before local hid it.
type saved struct {
	name string
	old  variable
	had  bool
}

// table is a map that several states share until one of them changes it.
type table[T any] struct {
	m      map[string]T
	shared bool
}

func newTable[T any]() *table[T] { return &table[T]{m: map[string]T{}} }

// own returns a table that may be changed.
func (t *table[T]) own() *table[T] {
	if t.shared {
		return &table[T]{m: maps.Clone(t.m)}
	}
	return t
}

// noArgs are positional parameters of which nothing is known.
func noArgs() ([]argument, int) {
	return []argument{{val: unknown()}}, 0
}

// argsKnown reports whether args are exactly the positional parameters.
func (e *env) argsKnown() bool { return e.argsFixed == len(e.args) }

func (e *env) setArgs(args []argument, fixed int) { e.args, e.argsFixed = args, fixed }

func (e *env) clone() *env {
	e.vars.shared, e.funcs.shared = true, true
	c := *e
	c.locals = e.locals[:len(e.locals):len(e.locals)]
	c.stack = e.stack[:len(e.stack):len(e.stack)]
	c.checked = e.checked[:len(e.checked):len(e.checked)]
	return &c
}

func (e *env) get(name string) (variable, bool) {
	if v, ok := e.vars.m[name]; ok {
		return *v, true
	}
	return variable{}, false
}

func (e *env) put(name string, v variable) {
	e.vars = e.vars.own()
	e.vars.m[name] = &v
}

func (e *env) remove(name string) {
	e.vars = e.vars.own()
	delete(e.vars.m, name)
}

// lookup returns what is known of a variable. set tells whether it is known to
// be set.
func (in *interp) lookup(e *env, name string) (v variable, set bool) {
	if v, ok := e.get(name); ok {
		return v, !v.unset
	}
	if s, ok := in.opts.Vars[name]; ok {
		return variable{val: literal(s), exported: true}, true
	}
	if name == "PWD" {
		return variable{val: e.dir}, true
	}
	return variable{val: unknown()}, false
}

func (e *env) assign(name string, v value) {
	old, _ := e.get(name)
	if old.nameref {
		e.forget() // nobody knows which variable is meant
		return
	}
	if old.readonly {
		return
	}
	old.exported = old.exported || e.allexport
	old.val, old.unset = v, false
	e.put(name, old)
}

// forget makes every variable unknown that something unseen may have changed.
func (e *env) forget() {
	e.opaque, e.errexit = true, false
	e.vars = e.vars.own()
	for name, v := range e.vars.m {
		if !v.readonly && v.val.flags&flagRooted == 0 {
			n := *v // states share what they have in common
			n.val, n.unset = unknown(), false
			e.vars.m[name] = &n
		}
	}
}

// merge makes e the state in which either a or b has run.
func (in *interp) merge(e, a, b *env) {
	switch {
	case a.stop != stopNone && b.stop == stopNone:
		*e = *b
		return
	case b.stop != stopNone && a.stop == stopNone:
		*e = *a
		return
	}
	out := *a
	out.stop = min(a.stop, b.stop)
	if a.vars != b.vars {
		out.vars = in.mergeVars(a, b)
	}
	if a.funcs != b.funcs {
		out.funcs = &table[*definition]{m: maps.Clone(a.funcs.m)}
		maps.Copy(out.funcs.m, b.funcs.m)
	}
	out.dir = join(a.dir, b.dir)
	out.opaque = a.opaque || b.opaque
	out.out = join(a.out, b.out)
	if len(a.stack) != len(b.stack) {
		out.stack = nil
	}
	if len(b.checked) < len(a.checked) {
		out.checked = b.checked
	}
	out.allexport = a.allexport || b.allexport
	out.errexit = a.errexit && b.errexit
	if len(a.args) != len(b.args) || a.argsFixed != b.argsFixed {
		out.setArgs(noArgs())
	}
	*e = out
}

// either is merge where one way is presumed: that of a variable that nobody
// has given. What it sets is known, but rests on that.
func (in *interp) either(e, yes, no *env, presumed shell.Truth) {
	taken, other := yes, no
	switch presumed {
	case shell.TruthUnknown:
		in.merge(e, yes, no)
		return
	case shell.TruthFalse:
		taken, other = no, yes
	}
	if taken.stop != stopNone && other.stop == stopNone { // what goes on has not taken it
		in.merge(e, yes, no)
		return
	}
	out := *taken
	for name, v := range taken.vars.m {
		if other.vars.m[name] != v {
			n := *v
			n.val.flags |= flagAssumed
			out.put(name, n)
		}
	}
	*e = out
}

func (in *interp) mergeVars(a, b *env) *table[*variable] {
	vars := make(map[string]*variable, max(len(a.vars.m), len(b.vars.m)))
	for name, x := range a.vars.m {
		y, ok := b.vars.m[name]
		switch {
		case x == y:
			vars[name] = x
			continue
		case !ok:
			v, _ := in.lookup(b, name)
			y = &v
		}
		vars[name] = joinVar(x, y)
	}
	for name, y := range b.vars.m {
		if _, ok := a.get(name); !ok {
			x, _ := in.lookup(a, name)
			vars[name] = joinVar(&x, y)
		}
	}
	return &table[*variable]{m: vars}
}

func joinVar(a, b *variable) *variable {
	out := *a
	if a.unset != b.unset {
		out.val = unknown()
	} else {
		out.val = join(a.val, b.val)
	}
	out.unset = a.unset && b.unset
	out.exported = a.exported || b.exported
	out.readonly = a.readonly && b.readonly
	return &out
}
