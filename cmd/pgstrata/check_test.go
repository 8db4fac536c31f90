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

	for _, file := range []string{"base: debian:bookworm-slim\nargs: {POSTGRESQL_VERSION: 15}\n", "FROM debian:12\nARG POSTGRESQL_VERSION=15\nRUN echo $POSTGRESQL_VERSION >/v\n"} {
		out, _ = checked(t, map[string]string{"Dockerfile": file}, "--build-arg", "POSTGRES_VERSION=16")
		assert.Contains(t, out, "build arguments that the build file does not declare: POSTGRES_VERSION (did you mean POSTGRESQL_VERSION?)")
	}

	out, err = checked(t, nil, "--format=sarif") // no build file at all
	require.Error(t, err)
	report = sarif{}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Len(t, report.Runs[0].Results, 1)

	require.Len(t, result.Fixes, 1)
	assert.Equal(t, []sarifReplacement{{sarifRegion{3, 5, 3, 5}, sarifMessage{` -j"$(nproc)"`}}}, result.Fixes[0].Changes[0].Replacements)

	_, err = checked(t, files, "--format=xml")
	assert.ErrorContains(t, err, "--format xml")
	_, err = checked(t, map[string]string{"Dockerfile": "base: [\n"})
	assert.ErrorContains(t, err, "Dockerfile:")
	_, err = checked(t, nil)
	assert.ErrorContains(t, err, "build file")
}

// A build file that cannot be read is a result at its line, in each format that
// programs read.
func TestCheckOfWhatCannotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		file string
		at   sarifRegion
		want string
	}{
		"build file": {"base: debian:bookworm-slim\nsetup:\n  scripst: []\n", sarifRegion{3, 3, 3, 11}, "did you mean scripts?"},
		"Dockerfile": {"FROM debian\nRNU true\n", sarifRegion{2, 1, 2, 2}, "RNU"},
		"empty":      {"", sarifRegion{1, 1, 1, 2}, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"Dockerfile": tc.file}
			out, err := checked(t, files, "--format=sarif")
			require.ErrorContains(t, err, tc.want)
			var report sarif
			require.NoError(t, json.Unmarshal([]byte(out), &report))
			require.Len(t, report.Runs[0].Results, 1)
			result := report.Runs[0].Results[0]
			assert.Equal(t, "error", result.Level)
			assert.Contains(t, result.Message.Text, tc.want)
			assert.Equal(t, tc.at, result.Locations[0].Physical.Region)

			out, err = checked(t, files, "--format=json")
			require.ErrorContains(t, err, tc.want)
			var results struct {
				Error *struct{ Message string } `json:"buildError"`
			}
			require.NoError(t, json.Unmarshal([]byte(out), &results))
			require.NotNil(t, results.Error)
			assert.Contains(t, results.Error.Message, tc.want)
		})
	}
}

// What may be nothing fails no check; a warning does, and what is asked for
// draws another line.
func TestFailOn(t *testing.T) {
	warning := map[string]string{"Dockerfile": "FROM debian:bookworm-slim\nRUN make\n"}
	note := map[string]string{"Dockerfile": "FROM debian:bookworm-slim\nRUN curl -o /a https://example.org/a\n"}
	for _, tc := range []struct {
		files  map[string]string
		failOn string
		fails  bool
	}{
		{warning, "warning", true},
		{warning, "error", false},
		{warning, "never", false},
		{note, "warning", false},
	} {
		out, err := checked(t, tc.files, "--fail-on="+tc.failOn)
		assert.Equal(t, tc.fails, err != nil, "%s %v", tc.failOn, err)
		assert.Contains(t, out, "-----", "it is told all the same")
	}
	out, err := checked(t, note, "--format=json")
	require.NoError(t, err)
	assert.Contains(t, out, `"level": "note"`)
	_, err = checked(t, note, "--fail-on=info")
	assert.ErrorContains(t, err, "--fail-on info")
}

// --fix shows what it does, does it in the lines that it speaks of, and leaves
// the rest.
func TestFix(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), mode))
	}
	write("Dockerfile", `FROM debian:bookworm-slim
RUN true && \
    make && make -j4 all && make -j 8
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-cache-dir patroni==3
COPY start.sh /start.sh
RUN curl -k https://example.org/a.asc -o /a.asc
ENTRYPOINT ["/start.sh"]
`, 0o644)
	write("start.sh", "#!/bin/sh\nfunction a() { echo a; }\na\n", 0o755)
	var out bytes.Buffer
	run := func(args ...string) error {
		cmd := newCheckCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		out.Reset()
		cmd.SetOut(&out)
		cmd.SetArgs(append(args, dir))
		return cmd.ExecuteContext(t.Context())
	}
	require.ErrorIs(t, run("--fix"), errFindings, "what is not mechanical is left")
	assert.Contains(t, out.String(), "+    make -j\"$(nproc)\" && make -j\"$(nproc)\" all")
	assert.Contains(t, out.String(), "-#!/bin/sh\n+#!/bin/bash")
	assert.Contains(t, out.String(), "2 warnings\n")
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	require.NoError(t, err)
	assert.Equal(t, `FROM debian:bookworm-slim
RUN true && \
    make -j"$(nproc)" && make -j"$(nproc)" all && make -j "$(nproc)"
RUN --mount=type=cache,target=/root/.cache/pip pip install patroni==3
COPY start.sh /start.sh
RUN curl -k https://example.org/a.asc -o /a.asc
ENTRYPOINT ["/start.sh"]
`, string(text))
	info, err := os.Stat(filepath.Join(dir, "start.sh"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	require.ErrorIs(t, run("--fix"), errFindings)
	assert.NotContains(t, out.String(), "+++", "there is nothing left to fix")
}
