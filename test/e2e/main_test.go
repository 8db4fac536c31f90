// Package e2e builds on real daemons: what runs again after an edit, what is
// in the image, and what users see.
package e2e

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// small is a tree that builds in a second and has everything: a chain of
// scripts, args, scratch space, a cleanup, and all classes of entrypoint files.
func small() map[string]string {
	return map[string]string{
		"Dockerfile": `# syntax=localhost:5000/pgstrata:dev
base: debian:bookworm-slim
args: {ONE: "1", TWO: "2"}
user: {name: postgres, uid: 999, gid: 998, home: /var/lib/postgresql}
setup:
  build_artifacts: [/temp]
image:
  env: {LANG: C.UTF-8}
  labels: {version: "${ONE}"}
  expose: [5432]
  stop_signal: SIGINT
entrypoint:
  configuration_files:
    - {source: config/server.conf, target: /etc/server/server.conf, mode: "0640"}
tests:
  - {name: files are there, run: test/smoke.sh, timeout: 10s}
`,
		"setup/scripts/01-first.sh":              "#!/bin/sh\nset -eu\necho first >/first\ntouch /doomed /temp/scratch\n",
		"setup/scripts/02-second.sh":             "#!/bin/sh\nset -eu\necho \"$ONE\" >/second\ninstall -d -o postgres -g postgres -m 0700 /data\n",
		"setup/scripts/03-third.sh":              "#!/bin/sh\nset -eu\necho \"$TWO\" >/third\ntest ! -e /temp/scratch\n",
		"setup/scripts/99-cleanup.sh":            "#!/bin/sh\nset -eu\nrm /doomed\n",
		"entrypoint.d/entrypoint.sh":             "#!/bin/sh\nexec \"$@\"\n",
		"entrypoint.d/scripts/utils/log.sh":      "#!/bin/sh\necho log\n",
		"entrypoint.d/scripts/runtime/start.sh":  "#!/bin/sh\necho start\n",
		"entrypoint.d/scripts/runtime/health.sh": "#!/bin/sh\ntrue\n",
		"config/server.conf":                     "port = 5432\n",
		"test/smoke.sh":                          "#!/bin/sh\nset -eu\ntest -x /entrypoint.sh\ntest \"$(id -u):$(id -g)\" = 999:998\ntest \"$LANG\" = C.UTF-8\n",
	}
}

// change returns small with some files replaced, or deleted where the text is
// empty, each given as name and text.
func change(pairs ...string) map[string]string {
	files := small()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(files, pairs[i])
			continue
		}
		files[pairs[i]] = pairs[i+1]
	}
	return files
}

// build builds a tree with the frontend in this process, and fails the test
// when it fails.
func build(t *testing.T, env *testenv.Env, dir string, r testenv.Request) *testenv.Result {
	t.Helper()
	result, err := attempt(t, env, dir, r)
	require.NoError(t, err, "%s", result.Trace)
	return result
}

func attempt(t *testing.T, env *testenv.Env, dir string, r testenv.Request) (*testenv.Result, error) {
	t.Helper()
	r.Context = dir
	if r.Syntax == "" && r.Func == nil {
		r.Func = frontend.Build
	}
	return env.Daemon.Build(t.Context(), r)
}

// setupRan lists the steps of setup and toolchain that ran, by their labels.
func setupRan(trace *testenv.Trace) []string {
	return ranUnder(trace, "[setup ", "[toolchain]")
}

func ranUnder(trace *testenv.Trace, prefixes ...string) []string {
	ran := map[string]bool{}
	for _, name := range trace.RanNames() {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				_, label, _ := strings.Cut(name, "] ")
				ran[label] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(ran))
}

func write(t *testing.T, dir string, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		testenv.Write(t, filepath.Join(dir, pairs[i]), pairs[i+1])
	}
}

// warnings lists what a build warned of.
func warnings(trace *testenv.Trace) []string {
	var out []string
	for _, w := range trace.Warnings {
		out = append(out, string(w.Short))
	}
	return out
}
