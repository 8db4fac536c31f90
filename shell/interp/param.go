package interp

import (
	"strconv"

	"mvdan.cc/sh/v3/syntax"
)

// state tells whether a parameter is set.
type state int

const (
	stateUnknown state = iota
	stateSet
	stateUnset // as far as the script and the caller's values tell
)

// param evaluates a parameter expansion.
func (in *interp) param(c *ctx, e *env, p *syntax.ParamExp) value {
	if p.Index != nil {
		in.visitArithm(c, e, p.Index)
	}
	if p.Slice != nil {
		in.visitArithm(c, e, p.Slice.Offset)
		in.visitArithm(c, e, p.Slice.Length)
	}
	if p.Param == nil || p.Names != 0 || p.Excl {
		if p.Names != 0 || p.Excl && p.Index == nil {
			in.readsAll(c, p)
		}
		return unknown()
	}
	v, st := in.parameter(c, e, p)
	name := p.Param.Value
	switch {
	case p.Length:
		if s, ok := v.exact(); ok {
			return literal(strconv.Itoa(len(s)))
		}
		return unknown()
	case p.Width, p.IsSet, p.Flags != nil, len(p.Modifiers) > 0:
		return unknown()
	case p.Slice != nil:
		if name == "@" || name == "*" {
			return slice(v, p.Slice, 1, e.argsFixed)
		}
		return slice(v, p.Slice, 0, 0)
	case p.Repl != nil:
		return in.replace(c, e, v, p.Repl)
	case p.Exp != nil:
		return in.expansion(c, e, p, v, st)
	}
	return v
}

// parameter looks a parameter up.
func (in *interp) parameter(c *ctx, e *env, p *syntax.ParamExp) (value, state) {
	name := p.Param.Value
	switch name {
	case "@", "*":
		return in.allArgs(e, name), stateUnknown
	case "#":
		if e.argsKnown() {
			return literal(strconv.Itoa(len(e.args))), stateSet
		}
		return unknown(), stateSet
	case "?", "$", "!", "-", "_":
		return unknown(), stateSet
	case "0":
		return e.zero, stateSet
	case "BASH_SOURCE":
		if i, ok := constIndex(p.Index); ok && i == 0 {
			return value{s: c.rec.abs, flags: flagRooted}, stateSet
		}
		return unknown(), stateSet
	}
	if '1' <= name[0] && name[0] <= '9' {
		n, err := strconv.Atoi(name)
		if err != nil {
			return unknown(), stateUnknown
		}
		return positional(e, n)
	}
	v, set := in.lookup(e, name)
	st := stateUnset
	if set {
		st = stateSet
	} else if _, seen := e.get(name); !seen && (e.opaque || shellSets(name)) {
		st = stateUnknown
	}
	return in.element(v.val, p.Index), st
}

// allArgs is "$@" or "$*".
func (in *interp) allArgs(e *env, name string) value {
	elems := make([]value, len(e.args))
	for i := range e.args {
		elems[i] = e.args[i].val
	}
	out := array(elems, 0)
	if !e.argsKnown() {
		out.flags = flagOpen
	}
	if name == "*" {
		return joined(out)
	}
	return out
}

func positional(e *env, n int) (value, state) {
	switch {
	case n > 0 && n <= e.argsFixed:
		return e.args[n-1].val, stateSet
	case !e.argsKnown():
		return unknown(), stateUnknown
	}
	return value{}, stateUnset
}

// element picks what an index asks for.
func (in *interp) element(v value, index syntax.ArithmExpr) value {
	if index == nil {
		if v.isArr() {
			if len(v.elems()) == 0 || v.flags&flagOpen != 0 {
				return unknown()
			}
			return v.elems()[0]
		}
		return v
	}
	if w, ok := index.(*syntax.Word); ok {
		switch w.Lit() {
		case "@":
			if !v.isArr() {
				if v.isUnknown() {
					return array([]value{v}, flagOpen)
				}
				return array([]value{v}, v.flags)
			}
			return v
		case "*":
			if !v.isArr() {
				return v
			}
			return joined(v)
		}
	}
	i, ok := constIndex(index)
	switch {
	case !ok || v.flags&flagOpen != 0:
		return unknown()
	case !v.isArr() && i == 0:
		return v
	case i >= 0 && i < len(v.elems()):
		return v.elems()[i]
	case i < 0 && -i <= len(v.elems()):
		return v.elems()[len(v.elems())+i]
	}
	return unknown()
}

// joined is "${a[*]}": the elements with a space between them.
func joined(v value) value {
	if v.flags&flagOpen != 0 {
		return unknown()
	}
	var out value
	for i, elem := range v.elems() {
		if i > 0 {
			out = concat(out, literal(" "))
		}
		out = concat(out, elem)
	}
	return out
}

func constIndex(x syntax.ArithmExpr) (int, bool) {
	if x == nil {
		return 0, true
	}
	neg := 1
	if u, ok := x.(*syntax.UnaryArithm); ok && u.Op == syntax.Minus {
		neg, x = -1, u.X
	}
	w, ok := x.(*syntax.Word)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(w.Lit())
	return neg * n, err == nil
}
