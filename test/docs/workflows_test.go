package docs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The workflows of this repository and the recipe of docs/ci.md are what GitHub takes, their scripts are what shellcheck
// takes, and the action is used as it can be.
func TestWorkflows(t *testing.T) {
	action, err := os.ReadFile(filepath.Join(root, "action.yml"))
	require.NoError(t, err)
	files := map[string]string{
		"action.yml":                  string(action),
		".github/workflows/ci.md.yml": recipe(t, "GitHub Actions"),
		".github/workflows/use.yml":   everyInput(t, action),
	}
	own, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	require.NoError(t, err)
	require.NotEmpty(t, own)
	for _, name := range own {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		files[".github/workflows/"+filepath.Base(name)] = string(text)
	}
	assert.Empty(t, linted(t, files))

	files[".github/workflows/use.yml"] = strings.Replace(files[".github/workflows/use.yml"], "fail-on:", "fail-of:", 1)
	assert.Contains(t, linted(t, files), `input "fail-of" is not defined in action "pgstrata"`)
}

// everyInput is a workflow that gives the action each of its inputs, and takes each output.
func everyInput(t *testing.T, action []byte) string {
	t.Helper()
	var keys struct{ Inputs, Outputs yaml.MapSlice }
	require.NoError(t, yaml.Unmarshal(action, &keys))
	var b strings.Builder
	b.WriteString("on: push\njobs:\n  use:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: ./\n        id: pgstrata\n        with:\n")
	for _, in := range keys.Inputs {
		fmt.Fprintf(&b, "          %s: x\n", in.Key)
	}
	for _, out := range keys.Outputs {
		fmt.Fprintf(&b, "      - {run: \"true\", env: {X: \"${{ steps.pgstrata.outputs.%s }}\"}}\n", out.Key)
	}
	return b.String()
}

// linted is what actionlint says of a repository's workflows.
func linted(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := testenv.Tree(t, files)
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".git"), 0o755)) //nolint:gosec // not secret
	cmd := exec.CommandContext(t.Context(), testenv.Tool("actionlint"), "-no-color", "-oneline")
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return string(said)
}
