package interp

import "strings"

// match reports whether a shell pattern matches all of s. The pattern is plain
// text with *, ?, […] and backslashes.
func match(pattern, s string) bool {
	// The usual linear matcher: on a mismatch go back to the last star.
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, mark = p, i
				p++
				continue
			}
			if n := matchOne(pattern[p:], s[i]); n > 0 {
				p += n
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne matches one byte and returns how much of the pattern that took.
func matchOne(pattern string, c byte) int {
	switch pattern[0] {
	case '?':
		return 1
	case '\\':
		if len(pattern) > 1 {
			if pattern[1] == c {
				return 2
			}
			return 0
		}
	case '[':
		if n, ok := matchClass(pattern, c); n > 0 {
			if ok {
				return n
			}
			return 0
		}
	}
	if pattern[0] == c {
		return 1
	}
	return 0
}

// matchClass reads a bracket expression; n is its length, 0 when it is none.
func matchClass(pattern string, c byte) (n int, ok bool) {
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

// trimPrefix removes the shortest or longest prefix that matches a pattern.
func trimPrefix(s, pattern string, longest bool) string {
	for n := range len(s) + 1 {
		at := n
		if longest {
			at = len(s) - n
		}
		if match(pattern, s[:at]) {
			return s[at:]
		}
	}
	return s
}

// trimSuffix removes the shortest or longest suffix that matches a pattern.
func trimSuffix(s, pattern string, longest bool) string {
	for n := range len(s) + 1 {
		at := len(s) - n
		if longest {
			at = n
		}
		if match(pattern, s[at:]) {
			return s[:at]
		}
	}
	return s
}
