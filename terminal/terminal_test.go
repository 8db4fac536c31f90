package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestColored(t *testing.T) {
	for _, c := range []struct {
		env      string
		terminal bool
		want     bool
	}{
		{"", true, true},
		{"", false, false},
		{"NO_COLOR=1", true, false},
		{"NO_COLOR=", true, true},
		{"NO_COLOR=1 CLICOLOR_FORCE=1", true, false},
		{"CLICOLOR_FORCE=1", false, true},
		{"CLICOLOR_FORCE=0", false, false},
		{"CLICOLOR=0", true, false},
		{"CLICOLOR=1", false, false},
		{"TERM=dumb", true, false},
		{"TERM=xterm", true, true},
	} {
		env := map[string]string{}
		for _, one := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(one, "=")
			env[name] = value
		}
		assert.Equal(t, c.want, colored(c.terminal, func(name string) string { return env[name] }), "%+v", c)
	}
}

// Files and pipes have no width and no colors.
func TestOf(t *testing.T) {
	for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE"} {
		t.Setenv(name, "")
	}
	assert.Equal(t, Style{}, Of(&bytes.Buffer{}))
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, Style{}, Of(f))
	t.Setenv("CLICOLOR_FORCE", "1")
	assert.Equal(t, Style{Colored: true}, Of(f))
}

func TestPaint(t *testing.T) {
	assert.Equal(t, "a", Style{}.Paint(Red, "a"))
	assert.Equal(t, "a", Style{Colored: true}.Paint(Plain, "a"))
	assert.Empty(t, Style{Colored: true}.Paint(Red, ""))
	assert.Equal(t, "\x1b[31m\x1b[1ma\x1b[0m", Style{Colored: true}.Paint(Red, "a"))
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, text string
		width      int
		indent     int
		want       string
	}{
		{"no width", "one two three", 0, 2, "one two three"},
		{"it fits", "one  two", 8, 2, "one  two"},
		{"words", "one two three four", 9, 0, "one two\nthree\nfour"},
		{"below the first word", "  one two three", 9, 2, "  one two\n    three"},
		{"a long word", "a /very/long/path b", 6, 0, "a\n/very/long/path\nb"},
		{"letters, not bytes", "ääää öööö", 9, 0, "ääää öööö"},
		{"each line", "one two\nthree four\n", 7, 0, "one two\nthree\nfour\n"},
		{"nothing", "", 7, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, Style{Width: c.width}.Wrap(c.text, c.indent))
		})
	}
}

func TestTable(t *testing.T) {
	rows := [][]Cell{
		{{Text: "setup/a"}, {Text: "miss", Color: Red}, {Text: "never built before"}},
		{{Text: "setup/längere"}, {Text: "conditional"}, {Text: "if the outputs of a, of b, of c and of d change"}},
	}
	assert.Equal(t, `setup/a        miss         never built before
setup/längere  conditional  if the outputs of a, of b, of c and of d change
`, Style{}.Table(rows, 2))
	assert.Equal(t, `setup/a        miss         never built before
setup/längere  conditional  if the outputs of a, of b, of c
                            and of d change
`, Style{Width: 60}.Table(rows, 2))
	assert.Equal(t, `setup/a        miss         never built before
setup/längere  conditional
    if the outputs of a, of b, of c and of d
    change
`, Style{Width: 48}.Table(rows, 2))
	assert.Contains(t, Style{Colored: true}.Table(rows, 2), "setup/a        \x1b[31m\x1b[1mmiss\x1b[0m         never")
	assert.Equal(t, "one\ntwo\n", Style{Width: 2}.Table([][]Cell{Row("one"), Row("two")}, 2))
	assert.Equal(t, "\na  b\n", Style{}.Table([][]Cell{nil, Row("a", "b")}, 2))
}

func TestDiff(t *testing.T) {
	text := "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same\n"
	assert.Equal(t, text, Style{}.Diff(text))
	assert.Equal(t, "\x1b[1m--- a/x\x1b[0m\n\x1b[1m+++ b/x\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m\x1b[1m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n same\n",
		Style{Colored: true}.Diff(text))
}
