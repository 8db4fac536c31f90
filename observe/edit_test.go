package observe

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/trace"
)

func contextOf(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return out
}

func TestEdit(t *testing.T) {
	const made = "/opt/a/1.5 newdir\n/opt/a/1.5/x new\n/opt/a ensures"
	for name, test := range map[string]struct{ before, after string }{
		"a list": {
			"setup:\n  scripts:\n    # first\n    - a.sh   # one\n    # second\n    - b.sh\n",
			"setup:\n  scripts:\n    # first\n    - {path: a.sh, outputs: [\"/opt/a/${VERSION}\"]}   # one\n    # second\n    - {path: b.sh, needs: [a], outputs: [/b]}\n",
		},
		"mappings": {
			"setup:\n  scripts:\n    - path: a.sh # one\n      args: [VERSION]\n    - {path: b.sh, inputs: [c.sh]} # two\n",
			"setup:\n  scripts:\n    - path: a.sh # one\n      outputs: [\"/opt/a/${VERSION}\"]\n      args: [VERSION]\n    - {path: b.sh, needs: [a], outputs: [/b], inputs: [c.sh]} # two\n",
		},
		"the list in one line": {
			"setup: {scripts: [a.sh, {path: b.sh, inputs: [c.sh]}]}\n",
			"setup: {scripts: [{path: a.sh, outputs: [\"/opt/a/${VERSION}\"]}, {path: b.sh, needs: [a], outputs: [/b], inputs: [c.sh]}]}\n",
		},
		"a pattern": {
			"setup:\n  scripts:\n    - \"[ab].sh\" # both\n",
			"setup:\n  scripts:\n    - {path: a.sh, outputs: [\"/opt/a/${VERSION}\"]} # both\n    - {path: b.sh, needs: [a], outputs: [/b]}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := "base: debian\nargs: {VERSION: \"1.5\"}\n" + test.before
			f, err := spec.Load("Dockerfile", []byte(text), spec.Options{})
			require.NoError(t, err)
			var context fs.FS = contextOf(map[string]string{"a.sh": "echo $VERSION", "b.sh": ":", "c.sh": ":"})
			require.NoError(t, f.Discover(context))
			g, err := graph.New(f, context, graph.Options{Platform: "linux/amd64"})
			require.NoError(t, err)
			c := New(g, f, map[string]*trace.Record{"a": recorded(t, made), "b": recorded(t, "/opt/a/1.5/x reads\n/b new")})
			p := c.Propose(nil)
			got, err := p.Edit("Dockerfile", []byte(text), f, c)
			require.NoError(t, err)
			assert.Equal(t, "base: debian\nargs: {VERSION: \"1.5\"}\n"+test.after, string(got))

			f, err = spec.Load("Dockerfile", got, spec.Options{})
			require.NoError(t, err)
			require.NoError(t, f.Discover(context))
			g, err = graph.New(f, context, graph.Options{Platform: "linux/amd64"})
			require.NoError(t, err)
			again := New(g, f, map[string]*trace.Record{"a": recorded(t, made), "b": recorded(t, "/opt/a/1.5/x reads\n/b new")})
			assert.NotContains(t, findings(again), "Need", "what was written is what happens")
			unchanged, err := again.Propose(nil).Edit("Dockerfile", got, f, again)
			require.NoError(t, err)
			assert.Equal(t, string(got), string(unchanged))
		})
	}
}

func findings(c *Chain) string {
	text := ""
	for _, f := range c.Check() {
		text += f.String() + "\n"
	}
	return text
}

func TestVersionsInPaths(t *testing.T) {
	env := []graph.Var{{Name: "V", Value: "1.5"}, {Name: "MAJOR", Value: "17"}, {Name: "ONE", Value: "1"}, {Name: "TEXT", Value: "yes"}, {Name: "A", Value: "9.9"}, {Name: "B", Value: "9.9"}}
	for path, want := range map[string]string{
		"/opt/tool-1.5/bin":      "/opt/tool-${V}/bin",
		"/opt/tool-1.5.jar":      "/opt/tool-${V}.jar",
		"/opt/tool-1.5.2":        "/opt/tool-1.5.2",
		"/opt/11.5":              "/opt/11.5",
		"/usr/lib/postgresql/17": "/usr/lib/postgresql/${MAJOR}",
		"/usr/lib/pg/17/17":      "/usr/lib/pg/${MAJOR}/${MAJOR}",
		"/usr/lib/libx.so.1":     "/usr/lib/libx.so.1",
		"/opt/yes":               "/opt/yes",
		"/opt/9.9":               "/opt/9.9",
		"/opt/$HOME":             `/opt/\$HOME`,
	} {
		assert.Equal(t, want, parameters(path, env), path)
	}
}

// A script that leaves files in too many places to list contributes all that it leaves.
func TestEditOfManyPlaces(t *testing.T) {
	const text = "base: debian\nsetup: {scripts: [a.sh, {path: b.sh, inputs: [c.sh]}]}\n"
	f, err := spec.Load("Dockerfile", []byte(text), spec.Options{})
	require.NoError(t, err)
	context := contextOf(map[string]string{"a.sh": ":", "b.sh": ":", "c.sh": ":"})
	require.NoError(t, f.Discover(context))
	g, err := graph.New(f, context, graph.Options{Platform: "linux/amd64"})
	require.NoError(t, err)
	many := ""
	for i := range maxOutputs + 1 {
		many += fmt.Sprintf("/usr/share/d%d/a new\n", i)
	}
	c := New(g, f, map[string]*trace.Record{"a": recorded(t, many), "b": recorded(t, "/usr/share/d3/a reads\n/b new")})
	p := c.Propose(nil)
	var said strings.Builder
	require.NoError(t, p.Write(&said, c))
	assert.Contains(t, said.String(), "a.sh\n  gives all that it leaves: /usr/share/d0/a, ")
	assert.Contains(t, said.String(), "b.sh\n  needs a: it reads /usr/share/d3/a of a\n")
	got, err := p.Edit("Dockerfile", []byte(text), f, c)
	require.NoError(t, err)
	assert.Equal(t, "base: debian\nsetup: {scripts: [{path: a.sh, outputs: auto}, {path: b.sh, needs: [a], outputs: [/b], inputs: [c.sh]}]}\n", string(got))
	assert.Equal(t, "a", c.Leaves(p, "/usr/share/d7/a"))
	assert.Equal(t, "it made something else", c.Propose(map[string]string{"a": "it made something else"}).Scripts[0].Stays)
}
