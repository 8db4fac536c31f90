package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/internal/golden"
)

// completed returns what the shell would offer for the last of the arguments, and cobra's directive.
func completed(t *testing.T, arguments ...string) (offers []string, directive string) {
	t.Helper()
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(append([]string{"__complete"}, arguments...))
	require.NoError(t, cmd.ExecuteContext(t.Context()))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[:len(lines)-1], lines[len(lines)-1]
}

func TestCompletion(t *testing.T) {
	const (
		noFiles = ":4"
		noSpace = ":6"
		folders = ":16"
	)
	const example = "../../examples/postgresql"
	for _, tc := range []struct {
		arguments []string
		offers    []string
		directive string
	}{
		{[]string{"sch"}, []string{"schema\tWrite the JSON Schema of build files, for editors"}, noFiles},
		{[]string{"build", example, "--no-cache-filter", ""}, []string{
			"toolchain", "setup", "entrypoint",
			"setup/01-locales", "setup/02-install-postgresql", "setup/03-install-patroni", "setup/04-filesystem", "setup/99-cleanup",
		}, noFiles},
		{[]string{"llb", "--file", example + "/Dockerfile", example, "--build-arg", ""}, []string{
			"LOCALES=\tlocales to generate, with spaces between them", "POSTGRESQL_VERSION=\tPostgreSQL's major version, as packages name it",
			"POSTGRESQL_FROM=\twhose packages these are: debian, or pgdg, which has 13 to 18",
			"PGBOUNCER=\ttrue: PgBouncer is in the image, for MODE=pgbouncer",
			"UPGRADE_FROM=\tan older major version whose server MODE=upgrade can upgrade from: it is in the image as well",
			"EXPORTER_VERSION=\tpostgres_exporter's release, such as 0.17.1, for MODE=exporter: it is compiled",
			"PATRONI_VERSION=\tPatroni's release",
		}, noSpace},
		{[]string{"build", t.TempDir(), "--target", ""}, nil, noFiles},
		{[]string{"build", "--progress", ""}, []string{"auto", "plain", "tty", "quiet", "rawjson"}, noFiles},
		{[]string{"plan", "--format", ""}, []string{"text", "json"}, noFiles},
		{[]string{"check", "--format", ""}, []string{"text", "json", "sarif"}, noFiles},
		{[]string{"init", "--release", ""}, []string{"bookworm", "trixie"}, noFiles},
		{[]string{"init", "--from", ""}, []string{"packages", "pgdg", "source"}, noFiles},
		{[]string{"check", ""}, nil, folders},
		{[]string{"check", ".", ""}, nil, noFiles},
	} {
		offers, directive := completed(t, tc.arguments...)
		assert.Equal(t, strings.Join(tc.offers, "\n"), strings.Join(offers, "\n"), tc.arguments)
		assert.Equal(t, tc.directive, directive, tc.arguments)
	}
	offers, _ := completed(t, "build", "../../examples/postgresql-source", "--target", "")
	assert.Contains(t, offers, "setup/pgbouncer")
	assert.Contains(t, offers, "test")
}

// bash's script is one that bash can read; zsh and fish have theirs.
func TestCompletionScripts(t *testing.T) {
	bash, err := pgstrata(t, "completion", "bash")
	require.NoError(t, err)
	_, err = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(bash), "")
	assert.NoError(t, err)
	for shell, line := range map[string]string{"zsh": "#compdef pgstrata", "fish": "complete -c pgstrata"} {
		text, err := pgstrata(t, "completion", shell)
		require.NoError(t, err)
		assert.Contains(t, text, line)
	}
}

// There is a page for each command, the same however often it is made.
func TestManualPages(t *testing.T) {
	one, other := t.TempDir(), filepath.Join(t.TempDir(), "new")
	for _, dir := range []string{one, other} {
		_, err := pgstrata(t, "man", dir)
		require.NoError(t, err)
	}
	for _, cmd := range commands(t) {
		if cmd.Hidden {
			continue
		}
		page := "pgstrata-" + cmd.Name() + ".1"
		text, err := os.ReadFile(filepath.Join(one, page))
		require.NoError(t, err)
		assert.Contains(t, string(text), "\n.SH EXAMPLE\n")
		golden.File(t, filepath.Join(other, page), string(text))
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8",
		Main:      debug.Module{Version: "v1.2.3"},
		Deps:      []*debug.Module{{Path: "github.com/moby/buildkit", Version: "v0.34.2"}, {Path: "example.com/x", Version: "v1.0.0"}},
		Settings: []debug.BuildSetting{
			{Key: "GOARCH", Value: "arm64"},
			{Key: "GOOS", Value: "linux"},
			{Key: "vcs.revision", Value: "0123abc"},
			{Key: "vcs.time", Value: "2026-11-24T00:00:00Z"},
			{Key: "vcs.modified", Value: "true"},
		},
	}
	want := "pgstrata v1.2.3\nrevision 0123abc of 2026-11-24T00:00:00Z, with changes\nBuildKit v0.34.2\ngo1.26.8 for linux/arm64\n"
	assert.Equal(t, want, versionText(info))
	info.Settings = info.Settings[:2]
	assert.Equal(t, "pgstrata v1.2.3\nBuildKit v0.34.2\ngo1.26.8 for linux/arm64\n", versionText(info))

	for _, argument := range []string{"version", "--version"} {
		out, err := pgstrata(t, argument)
		require.NoError(t, err)
		assert.Equal(t, ownVersion(), out)
	}
}
