package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checked runs `pgstrata check` on a tree.
func checked(t *testing.T, files map[string]string, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	var out bytes.Buffer
	cmd := newCheckCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append(args, dir))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCheck(t *testing.T) {
	files := map[string]string{
		"Dockerfile":               "base: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\nentrypoint: {configuration_files: []}\n",
		"setup/scripts/01-make.sh": "#!/bin/sh\nset -eu\nmake -j\"$(nproc)\"\n",
		"config/old/unused.conf":   "",
		".dockerignore":            "config/**\n!config/used.conf\n",
	}
	out, err := checked(t, files)
	require.NoError(t, err)
	assert.Equal(t, "Check complete, no warnings found.\n", out)

	files["config/used.conf"] = ""
	files["setup/scripts/01-make.sh"] = "#!/bin/sh\nset -eu\nmake\n"
	out, err = checked(t, files)
	require.ErrorIs(t, err, errFindings)
	assert.Contains(t, out, "WARNING: ConfigNotStaged - https://")
	assert.NotContains(t, out, "unused.conf", ".dockerignore excludes it")
	assert.Contains(t, out, "setup/scripts/01-make.sh:3\n--------------------\n   1 |     #!/bin/sh\n   2 |     set -eu\n   3 | >>> make\n")

	out, err = checked(t, files, "--format=sarif")
	require.ErrorIs(t, err, errFindings)
	var report sarif
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Len(t, report.Runs, 1)
	require.Len(t, report.Runs[0].Results, 2)
	result := report.Runs[0].Results[1]
	assert.Equal(t, "SerialMake", result.RuleID)
	assert.Equal(t, "warning", result.Level)
	assert.Equal(t, sarifPhysical{sarifArtifact{"setup/scripts/01-make.sh"}, sarifRegion{3, 1, 3, 5}}, result.Locations[0].Physical)

	// What cannot be read is in the report as well, for programs that read it.
	for text, want := range map[string]sarifRegion{
		"base: debian:bookworm-slim\nsetup:\n  scripst: []\n": {3, 3, 3, 11},
		"FROM debian\nENV PATH\n":                             {2, 1, 2, 2},
	} {
		broken := map[string]string{"Dockerfile": text}
		out, err = checked(t, broken, "--format=sarif")
		require.Error(t, err)
		report = sarif{}
		require.NoError(t, json.Unmarshal([]byte(out), &report))
		require.Len(t, report.Runs[0].Results, 1)
		assert.Equal(t, want, report.Runs[0].Results[0].Locations[0].Physical.Region)
		assert.Equal(t, "error", report.Runs[0].Results[0].Level)

		out, err = checked(t, broken, "--format=json")
		require.Error(t, err)
		var results lint.LintResults
		require.NoError(t, json.Unmarshal([]byte(out), &results))
		require.NotNil(t, results.Error)
		assert.EqualValues(t, want.StartLine, results.Error.Location.Ranges[0].Start.Line)
	}

	out, _ = checked(t, map[string]string{"Dockerfile": "base: debian:bookworm-slim\nargs: {POSTGRESQL_VERSION: 15}\n"}, "--build-arg", "POSTGRES_VERSION=16")
	assert.Contains(t, out, "build arguments that the build file does not declare: POSTGRES_VERSION (did you mean POSTGRESQL_VERSION?)")

	_, err = checked(t, files, "--format=xml")
	assert.ErrorContains(t, err, "--format xml")
	_, err = checked(t, map[string]string{"Dockerfile": "base: [\n"})
	assert.ErrorContains(t, err, "Dockerfile:")
	_, err = checked(t, nil)
	assert.ErrorContains(t, err, "build file")
}
