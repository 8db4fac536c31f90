package console

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		page, printed string
		want          bool
	}{
		{"", "", true},
		{"", "a\n", false},
		{"a\nb\n", "a\nb\n", true},
		{"a\n", "a\nb\n", false},
		{"…\n", "", true},
		{"…\n", "a\nb\n", true},
		{"…\nb\n", "a\nb\n", true},
		{"…\nb\n", "b\n", true},
		{"…\nb\n", "ab\n", false},
		{"…\nb\n", "b\na\n", false},
		{"a\n…\n", "a\nb\n", true},
		{"a\n…\n", "b\n", false},
		{"a\n…\nc\n…\ne\n", "a\nb\nc\nd\ne\n", true},
		{"a\n…\nc\n…\ne\n", "a\nc\ne\n", true},
		{"a\n…\nc\n…\ne\n", "a\ne\n", false},
		{"a\n…\na\n", "a\n", false},
		{"in 1.2 s, 3 MB (took 2 s)\n", "in 10 min, 400 B\n", true},
		{"3 steps\n", "4 steps\n", false},
	} {
		assert.Equal(t, tc.want, matches(tc.page, tc.printed), "%q %q", tc.page, tc.printed)
	}
}

func TestRun(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, []byte("# Page\n\n"+
		"```sh\n$ false\n```\n\n"+
		"```console\n$ echo one >file\n\n$ printf '%s\\n' \\\n  shown \"$NAME\"\nshown\n…\nb\n\n$ exit 3\n```\n\n"+
		"```diff\n--- a/file\n+++ b/file\n@@ -1 +1 @@\n-one\n+two\n```\n\n"+
		"```console\n$ cat file\ntwo\n```\n"), 0o600))
	dir := t.TempDir()
	Run(t, page, Session{Dir: dir, Env: []string{"NAME=a\nb"}, Names: []string{"shown", "real"}})
	data, err := os.ReadFile(filepath.Join(dir, "file"))
	require.NoError(t, err)
	assert.Equal(t, "two\n", string(data))
}

func TestSplitKeepsAllText(t *testing.T) {
	text := "a\n```\nb\n```\n```console\n$ c\n```\nd\n"
	var all string
	var languages []string
	for _, b := range split(text) {
		all += b.text
		languages = append(languages, b.language)
	}
	assert.Equal(t, text, all)
	assert.Equal(t, []string{"", "", "", "console", ""}, languages)
}
