//go:build explore

package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/testenv"
)

func TestServe(t *testing.T) {
	env := testenv.New(t, "--debugaddr", "127.0.0.1:6098")
	env.Frontend(t)
	bin := filepath.Join(t.TempDir(), "floor")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "./floor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	img, err := testenv.FrontendImage(bin)
	require.NoError(t, err)
	require.NoError(t, env.Registry.Push("floor:dev", img))
	c := env.Command(t, "true")
	var lines []string
	for _, e := range c.Env {
		for _, p := range []string{"BUILDKIT_HOST=", "BUILDX_BUILDER=", "DOCKER_CONFIG=", "DOCKER_HOST="} {
			if strings.HasPrefix(e, p) {
				lines = append(lines, "export "+e)
			}
		}
	}
	lines = append(lines, "export REG="+env.Registry.Host)
	require.NoError(t, os.WriteFile("/tmp/bench-env", []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	for {
		if _, err := os.Stat("/tmp/bench-env"); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}
