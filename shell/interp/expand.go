package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/glob"
)

// field is a word of a command after expansion, before it becomes a Word.
type field struct {
	val    value
	splits bool
	has    bool
}

// expander turns one written word into fields.
type expander struct {
	in  *interp
	c   *ctx
	e   *env
	cur field
	// whole is set while a word is expanded that does not split or glob: an
	// assignment's value, a redirection's target.
	whole bool
	first bool // at the start of the word, where a tilde counts
}

// fields expands a word as the words of a command are: with splitting, braces
// and patterns. The result is gone with the next expansion.
func (in *interp) fields(c *ctx, e *env, w *syntax.Word) []field {
	x := expander{in: in, c: c, e: e}
	mark := len(in.made)
	if c.dialect != "posix" && hasBrace(w) {
		for _, w := range braces(w) {
			x.cur, x.first = field{}, true
			x.parts(w.Parts, false)
			x.flush()
		}
	} else {
		x.first = true
		x.parts(w.Parts, false)
		x.flush()
	}
	return in.take(mark)
}

// take removes the fields above a mark from the stack.
func (in *interp) take(mark int) []field {
	out := in.made[mark:]
	in.made = in.made[:mark]
	return out
}

// single expands a word to one value.
func (in *interp) single(c *ctx, e *env, w *syntax.Word) value {
	if w == nil {
		return value{}
	}
	x := expander{in: in, c: c, e: e, whole: true, first: true}
	mark := len(in.made)
	x.parts(w.Parts, false)
	if len(in.made) == mark {
		return x.cur.val
	}
	x.cur.has = true
	x.flush()
	out := in.take(mark)
	v := out[0].val
	for _, f := range out[1:] {
		v = concat(concat(v, literal(" ")), f.val)
	}
	return v
}

func (x *expander) flush() {
	if x.cur.has && len(x.in.made) < maxElements {
		x.in.made = append(x.in.made, x.cur)
	}
	x.cur = field{}
}

func (x *expander) add(v value) {
	had := x.cur.has
	x.cur.val = concat(x.cur.val, v)
	if had && x.cur.val.origin() != nil {
		x.cur.val = x.cur.val.from(nil)
	}
	x.cur.has = true
}

func (x *expander) parts(parts []syntax.WordPart, quoted bool) {
	for _, part := range parts {
		x.part(part, quoted)
		x.first = false
	}
}

func (x *expander) part(part syntax.WordPart, quoted bool) {
	switch part := part.(type) {
	case *syntax.Lit:
		if quoted {
			x.add(literal(holes(unescapeDouble(part.Value))))
			return
		}
		x.literal(part.Value)
	case *syntax.SglQuoted:
		if part.Dollar {
			x.add(literal(unescapeDollar(part.Value)))
			return
		}
		x.add(literal(holes(part.Value)))
	case *syntax.DblQuoted:
		// "$@" without parameters is no word at all, "" is an empty one.
		if len(part.Parts) == 0 {
			x.add(literal(""))
		}
		x.parts(part.Parts, true)
	case *syntax.ParamExp:
		x.expansion(x.in.param(x.c, x.e, part), quoted)
	case *syntax.CmdSubst:
		x.expansion(x.in.substitute(x.c, x.e, part), quoted)
	case *syntax.ArithmExp:
		x.expansion(x.in.arithmetic(x.c, x.e, part.X), quoted)
	case *syntax.ProcSubst:
		x.in.procSubst(x.c, x.e, part)
		x.add(unknown())
	case *syntax.ExtGlob:
		x.add(value{s: string(markStar)})
		x.cur.splits = true
	default: // braces that expand to too much
		x.add(unknown())
		x.cur.splits = true
	}
}

// literal adds unquoted text: backslashes quote, a leading tilde is a home
// folder, and pattern characters are marked.
func (x *expander) literal(s string) {
	if h := holes(s); h != s {
		s = h
		x.cur.splits = x.cur.splits || !x.whole
	}
	if x.first && strings.HasPrefix(s, "~") {
		name, rest, slash := strings.Cut(s[1:], "/")
		home := unknown()
		if name == "" {
			v, _ := x.in.lookup(x.e, "HOME")
			home = v.val
		}
		if !strings.ContainsAny(name, `\*?[`) {
			x.add(home)
			if !slash {
				return
			}
			s = "/" + rest
		}
	}
	// The question mark of a URL is a pattern by the letter only.
	plain := x.whole || strings.Contains(s, "://")
	if strings.IndexByte(s, '\\') < 0 && (plain || !glob.Has(s)) {
		x.add(literal(s))
		return
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case plain:
			b.WriteByte(c)
		default:
			m := globMark(c, s[i+1:])
			x.cur.splits = x.cur.splits || isMark(m)
			b.WriteByte(m)
		}
	}
	x.add(value{s: b.String()})
}

// holes turns the unknown parts of nested text into those of a value.
func holes(s string) string {
	if strings.IndexByte(s, markNested) < 0 {
		return s
	}
	return strings.ReplaceAll(s, string(rune(markNested)), holeText)
}

// globMark marks a pattern character. A bracket that is never closed stands
// for itself, as in the test command's name.
func globMark(c byte, rest string) byte {
	switch c {
	case '*':
		return markStar
	case '?':
		return markQuest
	case '[':
		if strings.IndexByte(rest, ']') > 0 {
			return markBracket
		}
	}
	return c
}

// expansion adds the result of a parameter or command substitution.
func (x *expander) expansion(v value, quoted bool) {
	switch {
	case v.isArr() && (!x.whole || quoted):
		x.elements(v, quoted)
	case v.isArr():
		x.add(value{s: holeText, flags: v.flags})
	case quoted || x.whole:
		x.add(v)
	default:
		x.split(v)
	}
}

// elements adds the elements of "${a[@]}" or "$@", each a field of its own.
func (x *expander) elements(v value, quoted bool) {
	for i, elem := range v.elems() {
		if i > 0 {
			x.flush()
		}
		if quoted {
			x.add(elem)
		} else {
			x.split(elem)
		}
		x.cur.splits = x.cur.splits || v.flags&flagOpen != 0 || elem.isUnknown()
	}
}

// split adds an unquoted expansion: white space ends a field, and characters
// of the value are pattern characters.
func (x *expander) split(v value) {
	s, ok := v.single()
	ifs, known := x.in.separators(x.e)
	if !ok || !known {
		x.add(v)
		x.cur.splits = x.cur.splits || !known || anySplits(v.choices(), ifs)
		return
	}
	if s == "" {
		return
	}
	start := 0
	put := func(end int) {
		if end > start {
			part := value{s: markGlobs(s[start:end]), flags: v.flags}
			if end-start == len(s) && v.origin() != nil {
				part = part.from(v.origin())
			}
			x.add(part)
			x.cur.splits = x.cur.splits || hasHole(s[start:end]) || part.s != s[start:end]
		}
	}
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(ifs, s[i]) < 0 {
			continue
		}
		put(i)
		x.flush()
		start = i + 1
	}
	put(len(s))
}

// anySplits reports whether one of the strings is not exactly one word.
func anySplits(list []string, ifs string) bool {
	for _, s := range list {
		if s == "" || hasHole(s) || strings.ContainsAny(s, ifs) || markGlobs(s) != s {
			return true
		}
	}
	return false
}

func markGlobs(s string) string {
	if !glob.Has(s) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		b[i] = globMark(c, s[i+1:])
	}
	return string(b)
}

// separators are the characters at which unquoted expansions split.
func (in *interp) separators(e *env) (string, bool) {
	v, ok := e.get("IFS")
	if !ok || v.unset {
		return " \t\n", true
	}
	return v.val.exact()
}

// unescapeDouble removes the backslashes that quote within double quotes.
func unescapeDouble(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch s[i+1] {
			case '$', '`', '"', '\\':
				i++
			case '\n':
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unescapeDollar reads the usual escapes of $'…'. Rare ones become a question
// mark: what they stand for is never part of a name that matters here.
func unescapeDollar(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case '\\', '\'', '"', '?':
			b.WriteByte(s[i])
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}
