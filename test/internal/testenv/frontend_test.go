package testenv_test

import (
	"crypto/sha256"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// Dockerfile.frontend makes the image that all other tests use, byte for byte the same binary, though it is compiled
// elsewhere: neither the machine nor the moment shows in it.
func TestDockerfile(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	cmd := env.Command(t, "docker", "buildx", "build", "--file=Dockerfile.frontend", "--provenance=false",
		"--output=type=image,rewrite-timestamp=true,push=true,name="+env.Registry.Ref("pgstrata:dockerfile"), ".")
	cmd.Dir = "../../.."
	cmd.Env = append(cmd.Env, "SOURCE_DATE_EPOCH=0")
	out := testenv.Finish(t, cmd)
	require.Zero(t, out.Code, out.Stderr)

	want, got := env.Registry.Image(t, "pgstrata:dev"), env.Registry.Image(t, "pgstrata:dockerfile")
	require.Equal(t, want.Config.Config.Entrypoint, got.Config.Config.Entrypoint)
	for label, value := range want.Config.Config.Labels {
		require.Equal(t, value, got.Config.Config.Labels[label], label)
	}
	require.Len(t, got.Layers, 1)
	require.Equal(t, []string{"/bin/pgstrata-frontend"}, got.Layers[0].Paths())
	require.Less(t, got.Layers[0].Size, int64(30<<20))
	require.Equal(t, int64(0), got.Files()["/bin/pgstrata-frontend"].ModTime.Unix())
	require.Equal(t, binarySum(t, want), binarySum(t, got))
}

// The frontend image names all that the code of BuildKit in it can do, as the image of BuildKit's own frontend does.
func TestCapabilities(t *testing.T) {
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/buildkit").Output()
	require.NoError(t, err)
	want, err := testenv.ImageLabels(filepath.Join(strings.TrimSpace(string(module)), "frontend/dockerfile/cmd/dockerfile-frontend/Dockerfile"))
	require.NoError(t, err)
	got, err := testenv.ImageLabels("../../../Dockerfile.frontend")
	require.NoError(t, err)
	const label = "moby.buildkit.frontend.caps"
	require.NotEmpty(t, want[label])
	require.Equal(t, want[label], got[label])
}

func binarySum(t *testing.T, image *testenv.Image) [sha256.Size]byte {
	t.Helper()
	content, err := image.Read("/bin/pgstrata-frontend")
	require.NoError(t, err)
	return sha256.Sum256(content)
}
