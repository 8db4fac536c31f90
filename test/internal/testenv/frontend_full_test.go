//go:build full

package testenv_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The frontend image is the same, byte for byte, from two fresh daemons.
func TestDockerfileIsReproducible(t *testing.T) {
	digest := func() string {
		env := testenv.New(t)
		cmd := env.Command(t, "docker", "buildx", "build", "--file=Dockerfile.frontend", "--provenance=false",
			"--output=type=image,rewrite-timestamp=true,push=true,name="+env.Registry.Ref("pgstrata:reproduced"), ".")
		cmd.Dir = "../../.."
		cmd.Env = append(cmd.Env, "SOURCE_DATE_EPOCH=0")
		out := testenv.Finish(t, cmd)
		require.Zero(t, out.Code, out.Stderr)
		return env.Registry.Image(t, "pgstrata:reproduced").Digest
	}
	require.Equal(t, digest(), digest())
}
