package testenv

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Example copies examples/NAME of this repository to a folder of the test's own, to be edited there.
func Example(tb testing.TB, name string) string {
	tb.Helper()
	root, err := moduleRoot()
	if err != nil {
		tb.Fatal(err)
	}
	dir := filepath.Join(tb.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples", name))); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Tree writes files, by their paths below the folder that it returns. What begins with #! is executable.
func Tree(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		Write(tb, filepath.Join(dir, name), files[name])
	}
	return dir
}

// Write writes one file, and the folders above it.
func Write(tb testing.TB, path, content string) {
	tb.Helper()
	mode := os.FileMode(0o644)
	if strings.HasPrefix(content, "#!") {
		mode = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		tb.Fatal(err)
	}
}
