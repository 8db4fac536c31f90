package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What README promises to somebody who has Docker alone: an ordinary tree, a
// builder that buildx made, two builds; then a build file by the program, which
// finds that builder by itself.
func TestNewUser(t *testing.T) {
	env := testenv.Shared(t)
	frontend := env.Frontend(t)
	user := env.NewUser(t)
	dir := testenv.Tree(t, ordinary())
	docker := func(arguments ...string) testenv.Output {
		t.Helper()
		return user.Run(t, dir, "docker", arguments...)
	}
	build := func() testenv.Output {
		t.Helper()
		out := docker("buildx", "build", "--progress=plain", "--build-arg", "BUILDKIT_SYNTAX="+frontend, "--tag", "new-user", "--load", ".")
		require.Zero(t, out.Code, out.Stderr)
		return out
	}

	first := build()
	assert.Contains(t, first.Stderr, "bash /setup/scripts/03-step.sh")
	run := docker("run", "--rm", "--network=none", "new-user", "cat", "/steps")
	require.Zero(t, run.Code, run.Stderr)
	assert.Equal(t, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n", run.Stdout)

	write(t, dir, "setup/scripts/14-step.sh", "#!/bin/bash\nset -eu\necho edited >>/steps\n")
	second := build()
	assert.True(t, cachedInPlain(second.Stderr, "13-step.sh"), second.Stderr)
	run = docker("run", "--rm", "--network=none", "new-user", "tail", "-n", "1", "/steps")
	assert.Equal(t, "edited\n", run.Stdout, run.Stderr)

	program := testenv.Program(t, "pgstrata")
	pgstrata := func(arguments ...string) testenv.Output {
		t.Helper()
		out := user.Run(t, dir, program, arguments...)
		require.Zero(t, out.Code, out.Stderr)
		return out
	}
	pgstrata("migrate", ".")
	pgstrata("build", "--file", "pgstrata.yaml", "--tag", "migrated", "--load", ".")
	run = docker("run", "--rm", "--network=none", "migrated", "tail", "-n", "1", "/steps")
	assert.Equal(t, "edited\n", run.Stdout, run.Stderr)
}
