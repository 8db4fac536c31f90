package interp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
