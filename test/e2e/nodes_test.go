package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A builder of two remote daemons, one for each platform, makes one image of
// two platforms: each daemon builds its own.
func TestRemoteNodes(t *testing.T) {
	one, two := testenv.New(t), testenv.New(t)
	one.Frontend(t)
	two.Frontend(t)
	for _, arguments := range [][]string{
		{"buildx", "create", "--name", "farm", "--driver", "remote", "--platform", "linux/amd64", one.Daemon.Address},
		{"buildx", "create", "--name", "farm", "--append", "--driver", "remote", "--platform", "linux/arm64", two.Daemon.Address},
	} {
		out := one.Run(t, "docker", arguments...)
		require.Zero(t, out.Code, out.Stderr)
	}
	// The entrypoint's files alone: steps of a foreign platform would need a machine of that kind.
	out := one.Buildx(t, "--builder", "farm", "--progress=plain", "--provenance=false", "--platform", "linux/amd64,linux/arm64",
		"--target", "entrypoint", "--push", "--tag", one.Registry.Ref("farmed"), testenv.Tree(t, small()))
	require.Zero(t, out.Code, out.Stderr)
	amd := one.Registry.PlatformImage(t, "farmed", platform("amd64"))
	arm := one.Registry.PlatformImage(t, "farmed", platform("arm64"))
	assert.Equal(t, "amd64", amd.Config.Architecture)
	assert.Equal(t, "arm64", arm.Config.Architecture)
	assert.Equal(t, summary(amd.Files()), summary(arm.Files()))
	for name, env := range map[string]*testenv.Env{"one": one, "two": two} {
		usage, err := env.Daemon.Client.DiskUsage(t.Context())
		require.NoError(t, err)
		assert.NotEmpty(t, usage, "daemon %s built nothing", name)
	}
}
