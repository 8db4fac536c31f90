package interp

import "github.com/pgstrata/pgstrata/glob"

// trimPrefix removes the shortest or longest prefix that matches a pattern.
func trimPrefix(s, pattern string, longest bool) string {
	for n := range len(s) + 1 {
		at := n
		if longest {
			at = len(s) - n
		}
		if glob.Match(pattern, s[:at]) {
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
		if glob.Match(pattern, s[at:]) {
			return s[:at]
		}
	}
	return s
}
