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
	"github.com/pgstrata/pgstrata/test/internal/testenv"
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

// contents are the files of an image, with what is in those that are not the base's.
func contents(t *testing.T, img *testenv.Image) map[string]string {
	t.Helper()
	out := summary(img.Files())
	for name, e := range img.Files() {
		base := strings.HasPrefix(name, "/usr/") || strings.HasPrefix(name, "/var/") || strings.HasPrefix(name, "/etc/") && !strings.HasPrefix(name, "/etc/project/")
		if e.Type == tar.TypeReg && !base {
			data, err := img.Read(name)
			require.NoError(t, err)
			out[name] += " " + string(data)
		}
	}
	return out
}

// Stages, owners, users and mounts: what comes from another stage counts as what that
// was made of.
func TestObservedStages(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	const text = `FROM debian:bookworm-slim AS builder
WORKDIR /src
COPY --chown=7:8 . .
RUN mkdir out && cat src/*.c >out/program && stat -c '%u:%g %n' src/* >out/owners
RUN --mount=type=bind,source=docs/a.md,target=/mnt/a.md cat /mnt/a.md >manual

FROM debian:bookworm-slim
RUN useradd app
COPY --from=builder /src/out /opt/out
COPY conf/ /etc/project/
RUN cat /opt/out/program /etc/project/a.conf >/both
USER app
WORKDIR /home/app
RUN cat /etc/project/b.conf >mine
COPY --from=builder /src/manual /manual
`
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": text,
		"src/main.c": "main\n", "docs/a.md": "a\n", "docs/b.md": "b\n", "conf/a.conf": "a\n", "conf/b.conf": "b\n", "README": "r\n",
	})
	observe := func(flag string, code int) string {
		out := env.Run(t, program, "observe", flag, "--progress=plain", dir)
		require.Equal(t, code, out.Code, "%s\n%s", out.Stdout, out.Stderr)
		return out.Stdout
	}
	assert.Contains(t, observe("--write", 0), "4 of 4 steps that see copied files need no more than what they read.")
	steps := func() []string {
		var list []string
		for _, name := range ranUnder(build(t, env, dir, testenv.Request{Image: "observed-dockerfile"}).Trace, "[") {
			if text, is := strings.CutPrefix(name, "RUN "); is {
				list = append(list, text)
			}
		}
		same(t, env, dir)
		return list
	}
	const compile, both, mine = "mkdir out && cat src/*.c >out/program && stat -c '%u:%g %n' src/* >out/owners", "cat /opt/out/program /etc/project/a.conf >/both", "cat /etc/project/b.conf >mine"
	const manual = "--mount=type=bind,source=docs/a.md,target=/mnt/a.md cat /mnt/a.md >manual"
	write(t, dir, "README", "edited\n", "docs/b.md", "edited\n")
	assert.Empty(t, steps())
	write(t, dir, "conf/b.conf", "edited\n")
	assert.Equal(t, []string{mine}, steps())
	observe("--check", 1)
	write(t, dir, "conf/b.conf", "b\n", "docs/a.md", "edited\n")
	mounted := steps()
	assert.Contains(t, mounted, manual)
	assert.NotContains(t, mounted, compile)
	write(t, dir, "docs/a.md", "a\n", "src/main.c", "edited\n")
	assert.ElementsMatch(t, []string{compile, manual, both, mine}, steps(), "what another stage was made of")
	assert.Contains(t, observe("--check", 1), "Dockerfile:4: RUN "+compile[:20])
	write(t, dir, "Dockerfile", strings.Replace(text, ">out/owners", ">out/owners && ls -l src >times", 1))
	assert.Contains(t, observe("--write", 0), "3 of 4 steps")
	observe("--check", 0)
	write(t, dir, "Dockerfile", text)
	observe("--write", 0)
	observe("--check", 0)
	assert.Empty(t, steps())
}

// A step that looks elsewhere where it runs anew fails with what it was observed to
// read; then all steps see all.
func TestObservedStepThatLooksElsewhere(t *testing.T) {
	program := testenv.Program(t, "pgstrata")
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "FROM debian:bookworm-slim\nCOPY . /app\nRUN --mount=type=secret,id=which cat /app/$(cat /run/secrets/which) >/it\n",
		"a":          "a\n", "b": "b\n",
	})
	secret := filepath.Join(t.TempDir(), "which")
	testenv.Write(t, secret, "a")
	env := testenv.Shared(t)
	out := env.Run(t, program, "observe", "--write", "--progress=plain", "--secret=id=which,src="+secret, dir)
	require.Zero(t, out.Code, "%s", out.Stderr)
	assert.Contains(t, out.Stdout, "1 of 1 steps")
	testenv.Write(t, secret, "b")
	other := testenv.New(t)
	out = other.Run(t, program, "build", "--progress=plain", "--secret=id=which,src="+secret, "--output=type=local,dest="+dir+"/out", dir)
	require.Zero(t, out.Code, "%s", out.Stderr)
	assert.Contains(t, out.Stderr, "a step fails with no more than what it was observed to read; all steps see all files now")
	text, err := os.ReadFile(filepath.Join(dir, "out/it"))
	require.NoError(t, err)
	assert.Equal(t, "b\n", string(text))
}

// Inside a driver that was split and became one layer, and after it, steps see no more
// than what they read.
func TestObservedDriver(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `FROM debian:bookworm-slim
RUN printf '#!/bin/sh\nexec cat /src/tools/data\n' >/usr/bin/tool && chmod 755 /usr/bin/tool
COPY . /src
RUN /src/setup/setup.sh
COPY conf /etc/project
RUN cat /src/docs/a.md /etc/project/a.conf /made >/last
`,
		"setup/setup.sh":  "#!/bin/sh\nset -e\nmkdir -p /build\n/src/setup/1-make.sh\n/src/setup/2-list.sh\nrm -rf /build\n",
		"setup/1-make.sh": "#!/bin/sh\nset -e\ncat /src/main.c >/build/out\ncp /build/out /made\n",
		"setup/2-list.sh": "#!/bin/sh\nset -e\nls /src/docs >/listed\ntool >>/listed\n",
		"tools/data":      "data\n", "main.c": "main\n", "README": "r\n", "docs/a.md": "a\n", "docs/b.md": "b\n", "conf/a.conf": "a\n", "conf/b.conf": "b\n",
	})
	out := env.Run(t, program, "observe", "--write", "--progress=plain", dir)
	require.Zero(t, out.Code, "%s\n%s", out.Stdout, out.Stderr)
	t.Log(out.Stdout)
	steps := func() []string {
		var list []string
		for _, name := range ranUnder(build(t, env, dir, testenv.Request{Image: "observed-dockerfile"}).Trace, "[") {
			if text, is := strings.CutPrefix(name, "RUN "); is {
				list = append(list, text)
			}
		}
		same(t, env, dir)
		return list
	}
	const first, second, last = "/src/setup/1-make.sh", "/src/setup/2-list.sh", "cat /src/docs/a.md /etc/project/a.conf /made >/last"
	assert.Empty(t, steps())
	write(t, dir, "README", "edited\n", "docs/b.md", "edited\n", "conf/b.conf", "edited\n")
	assert.Empty(t, steps(), "what nothing reads")
	write(t, dir, "conf/a.conf", "edited\n")
	assert.Equal(t, []string{last}, steps(), "what the step after it reads")
	write(t, dir, "conf/a.conf", "a\n", "docs/c.md", "new\n")
	listed := steps()
	assert.Subset(t, listed, []string{second, last}, "a directory that a step inside lists")
	assert.NotContains(t, listed, first)
	write(t, dir, "main.c", "edited\n")
	assert.Subset(t, steps(), []string{first, second, last}, "what a step inside reads")
}
