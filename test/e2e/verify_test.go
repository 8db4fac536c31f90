package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A Dockerfile is built both ways, by docker with the frontend image and by
// pgstrata itself. Where both give the same image, that is said; where a step
// makes what no two builds share, or sees that it was divided, each file is told.
func TestVerify(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	routes := map[string]func(dir string, more ...string) testenv.Output{
		"docker": func(dir string, more ...string) testenv.Output {
			return env.Buildx(t, append(more, "--progress=plain", "--provenance=false", "--build-arg=PGSTRATA_VERIFY=1",
				"--build-arg=BUILDKIT_SYNTAX=localhost:5000/pgstrata:dev", dir)...)
		},
		"pgstrata": func(dir string, more ...string) testenv.Output {
			return env.Run(t, testenv.Program(t, "pgstrata"), append(append([]string{"build"}, more...), "--progress=plain", "--verify", dir)...)
		},
	}
	for name, build := range routes {
		t.Run(name, func(t *testing.T) {
			files := ordinary()
			dir := testenv.Tree(t, files)
			out := build(dir)
			require.Zero(t, out.Code, out.Stderr)
			assert.Contains(t, out.Stderr, "the roots are equal, but for what is meant to differ")

			testenv.Write(t, dir+"/setup/scripts/03-step.sh", "#!/bin/bash\ncat /proc/sys/kernel/random/uuid >/etc/chance\nchmod 600 /etc/chance\n")
			out = build(dir)
			require.NotZero(t, out.Code, out.Stderr)
			for _, want := range []string{"/etc/chance:", "- file 0600 0:0 37 bytes", "+ file 0600 0:0 37 bytes", "1 files differ", "the rewritten Dockerfile gives another image", "PGSTRATA_SPLIT=off"} {
				assert.Contains(t, out.Stderr, want)
			}
			assert.NotContains(t, out.Stderr, "/etc/hostname:")

			out = build(dir, "--build-arg=PGSTRATA_SPLIT=off")
			require.Zero(t, out.Code, out.Stderr)
			assert.Contains(t, out.Stderr, "nothing was rewritten, so there is nothing to compare")
		})
	}
}

// A build file has no other way to be built.
func TestVerifyBuildFile(t *testing.T) {
	env := testenv.Shared(t)
	out := env.Run(t, testenv.Program(t, "pgstrata"), "build", "--progress=plain", "--verify", testenv.Tree(t, small()))
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "compares the two ways to build a Dockerfile")
}
