package buildfile

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is written is read back: any text, as a value, in a list, in brackets, as
// a key.
func TestYAMLReadsBack(t *testing.T) {
	hard := []string{
		"", " ", "a b", "a: b", "a #b", "#", "- a", "[a", "{a", "}", "a, b", "a]", "'", `"`, `\`, "null", "~", "true", "no", "1", "1.5", "0x1", "0640", "1e3", ".inf",
		"2020-01-01", "a\nb", "a\n", "\ta", "ü", "\u2028", "\x7f", "\x01", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "?", "? a", ":", "a:", ":a", "---", "...", "<<", "=",
		"a\r", "trailing ", "${PG}", "$(x)", "a:b:c", "999:0", "http://x#y", "{{ x }}", "🐘",
	}
	letters := []rune("ab01 :,#-[]{}'\"\\$&*!|>%@`?~\n\té=")
	source := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same texts in each run
	for range 500 {
		var b strings.Builder
		for range 1 + source.IntN(6) {
			b.WriteRune(letters[source.IntN(len(letters))])
		}
		hard = append(hard, b.String())
	}
	for _, text := range hard {
		key := text
		if key == "" {
			key = "empty"
		}
		list := texts("block", []string{text, "second"})
		list.lines = true
		root := mapping("", str("plain", text), texts("flow", []string{text, "x"}), list,
			mapping("map", str(key, text), str("z", text)), mapping("wide", str("first", strings.Repeat("x ", 60)), str("second", text)))
		written := document(root)
		var got struct {
			Plain string
			Flow  []string
			Block []string
			Map   map[string]string
			Wide  map[string]string
		}
		require.NoError(t, yaml.Unmarshal([]byte(written), &got), "%q:\n%s", text, written)
		assert.Equal(t, text, got.Plain, written)
		assert.Equal(t, []string{text, "x"}, got.Flow, written)
		assert.Equal(t, []string{text, "second"}, got.Block, written)
		assert.Equal(t, text, got.Map[key], written)
		assert.Equal(t, text, got.Wide["second"], written)
	}
}

func TestYAMLComments(t *testing.T) {
	off := mapping("", str("path", "b.sh"), texts("outputs", []string{"/b"}))
	off.off, off.notes = true, []string{"to opt into:"}
	list := &node{key: "scripts", kind: isList, lines: true, list: []*node{str("", "a.sh"), off}}
	args := block(mapping("args", str("A", "1")))
	args.pairs[0].notes = []string{"two\nlines"}
	expose := &node{key: "expose", kind: isList, list: []*node{{text: scalar{"5432", true}}}}
	expose.aside, expose.apart = "the server's", true
	assert.Equal(t, `args:
  # two
  # lines
  A: "1"
scripts:
  - a.sh
  # to opt into:
  # - {path: b.sh, outputs: [/b]}

expose: [5432]   # the server's
`, document(mapping("", args, list, expose)))
}
