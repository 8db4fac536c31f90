//go:build full

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The compiled example without what makes a graph of it: its needs are found again, and outputs of each script that had
// some. Compiling PostgreSQL under the tracer takes many minutes.
func TestObservedSource(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Example(t, "postgresql-source")
	file := filepath.Join(dir, "Dockerfile")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	declared, err := spec.Listed("Dockerfile", data)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, chained(t, data), 0o644))

	out := env.Run(t, testenv.Program(t, "pgstrata"), "observe", "--write", "--progress=plain", dir)
	require.Zero(t, out.Code, "%s", out.Stderr)
	t.Log(out.Stdout)
	assert.Contains(t, out.Stdout, "Built so, the image is that of the chain, file by file.")
	data, err = os.ReadFile(file)
	require.NoError(t, err)
	t.Log(string(data))
	listed, err := spec.Listed("Dockerfile", data)
	require.NoError(t, err)
	found := map[string]*spec.Script{}
	for i, s := range listed {
		found[s.Name()] = &listed[i]
	}
	for _, s := range declared {
		got := found[s.Name()]
		assert.ElementsMatch(t, texts(s.Needs), texts(got.Needs), "what %s needs", s.Name())
		assert.Equal(t, len(s.Outputs) > 0, len(got.Outputs) > 0, "whether %s is isolated", s.Name())
	}
}

// chained is a build file whose scripts are a chain: what only isolated scripts may have is gone, and their packages are
// the chain's.
func chained(t *testing.T, data []byte) []byte {
	t.Helper()
	var file map[string]any
	require.NoError(t, yaml.Unmarshal(data, &file))
	setup := file["setup"].(map[string]any)
	dependencies := setup["dependencies"].(map[string]any)
	for _, entry := range setup["scripts"].([]any) {
		script := entry.(map[string]any)
		for from, to := range map[string]string{"packages": "runtime", "build": "build"} {
			names, _ := script[from].([]any)
			dependencies[to] = append(dependencies[to].([]any), names...)
			delete(script, from)
		}
		delete(script, "outputs")
		delete(script, "needs")
	}
	out, err := yaml.Marshal(file)
	require.NoError(t, err)
	return out
}
