package interp

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

// context makes a context of texts, in the form of a txtar: "-- name --" lines
// start a file.
func context(text string) fstest.MapFS {
	files := fstest.MapFS{}
	name := ""
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(rest, " --\n") {
			name = strings.TrimSuffix(rest, " --\n")
			files[name] = &fstest.MapFile{}
			continue
		}
		if name != "" {
			files[name].Data = append(files[name].Data, line...)
		}
	}
	return files
}

// load reads main.sh of a context.
func load(t *testing.T, fsys fs.FS, opts Options) *shell.Program {
	t.Helper()
	p, err := NewFSLoader(fsys).Load("main.sh", opts)
	require.NoError(t, err)
	return p
}

// parse reads one text as bash unless it has a shebang.
func parse(t *testing.T, src string) *shell.Script {
	t.Helper()
	s, err := parseWith("setup/run.sh", []byte(src), Options{Dir: "/srv"})
	require.NoError(t, err)
	return s
}

// render is a call in short: its name and arguments, unknown parts as *.
func render(c *shell.Call) string {
	words := make([]string, 0, 1+len(c.Args))
	if c.Name == "" {
		words = append(words, "?")
	} else {
		words = append(words, c.Name)
	}
	for _, a := range c.Args {
		words = append(words, renderWord(a))
	}
	return strings.Join(words, " ")
}

func renderWord(w shell.Word) string {
	s := w.Value
	if len(w.Values) > 0 {
		s = "{" + strings.Join(w.Values, ",") + "}"
	}
	if s == "" || strings.ContainsAny(s, " \n") && len(w.Values) == 0 {
		s = fmt.Sprintf("%q", s)
	}
	if w.Splits {
		s += "…"
	}
	return s
}

// renderCalls are the calls that are no builtins that only assign.
func renderCalls(s *shell.Script) []string {
	var out []string
	for _, c := range s.Calls {
		out = append(out, render(c))
	}
	return out
}

// dump is everything that a program tells, as text.
func dump(p *shell.Program) string {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// find returns the call of that name, which has to be the only one.
func find(t *testing.T, s *shell.Script, name string) *shell.Call {
	t.Helper()
	var found *shell.Call
	for _, c := range s.Calls {
		if c.Name == name {
			require.Nil(t, found, "several calls of %s", name)
			found = c
		}
	}
	require.NotNil(t, found, "no call of %s among %v", name, renderCalls(s))
	return found
}
