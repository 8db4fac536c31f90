package rules

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/spec"
)

// input resolves a tree as the command line does.
func input(t testing.TB, context fs.FS) check.Input {
	t.Helper()
	text, err := fs.ReadFile(context, "Dockerfile")
	require.NoError(t, err)
	predefined := map[string]string{"TARGETARCH": "amd64", "TARGETOS": "linux", "TARGETPLATFORM": "linux/amd64"}
	file, err := spec.Load("Dockerfile", text, spec.Options{Predefined: predefined})
	require.NoError(t, err)
	require.NoError(t, file.Discover(context))
	g, err := graph.New(file, context, graph.Options{Platform: "linux/amd64", Predefined: predefined, Now: time.Unix(0, 0)})
	require.NoError(t, err)
	config, err := check.ParseConfig(text, nil)
	require.NoError(t, err)
	return check.Input{File: file, Text: text, Graph: g, Context: context, Config: config}
}

// archive is a set of files in one: each begins with a line `-- NAME --`.
func archive(text string) map[string]string {
	out, name := map[string]string{}, ""
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok {
			if file, ok := strings.CutSuffix(strings.TrimSpace(rest), " --"); ok {
				name = file
				out[name] = ""
				continue
			}
		}
		if name != "" {
			out[name] += line
		}
	}
	return out
}

// split takes the files below root/ of an archive for the built setup, and the
// rest for the context. A text `-> TARGET` makes a symbolic link.
func split(files map[string]string) (context, setup fstest.MapFS) {
	context, setup = fstest.MapFS{}, fstest.MapFS{}
	for name, data := range files {
		if rest, ok := strings.CutPrefix(name, "root/"); ok {
			f := &fstest.MapFile{Data: []byte(data), Mode: 0o755}
			if to, ok := strings.CutPrefix(data, "-> "); ok {
				f = &fstest.MapFile{Data: []byte(strings.TrimSpace(to)), Mode: fs.ModeSymlink | 0o777}
			}
			setup[rest] = f
			continue
		}
		context[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	if len(setup) == 0 {
		setup = nil
	}
	return context, setup
}

// describe is a golden file's text.
func describe(list []check.Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s:%d:%d-%d:%d: %s: %s\n", f.File, f.Range.Start.Line, f.Range.Start.Column, f.Range.End.Line, f.Range.End.Column, f.Severity, f.Message)
	}
	return b.String()
}

func only(list []check.Finding, rule string) []check.Finding {
	var out []check.Finding
	for _, f := range list {
		if f.Rule == rule {
			out = append(out, f)
		}
	}
	return out
}

// all are the findings of both parts.
func all(in check.Input) []check.Finding {
	out := Run(in)
	if in.Setup != nil {
		out = append(out, Read(in).Contract(in.Setup, in.Path)...)
	}
	return out
}

func read(t testing.TB, file string) (check.Input, map[string]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	files := archive(string(data))
	context, root := split(files)
	if context["Dockerfile"] == nil {
		context["Dockerfile"] = &fstest.MapFile{Data: []byte("base: debian:bookworm-slim\n")}
	}
	delete(context, "want")
	delete(context, "changes")
	in := input(t, context)
	if root != nil {
		in.Setup = root
	}
	if changes, ok := files["changes"]; ok {
		in.Changes = map[string]int{}
		for line := range strings.Lines(changes) {
			name, n, _ := strings.Cut(strings.TrimSpace(line), " ")
			in.Changes[name], err = strconv.Atoi(n)
			require.NoError(t, err)
		}
	}
	return in, files
}

// Each rule has an archive with all that it must find and much that it must
// not; `want` holds the former. Archives with more behind the rule's name hold
// what does not fit into the first.
func TestRules(t *testing.T) {
	for _, r := range All() {
		files, err := filepath.Glob(filepath.Join("testdata", r.Name+"-*.txtar"))
		require.NoError(t, err)
		for _, file := range append(files, filepath.Join("testdata", r.Name+".txtar")) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { compare(t, file, r) })
		}
	}
}

func compare(t *testing.T, file string, r check.Rule) {
	t.Helper()
	in, _ := read(t, file)
	got := describe(only(all(in), r.Name))
	if filepath.Base(file) == r.Name+".txtar" {
		assert.NotEmpty(t, got, "a fixture has something to find")
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	before, _, _ := strings.Cut(string(data), "-- want --\n")
	golden.File(t, file, before+"-- want --\n"+got)
}

// What this repository shows as good has nothing to find.
func TestExamplesAreClean(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*/Dockerfile")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	for _, file := range examples {
		dir := path.Dir(file)
		t.Run(path.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if kind, err := dockerfile.Detect("Dockerfile", text); err == nil && kind == dockerfile.Dockerfile {
				return // it is there to show what is made of one as it stands
			}
			assert.Empty(t, describe(Run(input(t, os.DirFS(dir)))))
		})
	}
}

func TestConfig(t *testing.T) {
	bad := fstest.MapFS{
		"Dockerfile":     {Data: []byte("# check=skip=UnpinnedBase;error=true\nbase: debian\n")},
		"setup/notes.md": {},

		"entrypoint.d/entrypoint.sh": {Data: []byte("#!/bin/sh\nexec postgres\n")},
	}
	in := input(t, bad)
	assert.True(t, in.Config.ReturnAsError)
	assert.Empty(t, only(Run(in), "UnpinnedBase"))
	assert.NotEmpty(t, only(Run(in), "RunsAsRoot"))
	in.Config = &linter.Config{SkipAll: true}
	assert.Empty(t, Run(in))

	given := &linter.Config{}
	config, err := check.ParseConfig(in.Text, given)
	require.NoError(t, err)
	assert.Same(t, given, config, "the command line counts")
	_, err = check.ParseConfig([]byte("# check=nonsense\n"), nil)
	assert.Error(t, err)
}

// The same input gives the same findings in the same order, whatever the
// rules' maps think of it.
func TestRunIsDeterministic(t *testing.T) {
	for _, r := range All() {
		in, _ := read(t, filepath.Join("testdata", r.Name+".txtar"))
		first := all(in)
		for range 5 {
			if diff := cmp.Diff(first, all(in)); diff != "" {
				t.Fatalf("%s: %s", r.Name, diff)
			}
		}
		assert.Equal(t, slices.CompactFunc(slices.Clone(first), func(a, b check.Finding) bool { return a == b }), first, "each once")
	}
}

// large is a tree of setup scripts, helpers that all of them source, and
// entrypoint scripts.
func large(scripts int) fstest.MapFS {
	tree := fstest.MapFS{
		"Dockerfile":                 {Data: []byte("base: debian:bookworm-slim\nargs: {POSTGRESQL_VERSION: '15'}\nuser: {name: postgres, uid: 999}\n")},
		"setup/lib/common.sh":        {Data: []byte("log() { printf '%s\\n' \"$*\" >&2; }\nfetch() {\n    curl -fsSLo \"$2\" \"$1\"\n    echo \"$3  $2\" | sha256sum --check\n}\nbuild() {\n    ./configure --prefix=/usr/local\n    make -j\"$(nproc)\"\n    make install\n}\n")},
		"entrypoint.d/entrypoint.sh": {Data: []byte("#!/bin/sh\nset -eu\nfor f in /opt/container/entrypoint.d/scripts/*.sh; do . \"$f\"; done\nexec \"$@\"\n")},
	}
	for i := range scripts {
		var b strings.Builder
		b.WriteString("#!/bin/bash\nset -euo pipefail\n. \"$(dirname \"$0\")/../lib/common.sh\"\n")
		for n := range 12 {
			fmt.Fprintf(&b, "log \"part %d of $POSTGRESQL_VERSION\"\nfetch https://example.org/%d/%d.tar.gz /temp/%d 0123\nif [ -d /temp/%d ]; then (cd /temp/%d && build); fi\n", n, i, n, n, n, n)
		}
		tree[fmt.Sprintf("setup/scripts/%03d-part.sh", i)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	for i := range 40 {
		tree[fmt.Sprintf("entrypoint.d/scripts/%02d.sh", i)] = &fstest.MapFile{Data: []byte("f() { psql -c 'select 1'; }\n")}
	}
	return tree
}

// A tree of 500 scripts: what `--check` costs, reading and resolving included.
func BenchmarkLargeTree(b *testing.B) {
	tree := large(500)
	for b.Loop() {
		if list := Run(input(b, tree)); len(list) > 3 {
			b.Fatal(describe(list))
		}
	}
}

// An allowance of a rule that asks the built setup is judged where that has
// been asked.
func TestAllowancesOfTheContract(t *testing.T) {
	context, _ := split(map[string]string{
		"Dockerfile":                 "base: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\n",
		"entrypoint.d/entrypoint.sh": "#!/bin/sh\ntool # pgstrata: allow=EntrypointMissingCommand a volume brings it\n",
	})
	in := input(t, context)
	assert.Empty(t, Run(in))
	in.Setup = fstest.MapFS{"bin/sh": {Mode: 0o755}}
	assert.Empty(t, Run(in))
	assert.Empty(t, Read(in).Contract(in.Setup, in.Path))
	in.Setup = fstest.MapFS{"bin/sh": {Mode: 0o755}, "bin/tool": {Mode: 0o755}}
	assert.Empty(t, Run(in))
	assert.Len(t, only(Read(in).Contract(in.Setup, in.Path), "UnusedAllowance"), 1)
}
