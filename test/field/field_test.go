package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pgstrata/pgstrata/dockerfile"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "somebody+image")
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// A Dockerfile is built where most of what it copies is: in its own folder, or in
// one above. Templates and texts about Dockerfiles are none.
func TestFindFiles(t *testing.T) {
	dir := tree(t, map[string]string{
		"Dockerfile":           "FROM debian\n",
		"own/Dockerfile":       "FROM debian\nCOPY a /a\nCOPY missing /b\n",
		"own/a":                "",
		"above/Dockerfile.arm": "FROM debian\nCOPY own/a /a\nCOPY $X /x\n",
		"x/y/app.Dockerfile":   "FROM debian\nCOPY c /c\nCOPY own /own\n",
		"x/c":                  "",
		"x/own/d":              "",
		"Dockerfile.j2":        "FROM {{ base }}\n",
		"Dockerfile.md":        "FROM here on\n",
		"docs/dockerfile":      "This is about Dockerfiles.\n",
	})
	files, err := findFiles(dir)
	require.NoError(t, err)
	got := map[string]string{}
	for _, f := range files {
		got[f.File] = f.Context
		assert.Equal(t, "somebody+image", f.Tree)
	}
	assert.Equal(t, map[string]string{"Dockerfile": ".", "own/Dockerfile": "own", "above/Dockerfile.arm": ".", "x/y/app.Dockerfile": "x"}, got)
}

// All parts are run over a tree, and what cannot be read is a row of its own.
func TestReport(t *testing.T) {
	dir := tree(t, map[string]string{
		"Dockerfile":         "FROM debian:bookworm-slim\nCOPY setup /setup\nRUN /setup/all.sh\nRUN make -j4\n",
		"setup/all.sh":       "#!/bin/bash\nset -eu\nfor s in /setup/parts/*.sh; do bash \"$s\"; done\n",
		"setup/parts/1.sh":   "set -eu\ntouch /1\n",
		"setup/parts/2.sh":   "set -eu\ntouch /2\n",
		"broken/Dockerfile":  "FROM debian\nCOPY --from=nowhere /a /a\nRUN --mount=type=nothing true\n",
		"trivial/Dockerfile": "FROM debian:bookworm-slim\n",
	})
	require.NoError(t, os.Chmod(filepath.Join(dir, "setup/all.sh"), 0o755)) //nolint:gosec // it is run
	files, err := findFiles(dir)
	require.NoError(t, err)
	require.Len(t, files, 3)
	var r report
	for _, f := range files {
		r.Files = append(r.Files, take(t.Context(), f))
	}
	own := r.Files[0]
	require.Empty(t, own.Error)
	assert.Equal(t, "HardcodedJobs", own.Findings[0].Rule)
	assert.True(t, has(own.Decisions, dockerfile.Split), "%v", own.Decisions)
	assert.Greater(t, own.Steps, own.Whole)
	assert.Empty(t, own.Migrated.Refused)
	assert.NotEmpty(t, r.Files[1].Error)
	r.Histories = []history{{buildFile: files[0], Commits: 3, Ran: 2, BuildKit: 5, Less: 2, More: []string{"x"}}}

	var out bytes.Buffer
	require.NoError(t, r.write(&out))
	line := ""
	for l := range strings.Lines(out.String()) {
		if strings.HasPrefix(l, "all ") {
			line = l
		}
	}
	fields := strings.Fields(line)
	require.Len(t, fields, 19, out.String())
	assert.Equal(t, []string{"all", "3", "1", "1"}, fields[:4])
	assert.Equal(t, []string{"3", "2.0", "5.0", "2", "1"}, fields[14:])
	assert.Contains(t, out.String(), "     1  HardcodedJobs\n")
}

func TestKind(t *testing.T) {
	assert.Equal(t, kind(`setup.sh split into 4 steps`), kind(`/x/all.sh split into 12 steps`))
	assert.Equal(t, kind("kept whole: a.sh:3 sources /x; to split it, y"), kind("kept whole: b.sh:4 sources /y"))
	assert.NotEqual(t, kind("kept whole: a.sh:3 sets a trap"), kind("a.sh split into 4 steps"))
}

// What migrate makes of the corpus' Dockerfiles gives no finding that they did
// not give, but of rules about what only a build file has.
func TestMigratedFindsNothingNew(t *testing.T) {
	archives, err := filepath.Glob("../corpus/testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	// Caches that a build file mounts, isolated scripts, their base, inputs; and of
	// files by two names, those that a RUN of the Dockerfile reads.
	onlyInBuildFiles := []string{"CacheBypassed", "CacheWiped", "ContextUnneeded", "CopiedTwice", "PackagesInIsolatedScript", "UnpinnedBase"}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			require.NoError(t, err)
			dir := t.TempDir()
			for _, f := range archive.Files {
				file := filepath.Join(dir, f.Name)
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				mode := os.FileMode(0o644)
				if bytes.HasPrefix(f.Data, []byte("#!")) {
					mode = 0o755
				}
				require.NoError(t, os.WriteFile(file, f.Data, mode))
			}
			m := take(t.Context(), buildFile{Tree: "corpus", File: "Dockerfile", Context: ".", dir: dir})
			for _, f := range m.Migrated.New {
				if strings.HasPrefix(f.Message, "TOKEN may be empty") {
					continue // it is: another step has the secret
				}
				assert.Contains(t, onlyInBuildFiles, f.Rule, "%s:%d: %s", f.File, f.Line, f.Message)
			}
		})
	}
}
