//go:build full

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// docker buildx build makes several platforms at once, split and not. Split, it is
// through a frontend that the race detector watches: one that finds a race ends with
// an error. Not split, BuildKit's own code builds, in which v0.34 has a race: its
// cache of resolved base images writes one value twice.
func TestPlatformsAtOnce(t *testing.T) {
	env := testenv.Shared(t)
	syntax := map[string]string{"on": racing(t.Context(), t, env), "off": env.Frontend(t)}
	files := map[string]string{
		"Dockerfile": `FROM debian:bookworm-slim AS base
ARG TARGETARCH TARGETVARIANT
FROM base AS other
COPY setup /other
RUN /other/setup.sh
FROM base
COPY setup /setup
COPY conf-$TARGETARCH$TARGETVARIANT /conf
RUN /setup/setup.sh
COPY --from=other /steps /other
`,
		"setup/setup.sh":  "#!/bin/sh\nset -e\nfor f in \"$(dirname \"$0\")\"/s/*.sh; do sh \"$f\"; done\n",
		"setup/s/1.sh":    "mkdir -p /work\n",
		"setup/s/2.sh":    "echo 2 >>/steps\n",
		"conf-amd64":      "amd64",
		"conf-amd64v2":    "amd64v2",
		"conf-386":        "386",
		"conf-amd64v3":    "amd64v3",
		"setup/README.md": "none of the steps reads it",
	}
	platforms := []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "386"}, {OS: "linux", Architecture: "amd64", Variant: "v2"}, {OS: "linux", Architecture: "amd64", Variant: "v3"}}
	var names []string
	for _, p := range platforms {
		names = append(names, p.String())
	}
	dir := testenv.Tree(t, files)
	for round := range 3 {
		for split, steps := range map[string]string{"on": "-setup 1/2]", "off": "RUN /setup/setup.sh"} {
			image := fmt.Sprintf("raced:%s-%d", split, round)
			out := env.Buildx(t, "--progress=plain", "--provenance=false", "--no-cache", "--build-arg", "BUILDKIT_SYNTAX="+syntax[split],
				"--build-arg", "PGSTRATA_SPLIT="+split, "--platform", strings.Join(names, ","), "--push", "--tag", env.Registry.Ref(image), dir)
			require.Zero(t, out.Code, out.Stderr)
			assert.Contains(t, out.Stderr, steps)
			for _, p := range platforms {
				img := env.Registry.PlatformImage(t, image, p)
				for file, want := range map[string]string{"/conf": files["conf-"+p.Architecture+p.Variant], "/steps": "2\n", "/other": "2\n"} {
					got, err := img.Read(file)
					require.NoError(t, err)
					assert.Equal(t, want, string(got), "%s of %s", file, p.String())
				}
			}
		}
	}
}

// racing pushes a frontend image with the race detector in it, and returns its
// name.
func racing(ctx context.Context, t *testing.T, env *testenv.Env) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "pgstrata-frontend")
	compile := exec.CommandContext(ctx, "go", "build", "-race", "-tags", "netgo,osusergo", "-ldflags", "-linkmode external -extldflags -static", "-o", binary, "./cmd/pgstrata-frontend")
	compile.Dir = "../.."
	compile.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := compile.CombinedOutput()
	require.NoError(t, err, "%s", out)
	img, err := testenv.FrontendImage(binary)
	require.NoError(t, err)
	require.NoError(t, env.Registry.Push("pgstrata:race", img))
	return "localhost:5000/pgstrata:race"
}
