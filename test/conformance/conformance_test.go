//go:build full

// Package conformance runs BuildKit's own tests of its Dockerfile frontend with
// pgstrata in its place. They are compiled from BuildKit's module.
package conformance

import (
	"archive/tar"
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestConformance: what passes with the frontend that is built into BuildKit
// passes with pgstrata, but for the tests that testdata/differences lists; also
// where pgstrata is made to rewrite each Dockerfile that copies from the context.
// PGSTRATA_CONFORMANCE selects tests, by a pattern.
func TestConformance(t *testing.T) {
	env := testenv.Shared(t)
	s := newSuite(t, env)
	builtin := s.run(t, "FRONTEND_BUILTIN_ONLY=1")
	t.Logf("built in: %s", builtin)
	meant := differences(t)
	for _, frontend := range []struct{ name, tag string }{{"as it is", ""}, {"rewriting", "rewriteall"}} {
		t.Run(frontend.name, func(t *testing.T) {
			got := s.run(t, "FRONTEND_GATEWAY_ONLY=local:"+image(t, frontend.tag))
			t.Logf("%s: %s", frontend.name, got)
			for _, name := range slices.Sorted(maps.Keys(builtin)) {
				if builtin[name].end != "pass" {
					continue
				}
				if reason := meant[name]; reason != "" {
					assert.NotEqual(t, "pass", got[name].end, "%s passes: it is no difference any more", name)
				} else if got[name].end != "pass" {
					t.Errorf("%s: %s\n%s", name, got[name].end, got[name].output)
				}
			}
		})
	}
}

// String counts the results.
func (r results) String() string {
	count := map[string]int{}
	for _, one := range r {
		count[one.end]++
	}
	return fmt.Sprintf("%d pass, %d fail, %d are skipped", count["pass"], count["fail"], count["skip"])
}

// image makes a frontend image that is compiled with a build tag: an archive of
// an OCI layout.
func image(t *testing.T, tag string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "pgstrata-frontend")
	compile := exec.CommandContext(t.Context(), "go", "build", "-tags", tag, "-o", binary, "github.com/pgstrata/pgstrata/cmd/pgstrata-frontend")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := compile.CombinedOutput()
	require.NoError(t, err, "%s", out)
	img, err := testenv.FrontendImage(binary)
	require.NoError(t, err)
	path, err := layout.Write(filepath.Join(dir, "layout"), empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendImage(img))
	archive, err := os.Create(filepath.Join(dir, "image.tar"))
	require.NoError(t, err)
	w := tar.NewWriter(archive)
	require.NoError(t, w.AddFS(os.DirFS(string(path))))
	require.NoError(t, w.Close())
	require.NoError(t, archive.Close())
	return archive.Name()
}

// differences are the tests that are meant to fail, with the reason of each.
func differences(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open("testdata/differences")
	require.NoError(t, err)
	defer file.Close()
	out := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, reason, ok := strings.Cut(lines.Text(), ": ")
		require.True(t, ok && reason != "", "%q has no reason", lines.Text())
		out[name] = reason
	}
	return out
}
