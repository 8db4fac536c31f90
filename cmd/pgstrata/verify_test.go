package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A step's root has no library for a program that is not static.
func TestRunsInSteps(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o600))
	static := filepath.Join(dir, "static")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", static, filepath.Join(dir, "main.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, runsInSteps(static))

	shell, err := filepath.EvalSymlinks("/bin/sh")
	require.NoError(t, err)
	require.ErrorContains(t, runsInSteps(shell), "build it with CGO_ENABLED=0")
	assert.ErrorContains(t, runsInSteps(filepath.Join(dir, "main.go")), "a program for Linux")
}
