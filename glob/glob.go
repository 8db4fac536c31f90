// Package glob reads a shell's patterns: *, ?, […] and backslashes. A build
// file's globs, .dockerignore and the sources of a COPY have other notations, which
// libraries read. It imports nothing of the project.
package glob

import (
	"path"
	"strings"
)

// Has reports whether a text has what makes a pattern of it.
func Has(s string) bool { return strings.ContainsAny(s, "*?[") }

// Escape returns the pattern that matches a text and nothing else.
func Escape(s string) string {
	if !strings.ContainsAny(s, `*?[\`) {
		return s
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(s)
}

// Match reports whether a pattern matches all of a text, as in a case.
func Match(pattern, s string) bool { return matcher{slashes: true}.match(pattern, s) }

// Path reports whether a pattern matches a path: nothing but a slash matches one.
func Path(pattern, name string) bool { return matcher{}.match(pattern, name) }

// Expands reports whether a path is among those that a shell replaces a pattern
// by: names that begin with a dot are hidden from a pattern that does not.
func Expands(pattern, name string) bool {
	return Path(pattern, name) && (path.Base(name)[0] != '.' || path.Base(pattern)[0] == '.')
}

// Covers reports whether a pattern matches a path, or a directory above it. One
// that has the path's very text counts, since a shell leaves what matches nothing.
func Covers(pattern, name string) bool {
	for ; !Path(pattern, name) && pattern != name; name = path.Dir(name) {
		if name == "/" || name == "." {
			return false
		}
	}
	return true
}

// May is Covers for a pattern whose stars stand for unknown text, so for slashes,
// too, and whose classes are not known either.
func May(pattern, name string) bool {
	unknown := matcher{slashes: true, classes: true}
	return unknown.match(pattern, name) || unknown.match(pattern+"/*", name)
}

// matcher says what the elements of a pattern match: slashes, too, or not; and
// classes any byte, or their own ones.
type matcher struct{ slashes, classes bool }

// match goes back to the last star alone on a mismatch, so that it takes no longer
// than pattern times text.
func (m matcher) match(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, mark = p, i
				p++
				continue
			}
			if n := m.one(pattern[p:], s[i]); n > 0 {
				p += n
				i++
				continue
			}
		}
		if star < 0 || s[mark] == '/' && !m.slashes {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one matches one byte and returns how much of the pattern that took.
func (m matcher) one(pattern string, c byte) int {
	n, ok := element(pattern, c)
	literal := n == 1 && pattern[0] != '?' || pattern[0] == '\\'
	switch {
	case !literal && c == '/' && !m.slashes:
		return 0
	case ok, pattern[0] == '[' && n > 1 && m.classes:
		return n
	}
	return 0
}

// element reads the first element of a pattern that is no star: n is its length,
// ok tells whether it matches.
func element(pattern string, c byte) (n int, ok bool) {
	switch {
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, pattern[1] == c
	case pattern[0] == '[':
		if n, ok := class(pattern, c); n > 0 {
			return n, ok
		}
	}
	return 1, pattern[0] == c
}

// class reads a bracket expression; n is its length, 0 when it is none.
func class(pattern string, c byte) (n int, ok bool) {
	i := 1
	negate := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negate {
		i++
	}
	for first := true; i < len(pattern); first = false {
		if pattern[i] == ']' && !first {
			return i + 1, ok != negate
		}
		if strings.HasPrefix(pattern[i:], "[:") {
			if end := strings.Index(pattern[i:], ":]"); end > 0 {
				ok = ok || inClass(pattern[i+2:i+end], c)
				i += end + 2
				continue
			}
		}
		lo := pattern[i]
		hi := lo
		if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
			hi = pattern[i+2]
			i += 2
		}
		i++
		ok = ok || (lo <= c && c <= hi)
	}
	return 0, false
}

func inClass(name string, c byte) bool {
	switch name {
	case "digit":
		return '0' <= c && c <= '9'
	case "lower":
		return 'a' <= c && c <= 'z'
	case "upper":
		return 'A' <= c && c <= 'Z'
	case "alpha":
		return inClass("lower", c) || inClass("upper", c)
	case "alnum":
		return inClass("alpha", c) || inClass("digit", c)
	case "space":
		return c == ' ' || '\t' <= c && c <= '\r'
	case "blank":
		return c == ' ' || c == '\t'
	}
	return false
}
