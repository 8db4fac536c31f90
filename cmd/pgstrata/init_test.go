package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/release"
	"github.com/pgstrata/pgstrata/scaffold"
	"github.com/pgstrata/pgstrata/spec/schema"
)

// pgstrata runs the program, and returns what it writes.
func pgstrata(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(arguments)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// Whatever is asked for, the tree has nothing that the check finds.
func TestInitChecks(t *testing.T) {
	for _, server := range []string{"--patroni", "--postgresql"} {
		for _, from := range []string{scaffold.Packages, scaffold.Source} {
			for _, debian := range scaffold.Releases() {
				t.Run(fmt.Sprint(server, from, debian), func(t *testing.T) {
					dir := filepath.Join(t.TempDir(), "new")
					out, err := pgstrata(t, "init", server, "--from", from, "--release", debian, dir)
					require.NoError(t, err)
					for _, arguments := range calls(t, out[len("99 files in "+dir+". Next:\n"):]) {
						assertRuns(t, arguments)
					}
					out, err = pgstrata(t, "check", dir)
					assert.NoError(t, err, out)

					text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
					require.NoError(t, err)
					image, _, _, found := parser.DetectSyntax(text)
					assert.True(t, found)
					assert.Equal(t, release.Current().Image(), image, "the editor's line is below BuildKit's")
					assert.Contains(t, string(text), "\n# yaml-language-server: $schema="+scaffold.SchemaFile+"\n")
					data, err := os.ReadFile(filepath.Join(dir, scaffold.SchemaFile))
					require.NoError(t, err)
					assert.Equal(t, schema.JSON(), string(data))

					info, err := os.Stat(filepath.Join(dir, "entrypoint.d/entrypoint.sh"))
					require.NoError(t, err)
					assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
				})
			}
		}
	}
}

func TestInitOptions(t *testing.T) {
	dir := t.TempDir()
	out, err := pgstrata(t, "init", "--file", "pgstrata.yaml", "--syntax", "registry.example.com/pgstrata:1", dir)
	require.NoError(t, err)
	assert.Contains(t, out, "--file "+dir+"/pgstrata.yaml")
	text, err := os.ReadFile(filepath.Join(dir, "pgstrata.yaml"))
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(text, []byte("# syntax=registry.example.com/pgstrata:1\n")))
	out, err = pgstrata(t, "check", "--file", filepath.Join(dir, "pgstrata.yaml"), dir)
	assert.NoError(t, err, out)

	for _, arguments := range [][]string{
		{"--patroni", "--postgresql"}, {"--release=sid"}, {"--from=elsewhere"}, {"--file=a/b"}, {"--file="}, {"a", "b"},
	} {
		empty := t.TempDir()
		_, err = pgstrata(t, append([]string{"init", filepath.Join(empty, "new")}, arguments...)...)
		assert.Error(t, err, arguments)
		assert.NoDirExists(t, filepath.Join(empty, "new"), arguments)
	}
}

// What is there stays as it is, and what is not in the way does not matter.
func TestInitOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "README.md"), []byte("mine"), 0o600))
	_, err := pgstrata(t, "init", dir)
	require.NoError(t, err)

	smoke := filepath.Join(dir, "test/smoke.sh")
	require.NoError(t, os.WriteFile(smoke, []byte("mine"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "Dockerfile")))
	_, err = pgstrata(t, "init", dir)
	require.ErrorContains(t, err, "would be overwritten")
	assert.NoFileExists(t, filepath.Join(dir, "Dockerfile"), "all or nothing")
	text, err := os.ReadFile(smoke)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
}
