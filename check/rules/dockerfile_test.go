package rules

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/check"
	dockerfilecheck "github.com/pgstrata/pgstrata/check/dockerfile"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/internal/golden"
)

// readDockerfile reads a Dockerfile with its context.
func readDockerfile(t *testing.T, text string, context fs.FS) check.Input {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	require.NoError(t, err)
	in, err := dockerfilecheck.Read(f, dockerfile.Options{Context: context, Platform: "linux/amd64"})
	require.NoError(t, err)
	return in
}

// executables are an archive's files, those that begin with #! executable.
func executables(files map[string]string) fstest.MapFS {
	context := fstest.MapFS{}
	for name, text := range files {
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if name != "want" {
			context[name] = &fstest.MapFile{Data: []byte(text), Mode: mode}
		}
	}
	return context
}

// Each archive holds a Dockerfile with its context, and where which rule finds
// something: in the Dockerfile and in the scripts that its RUN lines run.
func TestDockerfiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/dockerfile/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	found := map[string]bool{}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			files := archive(string(data))
			var got strings.Builder
			for _, f := range Run(readDockerfile(t, files["Dockerfile"], executables(files))) {
				fmt.Fprintf(&got, "%s:%d %s\n", f.File, f.Range.Start.Line, f.Rule)
				found[f.Rule] = true
				for _, word := range []string{"image.", "setup.", "args:", "build file", "outputs"} {
					assert.NotContains(t, f.Message, word, "a Dockerfile has no such thing")
				}
			}
			before, _, _ := strings.Cut(string(data), "-- want --\n")
			golden.File(t, name, before+"-- want --\n"+got.String())
		})
	}
	for _, r := range All() {
		assert.Equal(t, r.Dockerfile != nil, found[r.Name] || r.Dockerfile != nil && r.Name == "UnusedAllowance", "%s: the archives have a mistake for each rule that reads a Dockerfile, and for no other", r.Name)
	}
}
