package boot

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// compose.yaml of the example builds the image and runs it.
func TestCompose(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	env.Docker(t)
	dir, port := testenv.Example(t, "postgresql"), testenv.FreePort(t)
	compose := func(arguments ...string) *exec.Cmd {
		cmd := env.Command(t, "docker", append([]string{"compose", "--progress=plain"}, arguments...)...)
		cmd.Dir = dir
		cmd.Env = append(cmd.Env, "COMPOSE_PROJECT_NAME=boot", "POSTGRES_PASSWORD="+password, "PORT="+port)
		return cmd
	}
	t.Cleanup(func() {
		down := compose("down", "--volumes", "--timeout=0")
		down = exec.CommandContext(context.Background(), down.Path, down.Args[1:]...) // the test's own context is over
		down.Dir, down.Env = dir, compose().Env
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("docker compose down: %v: %s", err, out)
		}
	})
	out := testenv.Finish(t, compose("up", "--build", "--wait"))
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stderr, "Image postgres-patroni Built")

	version := testenv.Finish(t, compose("exec", "--no-TTY", "database", "psql", "--no-align", "--tuples-only", "--command=SELECT version()"))
	assert.True(t, strings.HasPrefix(version.Stdout, "PostgreSQL 15."), version)
	out = testenv.Finish(t, compose("stop"))
	require.Zero(t, out.Code, out.Stderr)
	log := testenv.Finish(t, compose("logs", "--no-color"))
	assert.Contains(t, log.Stdout, "database system is shut down")
	assert.NotContains(t, log.Stdout, password)
}
