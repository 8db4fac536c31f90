package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What has moved is told, with what it would run again; and each thing can be moved by itself.
func TestOutdated(t *testing.T) {
	env := testenv.Shared(t)
	base := func(text string) {
		build(t, env, testenv.Tree(t, map[string]string{
			"Dockerfile":            "base: debian:bookworm-slim\n",
			"setup/scripts/01-a.sh": "#!/bin/sh\necho " + text + " >/etc/base-version\n",
		}), testenv.Request{Image: "company/moves:1"})
	}
	base("one")
	repo := testenv.NewAptRepository(t)
	repo.Add(t, "probe", "1.0", "opt/probe", "one\n")
	site := newUpstream(t, tarball(t, "program-1.0", "main.c", "one\n"))
	git, url := gitServer(t)
	commit(t, git, "main.c", "git one\n", "v1.9.0")
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": fmt.Sprintf(`base: company/moves:1
setup:
  base: debian:bookworm-slim
  repositories: [{name: ours, uris: ["%s"], suites: [stable], signed_by: setup/keys/ours.asc}]
  dependencies: {image: [probe]}
  sources:
    program: {url: "%s/program.tar.gz", strip: 1}
    tool: {git: "%s", ref: v1.9.0}
  scripts:
    - {path: setup/program.sh, sources: [program], outputs: [/opt/program]}
    - {path: setup/tool.sh, sources: [tool], outputs: [/opt/tool]}
entrypoint: {configuration_files: []}
`, repo.URL, site.URL, url),
		"setup/keys/ours.asc": repo.Key,
		"setup/program.sh":    "#!/bin/sh\nset -eu\ncp /context/sources/program/main.c /opt/program\n",
		"setup/tool.sh":       "#!/bin/sh\nset -eu\ncp /context/sources/tool/main.c /opt/tool\n",
	})
	pgstrata := testenv.Program(t, "pgstrata")
	run := func(code int, args ...string) string {
		t.Helper()
		out := env.Run(t, pgstrata, append(args, "--progress=quiet", dir)...)
		require.Equal(t, code, out.Code, "%s%s", out.Stdout, out.Stderr)
		return out.Stdout
	}
	lockText := func() string {
		data, err := os.ReadFile(filepath.Join(dir, "Dockerfile.lock"))
		require.NoError(t, err)
		return string(data)
	}
	out := env.Run(t, pgstrata, "outdated", "--progress=quiet", dir)
	assert.Equal(t, 1, out.Code)
	assert.Contains(t, out.Stderr, "there is no Dockerfile.lock; write it with `pgstrata lock`")
	run(0, "lock")
	run(0, "build")
	assert.Equal(t, "Nothing has moved.\n", run(0, "outdated"))

	base("two")
	repo.Add(t, "probe", "1.1", "opt/probe", "two\n")
	second := tarball(t, "program-1.0", "main.c", "two\n")
	site.data.Store(&second)
	commit(t, git, "main.c", "git two\n", "v1.10.0")
	commit(t, git, "main.c", "git three\n", "v2.0.0-rc1")
	var list []struct {
		Kind, Name, Locked, Now, Newer string
		Runs, Perhaps                  []string
	}
	require.NoError(t, json.Unmarshal([]byte(run(3, "outdated", "--format=json")), &list))
	got := map[string]string{}
	for _, m := range list {
		got[m.Kind+" "+m.Name] = m.Newer + " " + strings.Join(m.Runs, ", ") + " / " + strings.Join(m.Perhaps, ", ")
		assert.NotEqual(t, m.Locked, m.Now)
	}
	assert.Equal(t, map[string]string{
		"base company/moves:1": " repositories, runtime packages, linker's cache / ",
		"package probe":        " runtime packages, linker's cache / ",
		"source program":       " source program / unpacking of program, program.sh, linker's cache",
		"source tool":          "v1.10.0 source tool / tool.sh, linker's cache",
	}, got)
	t.Log(run(3, "outdated"))
	table := run(3, "outdated", "--format=markdown")
	t.Log(table)
	assert.Contains(t, table, "| package probe | `1.0` | `1.1` | runs runtime packages, linker's cache")

	before := lockText()
	out = env.Run(t, pgstrata, "lock", "--update=company/moves:1", "--progress=rawjson", dir)
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stderr, "runtime packages: probe")
	assert.NotRegexp(t, `"\[setup \d/\d\] [^"]*","started":"[^"]*"}`, out.Stderr, "it compiles nothing")
	after := lockText()
	assert.Equal(t, 1, differing(before, after), "a base that moves is one line\n%s", after)
	traced := build(t, env, dir, testenv.Request{Image: "outdated", Options: map[string]string{"build-arg:PGSTRATA_LOCKED": "1"}})
	assert.Empty(t, setupRan(traced.Trace), "what is locked is what was built")

	run(0, "lock", "--update=program,probe")
	assert.Contains(t, lockText(), "probe: \"1.1\"")
	assert.Contains(t, lockText(), digestOf(second))
	require.NoError(t, json.Unmarshal([]byte(run(3, "outdated", "--format=json")), &list))
	require.Len(t, list, 1)
	assert.Equal(t, "v1.10.0", list[0].Newer)

	out = env.Run(t, pgstrata, "lock", "--update=nothing", "--progress=quiet", dir)
	assert.Equal(t, 1, out.Code)
	assert.Contains(t, out.Stderr, "nothing is to be updated, and is neither a base image, nor a source, nor a package that is locked")
}

// differing counts the lines that differ of two texts with as many lines.
func differing(a, b string) int {
	n := 0
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		if i >= len(x) || i >= len(y) || x[i] != y[i] {
			n++
		}
	}
	return n
}

// A source that the build file pins by a checksum has no lock file: what its address has today is told all the same.
func TestOutdatedChecksum(t *testing.T) {
	env := testenv.Shared(t)
	first := tarball(t, "program-1.0", "main.c", "outdated one\n")
	site := newUpstream(t, first)
	pgstrata := testenv.Program(t, "pgstrata")
	dir := testenv.Tree(t, compiled(fmt.Sprintf("program: {url: %s/program.tar.gz, checksum: %q, strip: 1}", site.URL, digestOf(first))))
	outdated := func(code int) string {
		out := env.Run(t, pgstrata, "outdated", "--progress=quiet", dir)
		require.Equal(t, code, out.Code, "%s%s", out.Stdout, out.Stderr)
		return out.Stdout
	}
	assert.Equal(t, "Nothing has moved.\n", outdated(0))

	second := tarball(t, "program-1.0", "main.c", "outdated two\n")
	site.data.Store(&second)
	said := outdated(3)
	assert.Contains(t, said, "source program (edit the build file)")
	assert.Contains(t, said, "runs source program, and perhaps unpacking of program, build.sh")

	site.Close()
	said = outdated(3)
	assert.Contains(t, said, "source program (edit the build file)")
	assert.Contains(t, said, "what it is today nobody tells")
	assert.NotContains(t, said, "runs")
}
