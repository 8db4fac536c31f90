package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/glob"
)

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
	case v.isArr():
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
	mark := len(in.made)
	x.parts(w.Parts, false)
	x.flush()
	out := in.take(mark)
	if len(out) == 0 {
		return "", true
	}
	s, ok := out[0].val.single()
	if !ok || len(out) > 1 || hasHole(s) {
		return "", false
	}
	if hasMark(s) {
		return output(s), true
	}
	return glob.Escape(s), true
}

// slice is ${v:off:length}. Elements of an array count from first; so many of
// an open one, from its start, are sure to be at their place.
func slice(v value, sl *syntax.Slice, first, fixed int) value {
	off, ok := constIndex(sl.Offset)
	length, ok2 := -1, true
	if sl.Length != nil {
		length, ok2 = constIndex(sl.Length)
		ok2 = ok2 && length >= 0
	}
	if !ok || !ok2 {
		if v.isArr() {
			return array(v.elems(), v.flags|flagOpen)
		}
		return unknown()
	}
	if v.isArr() {
		return sliceArray(v, off-first, length, fixed)
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
func sliceArray(v value, off, length, fixed int) value {
	elems := v.elems()
	switch open := v.flags&flagOpen != 0; {
	case off < 0, open && off > fixed:
		return array(elems, v.flags|flagOpen)
	case open && (length < 0 || off+length > fixed):
		return array(elems[off:], v.flags)
	case open:
		return array(elems[off:off+length], v.flags&^flagOpen)
	}
	off = min(off, len(elems))
	to := len(elems)
	if length >= 0 {
		to = min(to, off+length)
	}
	return array(elems[off:to], v.flags)
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
