//go:build full

package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A fresh runner's compile is served by ccache, its packages by apt's cache:
// through a folder with `pgstrata build`, and through a registry with plain
// `docker buildx build`.
func TestCompilerCacheTravels(t *testing.T) {
	here := testenv.Shared(t)
	here.Frontend(t)
	const script = "#!/bin/sh\nset -eu\nexport CCACHE_STATSLOG=/tmp/stats\n" +
		"echo 'int main(void) { return 7; }' >/tmp/a.c\ngcc -c -o /tmp/a.o /tmp/a.c\ngcc -o /opt/a /tmp/a.o\nccache --show-log-stats\n"
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\nsetup:\n  dependencies: {build: [gcc, libc6-dev, ccache]}\n" +
			"  scripts: [{path: setup/scripts/01-a.sh, outputs: [/opt/a]}]\n",
		"setup/scripts/01-a.sh": script,
	})
	folder, ref := filepath.Join(t.TempDir(), "caches"), here.Registry.Ref("caches:compiler")
	pgstrata := testenv.Program(t, "pgstrata")
	for _, to := range []string{folder, ref} {
		out := here.Run(t, pgstrata, "build", "--progress=plain", "--cache-mounts-to", to, dir)
		require.Zero(t, out.Code, out.Stderr)
	}

	byFolder := testenv.New(t)
	out := byFolder.Run(t, pgstrata, "build", "--progress=plain", "--cache-mounts-from", folder, dir)
	require.Zero(t, out.Code, out.Stderr)
	assertServed(t, out.Stderr)

	byRegistry := testenv.New(t)
	byRegistry.Frontend(t)
	out = byRegistry.Buildx(t, "--progress=plain", "--build-context", "pgstrata-caches=docker-image://"+ref, dir)
	require.Zero(t, out.Code, out.Stderr)
	assertServed(t, out.Stderr)
	plain := build(t, byRegistry, dir, testenv.Request{})
	assert.Empty(t, setupRan(plain.Trace), "the same keys without the context\n%s", plain.Trace)
}

func assertServed(t *testing.T, progress string) {
	t.Helper()
	assert.Contains(t, progress, "[caches] prime ")
	assert.Regexp(t, `Hits: +1 /`, progress)
	assert.Regexp(t, `Need to get 0 B/[0-9.]+ MB of archives`, progress)
}
