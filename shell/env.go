package shell

import (
	"maps"

	"mvdan.cc/sh/v3/syntax"
)

// variable is a variable on one way through a script.
type variable struct {
	val      value
	unset    bool
	exported bool
	readonly bool
	pos      Pos    // of the assignment that gave the value
	from     string // and its file
}

// env is the state of a shell on one way through a script.
type env struct {
	vars  map[string]variable
	funcs map[string]*funcDef
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
	// opaque says that something unseen may have set any variable.
	opaque bool
	// stdin is what is known of standard input; unknown by default.
	stdin value
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
	word Word
	// site is where the call stands that it is an argument of, nil for the
	// script's own; call is where that call starts.
	site *ctx
	call Pos
	// node is the written word.
	node *syntax.Word
}

// saved is a variable as it was before local hid it.
type saved struct {
	name string
	old  variable
	had  bool
}

// funcDef is a function's definition.
type funcDef struct {
	def *definition
}

// noArgs are positional parameters of which nothing is known.
func noArgs() ([]argument, int) {
	return []argument{{val: unknown()}}, 0
}

// argsKnown reports whether args are exactly the positional parameters.
func (e *env) argsKnown() bool { return e.argsFixed == len(e.args) }

func (e *env) setArgs(args []argument, fixed int) { e.args, e.argsFixed = args, fixed }

func (e *env) clone() *env {
	c := *e
	c.vars = maps.Clone(e.vars)
	c.funcs = maps.Clone(e.funcs)
	c.locals = e.locals[:len(e.locals):len(e.locals)]
	c.stack = e.stack[:len(e.stack):len(e.stack)]
	return &c
}

// lookup returns what is known of a variable. set tells whether it is known to
// be set.
func (in *interp) lookup(e *env, name string) (v variable, set bool) {
	if v, ok := e.vars[name]; ok {
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
	old := e.vars[name]
	if old.readonly {
		return
	}
	old.val, old.unset = v, false
	e.vars[name] = old
}

// forget makes every variable unknown that something unseen may have changed.
func (e *env) forget() {
	e.opaque = true
	for name, v := range e.vars {
		if !v.readonly && v.val.flags&flagRooted == 0 {
			v.val, v.unset = unknown(), false
			e.vars[name] = v
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
	vars := make(map[string]variable, max(len(a.vars), len(b.vars)))
	for name, x := range a.vars {
		y, ok := b.vars[name]
		if !ok {
			y, _ = in.lookup(b, name)
		}
		vars[name] = joinVar(x, y)
	}
	for name, y := range b.vars {
		if _, ok := a.vars[name]; !ok {
			x, _ := in.lookup(a, name)
			vars[name] = joinVar(x, y)
		}
	}
	out.vars = vars
	if len(b.funcs) > 0 {
		out.funcs = maps.Clone(a.funcs)
		maps.Copy(out.funcs, b.funcs)
	}
	out.dir = join(a.dir, b.dir)
	out.opaque = a.opaque || b.opaque
	out.out = join(a.out, b.out)
	if len(a.stack) != len(b.stack) {
		out.stack = nil
	}
	if len(a.args) != len(b.args) || a.argsFixed != b.argsFixed {
		out.setArgs(noArgs())
	}
	*e = out
}

func joinVar(a, b variable) variable {
	out := a
	if a.unset != b.unset {
		out.val = unknown()
	} else {
		out.val = join(a.val, b.val)
	}
	out.unset = a.unset && b.unset
	out.exported = a.exported || b.exported
	out.readonly = a.readonly && b.readonly
	return out
}
