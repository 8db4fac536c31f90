package interp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"*b*", "abc", true},
		{"a*c*e", "abcde", true},
		{"a*c*f", "abcde", false},
		{"?", "a", true},
		{"?", "", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`a\`, `a\`, true},
		{"[abc]", "b", true},
		{"[!abc]", "b", false},
		{"[^abc]", "d", true},
		{"[a-c]x", "bx", true},
		{"[]a]", "]", true},
		{"[a", "[a", true},
		{"[[:digit:]]*", "15.4", true},
		{"[[:alpha:]]", "1", false},
		{"[[:upper:][:digit:]]", "X", true},
		{"[[:space:]]", "\t", true},
		{"1[4-9].*", "15.4", true},
		{"1[4-9].*", "13.4", false},
		{"***a", "bca", true},
	} {
		require.Equal(t, tc.want, match(tc.pattern, tc.s), "%q %q", tc.pattern, tc.s)
	}
}

func TestTrim(t *testing.T) {
	require.Equal(t, "b.c", trimPrefix("a.b.c", "*.", false))
	require.Equal(t, "c", trimPrefix("a.b.c", "*.", true))
	require.Equal(t, "a.b", trimSuffix("a.b.c", ".*", false))
	require.Equal(t, "a", trimSuffix("a.b.c", ".*", true))
	require.Equal(t, "a", trimSuffix("a", ".*", true))
	require.Equal(t, "a", trimPrefix("a", "", true))
}

// Two values put together, and the pattern that covers several.
func TestSummary(t *testing.T) {
	for _, tc := range []struct {
		list []string
		want string
	}{
		{[]string{"a"}, "a"},
		{[]string{"x-a.sh", "x-b.sh"}, "x-*.sh"},
		{[]string{"a", "aa"}, "a*"},
		{[]string{"aba", "abba"}, "ab*a"},
		{[]string{"", "a"}, "*"},
		{[]string{"a", "b"}, "*"},
	} {
		require.Equal(t, tc.want, output(fromChoices(tc.list, 0).summary()), tc.list)
	}
}
