package shell

import (
	"strconv"
	"strings"

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
		return slice(v, p.Slice, name == "@" || name == "*")
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
		return value{s: in.zero, flags: flagRooted}, stateSet
	case "BASH_SOURCE":
		if i, ok := constIndex(p.Index); ok && i == 0 {
			return value{s: c.rec.abs, flags: flagRooted}, stateSet
		}
		return unknown(), stateSet
	}
	if n, err := strconv.Atoi(name); err == nil {
		return positional(e, n)
	}
	v, set := in.lookup(e, name)
	st := stateUnset
	if set {
		st = stateSet
	} else if _, seen := e.vars[name]; !seen && e.opaque {
		st = stateUnknown
	}
	return in.element(v.val, p.Index), st
}

// allArgs is "$@" or "$*".
func (in *interp) allArgs(e *env, name string) value {
	out := value{isArr: true, arr: make([]value, len(e.args))}
	if !e.argsKnown() {
		out.flags = flagOpen
	}
	for i := range e.args {
		out.arr[i] = e.args[i].val
		out.arr[i].origin = &e.args[i]
	}
	if name == "*" {
		return joined(out)
	}
	return out
}

func positional(e *env, n int) (value, state) {
	switch {
	case n <= e.argsFixed:
		v := e.args[n-1].val
		v.origin = &e.args[n-1]
		return v, stateSet
	case !e.argsKnown():
		return unknown(), stateUnknown
	}
	return value{}, stateUnset
}

// element picks what an index asks for.
func (in *interp) element(v value, index syntax.ArithmExpr) value {
	if index == nil {
		if v.isArr {
			if len(v.arr) == 0 || v.flags&flagOpen != 0 {
				return unknown()
			}
			return v.arr[0]
		}
		return v
	}
	if w, ok := index.(*syntax.Word); ok {
		switch w.Lit() {
		case "@":
			if !v.isArr {
				if v.isUnknown() {
					return value{isArr: true, arr: []value{v}, flags: flagOpen}
				}
				return value{isArr: true, arr: []value{v}, flags: v.flags}
			}
			return v
		case "*":
			if !v.isArr {
				return v
			}
			return joined(v)
		}
	}
	i, ok := constIndex(index)
	switch {
	case !ok || v.flags&flagOpen != 0:
		return unknown()
	case !v.isArr && i == 0:
		return v
	case i >= 0 && i < len(v.arr):
		return v.arr[i]
	case i < 0 && -i <= len(v.arr):
		return v.arr[len(v.arr)+i]
	}
	return unknown()
}

// joined is "${a[*]}": the elements with a space between them.
func joined(v value) value {
	if v.flags&flagOpen != 0 {
		return unknown()
	}
	var out value
	for i, elem := range v.arr {
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

// expansion evaluates the operators of ${name…}.
func (in *interp) expansion(c *ctx, e *env, p *syntax.ParamExp, v value, st state) value {
	op := p.Exp.Op
	switch op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		// The word is expanded in any case: what it calls may run.
		def := in.single(c, e, p.Exp.Word)
		colon := op == syntax.DefaultUnsetOrNull || op == syntax.AssignUnsetOrNull
		out := withDefault(v, st, def, colon)
		if op == syntax.AssignUnset || op == syntax.AssignUnsetOrNull {
			e.assign(p.Param.Value, out)
		}
		return out
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		return in.alternate(c, e, p.Exp, v, st)
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		in.single(c, e, p.Exp.Word)
		return v
	case syntax.OtherParamOps:
		return unknown()
	case syntax.UpperAll, syntax.LowerAll, syntax.UpperFirst, syntax.LowerFirst:
		return changeCase(v, p.Exp)
	}
	return in.trim(c, e, p.Exp, v)
}

// withDefault is ${v:-def}.
func withDefault(v value, st state, def value, colon bool) value {
	switch {
	case st == stateUnset:
		def.flags |= flagAssumed
		return def
	case v.isArr:
		return v
	case st == stateUnknown:
		return join(v, def)
	}
	if s, ok := v.exact(); ok {
		if s == "" && colon {
			return def
		}
		return v
	}
	if !colon && st == stateSet {
		return v
	}
	if s, ok := v.single(); ok && s != holeText && strings.Trim(s, holeText) != "" {
		return v // a part is known, so it is not empty
	}
	return join(v, def)
}

func (in *interp) alternate(c *ctx, e *env, x *syntax.Expansion, v value, st state) value {
	alt := in.single(c, e, x.Word)
	s, known := v.exact()
	switch {
	case st == stateUnset:
		return value{flags: flagAssumed}
	case st == stateSet && x.Op == syntax.AlternateUnset, known && s != "":
		return alt
	case known:
		return value{}
	}
	return join(value{}, alt)
}

func changeCase(v value, x *syntax.Expansion) value {
	if x.Word != nil && len(x.Word.Parts) > 0 {
		return unknown()
	}
	return v.mapped(func(s string) (string, bool) {
		if hasMark(s) {
			return "", false
		}
		switch x.Op {
		case syntax.UpperAll:
			return strings.ToUpper(s), true
		case syntax.LowerAll:
			return strings.ToLower(s), true
		}
		if s == "" {
			return s, true
		}
		if x.Op == syntax.UpperFirst {
			return strings.ToUpper(s[:1]) + s[1:], true
		}
		return strings.ToLower(s[:1]) + s[1:], true
	})
}

// trim is ${v#pattern} and its kin.
func (in *interp) trim(c *ctx, e *env, x *syntax.Expansion, v value) value {
	pattern, ok := in.pattern(c, e, x.Word)
	if !ok {
		return unknown()
	}
	return v.mapped(func(s string) (string, bool) {
		switch x.Op {
		case syntax.RemSmallPrefix, syntax.RemLargePrefix:
			return trimMarkedPrefix(s, pattern, x.Op == syntax.RemLargePrefix)
		case syntax.RemSmallSuffix, syntax.RemLargeSuffix:
			return trimMarkedSuffix(s, pattern, x.Op == syntax.RemLargeSuffix)
		}
		return "", false
	})
}

// trimMarkedPrefix works on a string of which parts are unknown as far as the
// result does not depend on them: ${f##*/} of a pattern's last part.
func trimMarkedPrefix(s, pattern string, longest bool) (string, bool) {
	if !hasMark(s) {
		return trimPrefix(s, pattern, longest), true
	}
	if pattern == "*/" && longest {
		if i := strings.LastIndexByte(s, '/'); i >= 0 && !hasHole(s[i:]) {
			return s[i+1:], true
		}
	}
	if lit, ok := plainPattern(pattern); ok && strings.HasPrefix(s, lit) {
		return s[len(lit):], true
	}
	return "", false
}

func trimMarkedSuffix(s, pattern string, longest bool) (string, bool) {
	if !hasMark(s) {
		return trimSuffix(s, pattern, longest), true
	}
	if pattern == "/*" && !longest {
		if i := strings.LastIndexByte(s, '/'); i >= 0 && !hasHole(s[i:]) {
			return s[:i], true
		}
	}
	if lit, ok := plainPattern(pattern); ok && strings.HasSuffix(s, lit) {
		return s[:len(s)-len(lit)], true
	}
	return "", false
}

func plainPattern(p string) (string, bool) {
	return p, !strings.ContainsAny(p, `*?[\`)
}

// pattern evaluates a word as a pattern with quoted characters escaped.
func (in *interp) pattern(c *ctx, e *env, w *syntax.Word) (string, bool) {
	if w == nil {
		return "", true
	}
	x := expander{in: in, c: c, e: e}
	x.parts(w.Parts, false)
	x.flush()
	if len(x.out) == 0 {
		return "", true
	}
	s, ok := x.out[0].val.single()
	if !ok || len(x.out) > 1 || hasHole(s) {
		return "", false
	}
	if hasMark(s) {
		return output(s), true
	}
	return escapePattern(s), true
}

func escapePattern(s string) string {
	if !strings.ContainsAny(s, `*?[\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`*?[\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func slice(v value, sl *syntax.Slice, positional bool) value {
	off, ok := constIndex(sl.Offset)
	length, ok2 := -1, true
	if sl.Length != nil {
		length, ok2 = constIndex(sl.Length)
		ok2 = ok2 && length >= 0
	}
	if !ok || !ok2 {
		if v.isArr {
			return value{isArr: true, arr: v.arr, flags: v.flags | flagOpen}
		}
		return unknown()
	}
	if v.isArr {
		if positional {
			off-- // positional parameters count from one
		}
		return sliceArray(v, off, length)
	}
	return v.mapped(func(s string) (string, bool) {
		if hasMark(s) {
			return "", false
		}
		from := off
		if from < 0 {
			from += len(s)
		}
		if from < 0 || from > len(s) {
			return "", true
		}
		to := len(s)
		if length >= 0 {
			to = min(to, from+length)
		}
		return s[from:to], true
	})
}

// sliceArray is "${@:2}" or "${a[@]:1}".
func sliceArray(v value, off, length int) value {
	out := v
	if v.flags&flagOpen != 0 || off < 0 {
		out.flags |= flagOpen
		return out
	}
	off = min(off, len(v.arr))
	to := len(v.arr)
	if length >= 0 {
		to = min(to, off+length)
	}
	out.arr = v.arr[off:to]
	return out
}

// replace is ${v/from/to}; only plain text is replaced.
func (in *interp) replace(c *ctx, e *env, v value, r *syntax.Replace) value {
	from, ok := in.pattern(c, e, r.Orig)
	to, ok2 := in.single(c, e, r.With).exact()
	if _, plain := plainPattern(from); !ok || !ok2 || !plain || from == "" || from[0] == '#' || from[0] == '%' {
		return unknown()
	}
	return v.mapped(func(s string) (string, bool) {
		if hasMark(s) {
			return "", false
		}
		if r.All {
			return strings.ReplaceAll(s, from, to), true
		}
		return strings.Replace(s, from, to, 1), true
	})
}
