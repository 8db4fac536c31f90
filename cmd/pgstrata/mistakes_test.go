package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pgstrata/pgstrata/internal/golden"
)

// Each file of testdata/mistakes is a deliberate mistake: a command line, the tree that it is about, and what the
// program says.
func TestMistakes(t *testing.T) {
	list, err := filepath.Glob("testdata/mistakes/*.txtar")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(list), 101)
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG"} {
		t.Setenv(name, home)
	}
	t.Setenv("BUILDKIT_HOST", "unix:///nonexistent/buildkitd.sock")
	for _, name := range list {
		name, err := filepath.Abs(name)
		require.NoError(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			mistake(t, name)
		})
	}
}

// said is the part of a mistake's file that holds what is said.
const said = "said"

func mistake(t *testing.T, name string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	require.NoError(t, err)
	_, command, ok := strings.Cut(string(archive.Comment), "$ pgstrata ")
	require.True(t, ok, "the command")
	t.Chdir(t.TempDir())
	var tree []txtar.File
	for _, f := range archive.Files {
		if f.Name == said {
			continue
		}
		tree = append(tree, f)
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Name), 0o755))
		if to, ok := strings.CutPrefix(string(f.Data), "-> "); ok {
			require.NoError(t, os.Symlink(strings.TrimSpace(to), f.Name))
			continue
		}
		text := strings.ReplaceAll(string(f.Data), "\\r\n", "\r\n") // as a text file cannot show
		require.NoError(t, os.WriteFile(f.Name, []byte(text), 0o600))
	}
	var out bytes.Buffer
	code := run(strings.Fields(command), &out, &out)
	text := fmt.Sprintf("%sexit status %d\n", out.String(), code)
	archive.Files = append(slices.Clone(tree), txtar.File{Name: said, Data: []byte(text)})
	golden.File(t, name, string(txtar.Format(archive)))
}
