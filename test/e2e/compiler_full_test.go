//go:build full

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A compile step that runs again is served by ccache, unasked.
func TestCompilerCache(t *testing.T) {
	env := testenv.Shared(t)
	const script = "#!/bin/sh\nset -eu\nexport CCACHE_STATSLOG=/tmp/stats\n" +
		"echo 'int main(void) { return 0; }' >/tmp/a.c\ngcc -c -o /tmp/a.o /tmp/a.c\ngcc -o /opt/a /tmp/a.o\nccache --show-log-stats\n"
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup:\n  dependencies: {build: [gcc, libc6-dev, ccache]}\n" +
			"  scripts: [{path: setup/scripts/01-a.sh, outputs: [/opt/a]}]\n",
		"setup/scripts/01-a.sh": script,
	})
	first := build(t, env, dir, testenv.Request{Image: "compiled"})
	assert.Regexp(t, `Hits: +0 /`, first.Trace.Logs("01-a.sh"))
	write(t, dir, "setup/scripts/01-a.sh", script+"# edited\n")
	again := build(t, env, dir, testenv.Request{Image: "compiled"})
	assert.Regexp(t, `Hits: +1 /`, again.Trace.Logs("01-a.sh"))
	assert.Equal(t, first.Digest, again.Digest, "the same program, so the same image")
	assert.False(t, has(env.Registry.Image(t, "compiled").Files(), "/usr/bin/gcc"))
}
