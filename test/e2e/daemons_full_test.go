//go:build full

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// releases are the daemons that hack/daemons builds, the oldest that is
// promised to work first.
func releases() []string { return []string{"v0.12.5", "v0.13.2", "v0.16.0", "v0.20.2", "v0.25.2"} }

// mixed is a tree with packages, a chain, isolated scripts that need one
// another, a cache, a cleanup and tests: everything that LLB is used for.
func mixed() map[string]string {
	tree := small()
	tree["Dockerfile"] = `# syntax=localhost:5000/pgstrata:dev
base: debian:bookworm-slim
args: {ONE: "1", TWO: "2"}
user: {name: postgres, uid: 999, gid: 998, home: /var/lib/postgresql}
setup:
  dependencies: {build: [xz-utils], runtime: [netbase]}
  build_artifacts: [/temp]
  scripts:
    - {path: setup/scripts/01-first.sh, caches: [/var/cache/first]}
    - setup/scripts/02-second.sh
    - setup/scripts/03-third.sh
    - {path: setup/lib.sh, outputs: [/opt/lib]}
    - {path: setup/tool.sh, outputs: [/opt/tool], needs: [lib]}
tests:
  - {name: files are there, run: test/smoke.sh, timeout: 10s}
`
	tree["setup/lib.sh"] = "#!/bin/sh\nset -eu\nxz --version >/dev/null\nmkdir /opt/lib\necho lib >/opt/lib/a\n"
	tree["setup/tool.sh"] = "#!/bin/sh\nset -eu\ncp /opt/lib/a /opt/tool\n"
	tree["setup/scripts/01-first.sh"] = "#!/bin/sh\nset -eu\n[ ! -e /var/cache/first/x ] || echo served\ntouch /var/cache/first/x\necho first >/first\ntouch /doomed\n"
	tree["test/smoke.sh"] = "#!/bin/sh\nset -eu\ntest -e /opt/tool\ntest ! -e /doomed\ntest ! -e /usr/bin/xz\n"
	return tree
}

// Older daemons give the same files, cache as well, and fill cache mounts.
func TestOlderDaemons(t *testing.T) {
	newest := testenv.Shared(t)
	build(t, newest, testenv.Tree(t, mixed()), testenv.Request{Image: "older"})
	want := summary(newest.Registry.Image(t, "older").Files())
	for _, release := range releases() {
		t.Run(release, func(t *testing.T) {
			env := testenv.NewRelease(t, release)
			syntax := env.Frontend(t)
			info, err := env.Daemon.Client.Info(t.Context())
			require.NoError(t, err)
			require.Equal(t, release, info.BuildkitVersion.Version)

			dir := testenv.Tree(t, mixed())
			request := func(pairs ...string) testenv.Request {
				r := testenv.Request{Syntax: syntax, Image: "older", Options: map[string]string{}}
				for i := 0; i < len(pairs); i += 2 {
					r.Options[pairs[i]] = pairs[i+1]
				}
				return r
			}
			build(t, env, dir, request())
			assert.Equal(t, want, summary(env.Registry.Image(t, "older").Files()))

			again := build(t, env, dir, request())
			assert.Empty(t, setupRan(again.Trace), "%s", again.Trace)
			write(t, dir, "entrypoint.d/entrypoint.sh", "#!/bin/sh\nexec \"$@\" # edited\n")
			edited := build(t, env, dir, request())
			assert.Empty(t, setupRan(edited.Trace), "%s", edited.Trace)
			assert.Equal(t, []string{"entrypoint: /entrypoint.sh"}, ranUnder(edited.Trace, "[entrypoint]"))
			build(t, env, dir, request("target", graph.TestState))

			saved := request("target", graph.CachesTarget)
			saved.Image = "older-caches"
			build(t, env, dir, saved)
			fresh := testenv.NewRelease(t, release)
			fresh.Frontend(t)
			moved := build(t, fresh, dir, request("context:pgstrata-caches", "docker-image://"+env.Registry.Ref("older-caches")))
			assert.Equal(t, "served\n", moved.Trace.Logs("01-first.sh"), "%s", moved.Trace)
		})
	}
}
