package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What an old engine's own worker lacks is made up for.
//
// Debian's Docker Engine has a builder of its own that can neither merge nor
// diff: what its users see is the same image.
func TestDockerEngine(t *testing.T) {
	env := testenv.Shared(t)
	assertBuildsOn(t, env, env.Docker(t))
}

// assertBuildsOn builds a tree with an engine's own builder.
func assertBuildsOn(t *testing.T, env *testenv.Env, docker *testenv.Docker) {
	t.Helper()
	env.Frontend(t)
	tree := small()
	tree["Dockerfile"] = strings.NewReplacer(
		"localhost:5000/pgstrata:dev", env.Registry.Ref("pgstrata:dev"),
		"debian:bookworm-slim", env.Registry.Ref("library/debian:bookworm-slim"),
	).Replace(tree["Dockerfile"])
	dir := testenv.Tree(t, tree)
	build := func() testenv.Output {
		return docker.CLI(t, "build", "--progress=plain", "--network=host", "--tag", "engine", dir)
	}

	out := build()
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stderr, "[setup 2/4] 02-second.sh")

	run := docker.CLI(t, "run", "--rm", "--network=none", "engine", "sh", "-c",
		"id -u; cat /second; ls -d /doomed /temp /context /setup; stat -c '%U:%G %a' /etc/server/server.conf")
	assert.Equal(t, "999\n1\nroot:postgres 640\n", run.Stdout, run.Stderr)

	write(t, dir, "entrypoint.d/entrypoint.sh", "#!/bin/sh\nexec \"$@\" # edited\n")
	out = build()
	require.Zero(t, out.Code, out.Stderr)
	for _, script := range []string{"01-first.sh", "02-second.sh", "03-third.sh", "99-cleanup.sh"} {
		assert.True(t, cachedInPlain(out.Stderr, script), "%s ran again:\n%s", script, out.Stderr)
	}

	write(t, dir, "setup/scripts/03-third.sh", "#!/bin/sh\nexit 9\n")
	out = build()
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "exit code: 9")
}

// cachedInPlain tells whether plain progress calls a step cached, or does not
// mention it, as when a later one was found in the cache.
func cachedInPlain(progress, step string) bool {
	id := ""
	for line := range strings.Lines(progress) {
		number, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(rest, "[setup ") && strings.HasSuffix(rest, step) {
			id = number
		} else if id != "" && number == id && rest == "CACHED" {
			return true
		}
	}
	return id == ""
}
