package interp

import (
	"slices"
	"strings"
)

// Marks within an abstract string. They cannot be part of a script: plain
// replaces them in its text, and an unescaped one in $'…' is replaced too.
const (
	markHole    = '\x00' // a part that is not known, possibly empty
	markStar    = '\x01' // * as a pattern character
	markQuest   = '\x02' // ?
	markBracket = '\x03' // the [ that opens a class
)

// markNested is an unknown part of text that is handed to a shell. The parser
// takes it for a letter.
const markNested = '\x04'

const (
	holeText = "\x00"
	// maxChoices bounds how many values a variable may have before it counts
	// as unknown.
	maxChoices = 64
	// maxValue bounds the length of one value.
	maxValue = 16 << 10
	// maxElements bounds arrays and field lists.
	maxElements = 4096
)

func isMark(c byte) bool { return c <= markBracket }

// flag tells what a value rests on.
type flag uint8

const (
	// flagAssumed: a default that the environment may override.
	flagAssumed flag = 1 << iota
	// flagRooted: derived from the script's own place, so that no file that is
	// sourced can be expected to change it.
	flagRooted
	// flagUnordered: names in the order in which find prints them.
	flagUnordered
	// flagOpen: an array of which some elements may be missing.
	flagOpen
)

// value is what is known of a variable or word: a string with marks, further
// strings that it may be instead, or the elements of an array. Most values are
// one string, so the rest is kept apart.
type value struct {
	s     string
	x     *extra
	flags flag
}

// extra is never changed once a value has it.
type extra struct {
	more  []string
	elems []value
	isArr bool
	// origin is the positional parameter that the value came from unchanged.
	origin *argument
}

func unknown() value { return value{s: holeText} }

func literal(s string) value {
	if len(s) > maxValue {
		return unknown()
	}
	return value{s: s}
}

func array(elems []value, flags flag) value {
	return value{x: &extra{isArr: true, elems: elems}, flags: flags}
}

// unknownArray is an array of which nothing is known.
func unknownArray() value { return array([]value{unknown()}, flagOpen) }

func (v value) isArr() bool { return v.x != nil && v.x.isArr }

func (v value) elems() []value {
	if v.x == nil {
		return nil
	}
	return v.x.elems
}

func (v value) more() []string {
	if v.x == nil {
		return nil
	}
	return v.x.more
}

func (v value) origin() *argument {
	if v.x == nil {
		return nil
	}
	return v.x.origin
}

// from returns the value with its origin set.
func (v value) from(a *argument) value {
	x := extra{origin: a}
	if v.x != nil {
		x = *v.x
		x.origin = a
	}
	if a == nil && !x.isArr && x.more == nil {
		v.x = nil
		return v
	}
	v.x = &x
	return v
}

// single returns the value's string when there is just one.
func (v value) single() (string, bool) {
	if v.x != nil && (v.x.isArr || len(v.x.more) > 0) {
		return "", false
	}
	return v.s, true
}

// exact returns the value's string when it is known entirely.
func (v value) exact() (string, bool) {
	s, ok := v.single()
	if !ok || hasMark(s) {
		return "", false
	}
	return s, true
}

// choices are all strings that the value may be.
func (v value) choices() []string {
	more := v.more()
	if len(more) == 0 {
		return []string{v.s}
	}
	return append([]string{v.s}, more...)
}

// isUnknown reports whether nothing at all is known.
func (v value) isUnknown() bool {
	s, ok := v.single()
	return ok && s == holeText
}

func hasMark(s string) bool {
	for i := 0; i < len(s); i++ {
		if isMark(s[i]) {
			return true
		}
	}
	return false
}

func hasHole(s string) bool { return strings.IndexByte(s, markHole) >= 0 }

func hasGlob(s string) bool {
	for i := 0; i < len(s); i++ {
		if isMark(s[i]) && s[i] != markHole {
			return true
		}
	}
	return false
}

// fromChoices makes a value of strings in order, without repetitions.
func fromChoices(list []string, flags flag) value {
	if len(list) == 0 || len(list) > maxChoices*maxChoices {
		return value{s: holeText, flags: flags}
	}
	out := value{s: list[0], flags: flags}
	var more []string
	for _, s := range list[1:] {
		if s != out.s && !slices.Contains(more, s) {
			more = append(more, s)
		}
	}
	switch {
	case len(more) >= maxChoices:
		return value{s: holeText, flags: flags}
	case len(more) > 0:
		out.x = &extra{more: more}
	}
	return out
}

// concat puts values together, in every combination.
func concat(a, b value) value {
	flags := a.flags | b.flags
	x, ok := a.single()
	y, ok2 := b.single()
	switch {
	case ok && x == "" && !b.isArr():
		b.flags = flags
		return b
	case ok && ok2:
		if len(x)+len(y) > maxValue {
			return value{s: holeText, flags: flags}
		}
		return value{s: joinMarks(x, y), flags: flags}
	case a.isArr() || b.isArr():
		return value{s: holeText, flags: flags}
	}
	var list []string
	for _, x := range a.choices() {
		for _, y := range b.choices() {
			list = append(list, joinMarks(x, y))
		}
	}
	return fromChoices(list, flags)
}

// joinMarks appends, and keeps two unknown parts in a row as one.
func joinMarks(a, b string) string {
	if strings.HasSuffix(a, holeText) && strings.HasPrefix(b, holeText) {
		return a + b[1:]
	}
	return a + b
}

// mapped applies f to every string of the value.
func (v value) mapped(f func(string) (string, bool)) value {
	if v.isArr() {
		return value{s: holeText, flags: v.flags}
	}
	if s, ok := v.single(); ok {
		s, ok = f(s)
		if !ok {
			s = holeText
		}
		return value{s: s, flags: v.flags}
	}
	list := v.choices()
	for i, s := range list {
		r, ok := f(s)
		if !ok {
			return value{s: holeText, flags: v.flags}
		}
		list[i] = r
	}
	return fromChoices(list, v.flags)
}

// join is what is known where two ways through a script meet.
func join(a, b value) value {
	if equalValue(a, b) {
		a.flags |= b.flags & flagAssumed
		if a.origin() != b.origin() {
			a = a.from(nil)
		}
		return a
	}
	assumed := (a.flags | b.flags) & flagAssumed
	switch {
	case a.isArr() || b.isArr():
		return joinArrays(a, b, assumed)
	case a.isUnknown() || b.isUnknown():
		return value{s: holeText, flags: assumed}
	}
	return fromChoices(append(a.choices(), b.choices()...), assumed|a.flags&b.flags)
}

// joinArrays keeps the elements of both ways: an array is most often added to
// in a branch.
func joinArrays(a, b value, flags flag) value {
	if !a.isArr() || !b.isArr() {
		return array([]value{unknown()}, flags|flagOpen)
	}
	elems := slices.Clone(a.elems())
	for _, e := range b.elems() {
		if !slices.ContainsFunc(elems, func(x value) bool { return equalValue(x, e) }) {
			elems = append(elems, e)
		}
	}
	return array(elems, flags|flagOpen)
}

func equalValue(a, b value) bool {
	if a.s != b.s {
		return false
	}
	if a.x == b.x {
		return true
	}
	return a.isArr() == b.isArr() && slices.Equal(a.more(), b.more()) &&
		slices.EqualFunc(a.elems(), b.elems(), equalValue)
}

// output turns an abstract string into what a Word shows: a plain string when
// it has no marks, else a pattern in which literal characters are escaped.
func output(s string) string {
	if !hasMark(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case markHole, markStar:
			b.WriteByte('*')
		case markQuest:
			b.WriteByte('?')
		case markBracket:
			b.WriteByte('[')
		case '*', '?', '[', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// summary is one pattern that covers all of a value's strings: what they have
// in common at both ends.
func (v value) summary() string {
	if len(v.more()) == 0 {
		return v.s
	}
	pre, suf := v.s, v.s
	for _, s := range v.more() {
		for !strings.HasPrefix(s, pre) {
			pre = pre[:len(pre)-1]
		}
		for !strings.HasSuffix(s, suf) {
			suf = suf[1:]
		}
	}
	shortest := len(v.s)
	for _, s := range v.more() {
		shortest = min(shortest, len(s))
	}
	if len(pre)+len(suf) > shortest {
		suf = suf[len(pre)+len(suf)-shortest:]
	}
	return joinMarks(joinMarks(pre, holeText), suf)
}
