package glob_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/glob"
)

// Each pattern against a text: whether it matches as a text, as a path, and
// whether it may where its elements are not known.
func TestReadings(t *testing.T) {
	for _, tc := range []struct {
		pattern, s        string
		match, path, mays bool
	}{
		{"", "", true, true, true},
		{"", "a", false, false, false},
		{"*", "", true, true, true},
		{"*", "a", true, true, true},
		{"*", "a/b", true, false, true},
		{"a*", "abc", true, true, true},
		{"*c", "abc", true, true, true},
		{"*b*", "abc", true, true, true},
		{"a*c*e", "abcde", true, true, true},
		{"a*c*f", "abcde", false, false, false},
		{"***a", "bca", true, true, true},
		{"/a/*/c*", "/a/b/cd", true, true, true},
		{"/a/*/c*", "/a/b/d/c", true, false, true},
		{"/a*c", "/ab/c", true, false, true},
		{"/*/b", "/a/a/b", true, false, true},
		{"?", "a", true, true, true},
		{"?", "", false, false, false},
		{"a?b", "a/b", true, false, true},
		{`\*`, "*", true, true, true},
		{`\*`, "a", false, false, false},
		{`a\/b`, "a/b", true, true, true},
		{`a\`, `a\`, true, true, true},
		{"[abc]", "b", true, true, true},
		{"[abc]", "d", false, false, true},
		{"[!abc]", "b", false, false, true},
		{"[^abc]", "d", true, true, true},
		{"a[!x]b", "a/b", true, false, true},
		{"[a-c]x", "bx", true, true, true},
		{"[]a]", "]", true, true, true},
		{"[a-]", "-", true, true, true},
		{"[a", "[a", true, true, true},
		{"[", "/", false, false, false},
		{"[[:digit:]]*", "15.4", true, true, true},
		{"[[:alpha:]]", "1", false, false, true},
		{"[[:upper:][:digit:]]", "X", true, true, true},
		{"[[:space:]]", "\t", true, true, true},
		{"1[4-9].*", "15.4", true, true, true},
		{"1[4-9].*", "13.4", false, false, true},
		{"/a", "/a/b", false, false, true},
	} {
		assert.Equal(t, tc.match, glob.Match(tc.pattern, tc.s), "%q as text %q", tc.pattern, tc.s)
		assert.Equal(t, tc.path, glob.Path(tc.pattern, tc.s), "%q as path %q", tc.pattern, tc.s)
		assert.Equal(t, tc.mays, glob.May(tc.pattern, tc.s), "%q may be %q", tc.pattern, tc.s)
	}
}

func TestCovers(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"/a/*", "/a/b/c", true},
		{"/a", "/a/b/c", true},
		{"/", "/a", true},
		{"/a/b*", "/a", false},
		{"/b*", "/a/b", false},
		{"a*", "ab/c", true},
		{"b", "a", false},
		{"/[a]", "/[a]/b", true},
		{"", "", true},
	} {
		assert.Equal(t, tc.want, glob.Covers(tc.pattern, tc.name), "%q covers %q", tc.pattern, tc.name)
	}
}

// An escaped text matches itself and nothing that its signs would stand for.
func TestEscape(t *testing.T) {
	for _, s := range []string{"a", "*", "a?b", "[a]", `\`, `a\*`, "a/b"} {
		assert.True(t, glob.Match(glob.Escape(s), s), s)
		assert.True(t, glob.Path(glob.Escape(s), s), s)
		for _, other := range []string{"x", "axb", `a\x`} {
			assert.False(t, glob.Match(glob.Escape(s), other), "%s, %s", s, other)
		}
	}
}

// A shell says the same of what a pattern expands to, and of what it matches.
func TestAsTheShell(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a", "b", "ab", "a-b", ".a", ".b", "[a", "]", "-", "a]", "A", "1", "a*b", "^", "!"}
	for _, name := range names {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	for _, pattern := range []string{
		"*", ".*", "?", "a*", "*b", "[ab]", "[!ab]", "[^ab]", "[a-]", "[]a]", "[!]a]", "[a", `a\*b`, "[[:alpha:]]", "[[:upper:]1]", "[!-]", "?[-*]b", ".[!.]*",
	} {
		run := func(script string) []string {
			cmd := exec.Command("bash", "-c", script)
			cmd.Dir, cmd.Env = dir, []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
			out, err := cmd.Output()
			require.NoError(t, err, pattern)
			return strings.Fields(string(out))
		}
		var expanded, matched []string
		for _, name := range names {
			if glob.Expands(pattern, name) {
				expanded = append(expanded, name)
			}
			if glob.Match(pattern, name) {
				matched = append(matched, name)
			}
		}
		slices.Sort(expanded)
		slices.Sort(matched)
		assert.Equal(t, run(`shopt -s nullglob; for f in `+pattern+`; do case "$f" in . | ..) ;; *) echo "$f" ;; esac; done`), nonNil(expanded), pattern)
		assert.Equal(t, run(`for f in * .[!.]*; do case "$f" in `+pattern+`) echo "$f" ;; esac; done | sort`), nonNil(matched), pattern)
	}
}

func nonNil(list []string) []string { return append([]string{}, list...) }
