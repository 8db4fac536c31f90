package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What migrate says is to be run next, runs: in the end Docker's engine has the image.
func TestMigratePrintsWhatRunsNext(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	docker := env.Docker(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":     "FROM debian:bookworm-slim\nARG GREETING=hello\nCOPY setup /setup\nRUN /setup/setup.sh\nCOPY entrypoint.sh /entrypoint.sh\nENTRYPOINT [\"/entrypoint.sh\"]\n",
		"setup/setup.sh": "#!/bin/sh\nset -e\n/setup/1-greet.sh\n/setup/2-more.sh\n", "setup/1-greet.sh": "#!/bin/sh\necho \"$GREETING\" >/greeting\n",
		"setup/2-more.sh": "#!/bin/sh\necho more >>/greeting\n", "entrypoint.sh": "#!/bin/sh\nexec \"$@\"\n",
	})
	migrate := env.Command(t, program, "migrate")
	migrate.Dir = dir
	out := testenv.Finish(t, migrate)
	require.Zero(t, out.Code, out.Stderr)
	_, next, ok := strings.Cut(out.Stdout, "Next:\n")
	require.True(t, ok, out.Stdout)
	lines := strings.Split(strings.TrimSpace(next), "\n")
	require.Len(t, lines, 3)
	for _, line := range lines {
		words := strings.Fields(line)
		require.Equal(t, "pgstrata", words[0])
		cmd := env.Command(t, program, words[1:]...)
		cmd.Dir = dir
		out := testenv.Finish(t, cmd)
		require.Zero(t, out.Code, "%s\n%s%s", line, out.Stdout, out.Stderr)
	}
	assert.FileExists(t, filepath.Join(dir, "pgstrata.yaml"))
	ran := docker.CLI(t, "run", "--rm", "migrated", "cat", "/greeting")
	assert.Equal(t, "hello\nmore\n", ran.Stdout, ran.Stderr)
}
