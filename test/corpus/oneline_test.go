package corpus

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// TestOneLineOrNone is what a user of an ordinary tree sees who adds one
// argument to the command: a Dockerfile with one RUN of a driver, fifteen
// scripts and a cleanup.
func TestOneLineOrNone(t *testing.T) {
	p := newProver(testenv.Shared(t))
	syntax := "BUILDKIT_SYNTAX=" + p.env.Frontend(t)
	s, err := readSpecimen("testdata/driver-classic.txtar")
	require.NoError(t, err)
	v, err := p.prove(t.Context(), s)
	require.NoError(t, err)
	assert.Empty(t, v.mismatches, "the files are those of dockerfile.v0")

	dir := t.TempDir()
	require.NoError(t, s.write(dir))
	build := func(arguments ...string) []string {
		arguments = append([]string{"--progress=rawjson", "--build-arg", syntax}, arguments...)
		out := p.env.Buildx(t, append(arguments, dir)...)
		require.Zero(t, out.Code, out.Stderr)
		return scriptsRan(out.Trace(t))
	}
	all := build("--no-cache")
	require.Len(t, all, 16, "each script is a step")
	assert.Equal(t, "99-cleanup.sh", all[15])
	assert.Empty(t, build(), "nothing was edited")

	edit(t, dir, "setup/scripts/14-verify.sh")
	assert.Equal(t, []string{"14-verify.sh", "99-cleanup.sh"}, build())
	edit(t, dir, "entrypoint.sh")
	edit(t, dir, "entrypoint.d/scripts/runtime/start.sh")
	assert.Empty(t, build(), "no step reads the entrypoint")
	assert.Equal(t, all[5:], build("--build-arg", "PATRONI_VERSION=3.1.0"), "the script that reads the version and those after it")
}

// scriptsRan are the numbered scripts that a build ran, in their order.
func scriptsRan(trace *testenv.Trace) []string {
	var out []string
	for _, name := range trace.RanNames() {
		if _, script, is := strings.Cut(name, "/setup/scripts/"); is {
			script, _, _ = strings.Cut(script, ".sh")
			out = append(out, script+".sh")
		}
	}
	slices.Sort(out)
	return out
}

// edit adds a comment to a script.
func edit(t *testing.T, dir, name string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("# edited\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
