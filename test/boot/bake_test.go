package boot

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/testenv"
)

// docker-bake.hcl of the example builds, tests and releases the image.
func TestBake(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Example(t, "postgresql")
	bake := func(arguments ...string) testenv.Output {
		cmd := env.Command(t, "docker", append([]string{"buildx", "bake", "--progress=plain"}, arguments...)...)
		cmd.Dir = dir
		// An emulator would be needed for the others.
		cmd.Env = append(cmd.Env, "REGISTRY="+env.Registry.Host+"/bake", "TAG=1", "PLATFORMS=linux/amd64")
		return testenv.Finish(t, cmd)
	}

	out := bake("--push") // group default
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stderr, "[test] a server starts, answers and stops")
	built := env.Registry.Image(t, "bake/postgresql:1")
	assert.Equal(t, []string{"/entrypoint.sh"}, built.Config.Config.Entrypoint)
}
