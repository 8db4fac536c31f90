package spec

import (
	"strings"
	"unicode/utf8"
)

// slashless is a pattern whose classes match no slash: those of
// doublestar do, and neither a shell's nor those that choose what is
// transferred.
func slashless(pattern string) string {
	if !strings.Contains(pattern, "[") {
		return pattern
	}
	var b strings.Builder
	for pattern != "" {
		switch pattern[0] {
		case '\\':
			n := 1
			if len(pattern) > 1 {
				_, size := utf8.DecodeRuneInString(pattern[1:])
				n += size
			}
			b.WriteString(pattern[:n])
			pattern = pattern[n:]
		case '[':
			b.WriteByte('[')
			pattern = class(&b, pattern[1:])
		default:
			b.WriteByte(pattern[0])
			pattern = pattern[1:]
		}
	}
	return b.String()
}

// class writes the class that a text starts with, and returns what follows.
func class(b *strings.Builder, text string) string {
	negated := strings.HasPrefix(text, "!") || strings.HasPrefix(text, "^")
	if negated {
		b.WriteByte(text[0])
		text = text[1:]
	}
	items := 0
	for text != "" && text[0] != ']' {
		low, rest := classRune(text)
		high := low
		if len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			high, rest = classRune(rest[1:])
		}
		text = rest
		items++
		if negated || low > '/' || high < '/' {
			classRange(b, low, high)
			continue
		}
		classRange(b, low, '/'-1)
		classRange(b, '/'+1, high)
	}
	if text == "" { // the class does not end: no pattern at all
		return ""
	}
	switch {
	case negated && items > 0:
		b.WriteByte('/')
	case items > 0:
		b.WriteString("\x00") // what is left may be nothing, and no file has this
	}
	b.WriteByte(']')
	return text[1:]
}

// classRune is the character that a text in a class starts with.
func classRune(text string) (rune, string) {
	if text[0] == '\\' && len(text) > 1 {
		text = text[1:]
	}
	r, size := utf8.DecodeRuneInString(text)
	return r, text[size:]
}

// classRange writes a range of characters, if there are any.
func classRange(b *strings.Builder, low, high rune) {
	if low > high {
		return
	}
	b.WriteByte('\\')
	b.WriteRune(low)
	if low < high {
		b.WriteString("-\\")
		b.WriteRune(high)
	}
}
