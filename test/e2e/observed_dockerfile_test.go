package e2e

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/test/testenv"
)

// copiesAll is a Dockerfile with all of its tree above its steps, as most have it,
// and stand-ins for what such steps run: a package manager that reads its two files
// and looks for a third, a compiler driver that lists a directory and looks for an
// override, and a tool that comes after them.
func copiesAll() map[string]string {
	return map[string]string{
		"Dockerfile": `FROM debian:bookworm-slim
WORKDIR /app
COPY . .
RUN sh tools/install
RUN sh tools/make
RUN cat docs/*.md >/manual && rm docs/draft.md && test out/main.o -nt src/main.c
ENV LAST=1
RUN echo $LAST >/last
`,
		"tools/install": `set -e
mkdir -p node_modules
cat package.json package-lock.json >node_modules/.lock
if [ -e .npmrc ]; then cat .npmrc >>node_modules/.lock; fi
date +%s%N >/tmp/when-installed
`,
		"tools/make": `set -e
mkdir -p out
for f in src/*.c; do cp "$f" out/$(basename "$f" .c).o; done
if [ -e src/config.h ]; then cat src/config.h >out/config; fi
cat node_modules/.lock >out/lock
stat -c %a src/main.c >out/mode
`,
		"package.json": "{}\n", "package-lock.json": "lock\n", "README": "read me\n",
		"src/main.c": "main\n", "src/other.c": "other\n", "docs/a.md": "a\n", "docs/draft.md": "draft\n", "assets/logo.svg": "<svg/>\n",
	}
}

// A Dockerfile whose steps were observed runs no more than what read what was
// edited, and its image is that of a build without any cache.
func TestObservedDockerfile(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	dir := testenv.Tree(t, copiesAll())
	out := env.Run(t, program, "observe", "--write", "--progress=plain", dir)
	require.Zero(t, out.Code, "%s\n%s", out.Stdout, out.Stderr)
	t.Log(out.Stdout)
	record := filepath.Join(dir, "Dockerfile"+narrow.Suffix)
	written, err := os.ReadFile(record)
	require.NoError(t, err)
	t.Logf("%s", written)
	assert.Contains(t, out.Stdout, "4 of 4 steps that see copied files need no more than what they read.")

	steps := func(options map[string]string) []string {
		res := build(t, env, dir, testenv.Request{Image: "observed-dockerfile", Options: options})
		var list []string
		for _, name := range ranUnder(res.Trace, "[") {
			if text, is := strings.CutPrefix(name, "RUN "); is {
				list = append(list, text)
			}
		}
		return list
	}
	const install, compile, manual, last = "sh tools/install", "sh tools/make", "cat docs/*.md >/manual && rm docs/draft.md && test out/main.o -nt src/main.c", "echo 1 >/last"
	assert.Empty(t, steps(nil), "what was proven is what is built")
	now := time.Now()
	for name := range copiesAll() { // as after a checkout: what was made is older
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), now, now))
	}
	for _, edit := range []struct {
		name, file, text string
		want             []string
	}{
		{"an unread file", "README", "edited\n", nil},
		{"another", "assets/logo.svg", "<svg>edited</svg>\n", nil},
		{"a new file", "assets/new.svg", "<svg/>\n", nil},
		{"a file that the last step reads", "docs/a.md", "edited\n", []string{manual, last}},
		{"a new name in a directory that is listed", "src/new.c", "new\n", []string{compile, manual, last}},
		{"a file that was looked for in vain", "src/config.h", "x\n", []string{compile, manual, last}},
		{"a file that the first step reads", "package.json", "{\"a\":1}\n", []string{install, compile, manual, last}},
		{"a file that it looked for in vain", ".npmrc", "x\n", []string{install, compile, manual, last}},
	} {
		t.Run(edit.name, func(t *testing.T) {
			file := filepath.Join(dir, edit.file)
			before, err := os.ReadFile(file)
			testenv.Write(t, file, edit.text)
			assert.ElementsMatch(t, edit.want, steps(nil))
			same(t, env, dir)
			if err != nil {
				require.NoError(t, os.Remove(file))
			} else {
				testenv.Write(t, file, string(before))
			}
		})
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "src/main.c"), 0o755))
	assert.ElementsMatch(t, []string{compile, manual, last}, steps(nil), "a mode that a step looks at")
	same(t, env, dir)
}

// same compares the image that was built last with one that is built without cache,
// by BuildKit's own frontend.
func same(t *testing.T, env *testenv.Env, dir string) {
	t.Helper()
	_, err := env.Daemon.Build(t.Context(), testenv.Request{Context: dir, Image: "observed-dockerfile:plain", SolveOpt: client.SolveOpt{Frontend: "dockerfile.v0"}, Options: map[string]string{"no-cache": ""}})
	require.NoError(t, err)
	got, want := contents(t, env.Registry.Image(t, "observed-dockerfile")), contents(t, env.Registry.Image(t, "observed-dockerfile:plain"))
	delete(got, "/tmp/when-installed")
	delete(want, "/tmp/when-installed")
	assert.Equal(t, want, got)
}

// contents are the files of an image, with what is in those that its steps made or
// copied.
func contents(t *testing.T, img *testenv.Image) map[string]string {
	t.Helper()
	out := summary(img.Files())
	for name, e := range img.Files() {
		if e.Type == tar.TypeReg && (strings.HasPrefix(name, "/app/") || name == "/manual" || name == "/last") {
			data, err := img.Read(name)
			require.NoError(t, err)
			out[name] += " " + string(data)
		}
	}
	return out
}
