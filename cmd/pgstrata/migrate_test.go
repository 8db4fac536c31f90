package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/release"
	"github.com/pgstrata/pgstrata/scaffold"
)

// ordinary is a tree as such projects have it: a script that runs fifteen others
// and a cleanup from one RUN, files for the container, configuration.
func ordinary(t *testing.T) string {
	t.Helper()
	files := map[string]string{
		"Dockerfile": `FROM debian:bookworm-slim
ARG PG_MAJOR=15
ENV LANG=C.UTF-8
COPY setup /setup
RUN /setup/setup.sh
COPY entrypoint.d /opt/container/entrypoint.d
COPY config/postgresql.conf /etc/postgresql/postgresql.conf
COPY entrypoint.sh /entrypoint.sh
EXPOSE 5432
STOPSIGNAL SIGINT
USER postgres
ENTRYPOINT ["/entrypoint.sh"]
`,
		"setup/setup.sh": `#!/bin/bash
set -euo pipefail
SCRIPT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$SCRIPT_DIR/lib/log.sh"
export DEBIAN_FRONTEND=noninteractive
mkdir -p /temp
for script in "$SCRIPT_DIR"/scripts/*.sh; do
  [ -x "$script" ] || continue
  log "running $(basename "$script")"
  bash "$script"
done
rm -rf /temp
`,
		"setup/lib/log.sh":                      "log() { printf '[%s] %s\\n' \"$(date +%T)\" \"$*\"; }\n",
		"setup/scripts/99-cleanup.sh":           "#!/bin/bash\nset -eu\nrm -rf /usr/share/doc/*\n",
		"entrypoint.sh":                         "#!/bin/sh\nset -eu\nexec \"$@\"\n",
		"entrypoint.d/entrypoint.sh":            "#!/bin/sh\nset -eu\n. /opt/container/entrypoint.d/scripts/utils/log.sh\nexec \"$@\"\n",
		"entrypoint.d/scripts/utils/log.sh":     "#!/bin/sh\nlog() { echo \"$*\"; }\n",
		"entrypoint.d/scripts/runtime/start.sh": "#!/bin/sh\nexec postgres\n",
		"config/postgresql.conf":                "port = 5432\n",
	}
	for i := range 15 {
		text := fmt.Sprintf("#!/bin/bash\nset -eu\n. \"$(dirname \"$0\")/../lib/log.sh\"\nlog step %d\nmkdir -p /opt/made\necho %[1]d >/opt/made/%[1]d\n", i+1)
		if i == 6 {
			text += "echo \"$PG_MAJOR\" >/opt/made/major\n"
		}
		files[fmt.Sprintf("setup/scripts/%02d-step.sh", i+1)] = text
	}
	dir := t.TempDir()
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func put(t *testing.T, name, text string) {
	t.Helper()
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755)) //nolint:gosec // a build context
	require.NoError(t, os.WriteFile(name, []byte(text), mode))
}

// The tree becomes a build file in which nothing is found that is sure to fail,
// and an edit of the entrypoint runs none of the fifteen scripts.
func TestMigrateKeepsSetupCached(t *testing.T) {
	dir := ordinary(t)
	before := snapshot(t, dir)
	out, err := pgstrata(t, "migrate", filepath.Join(dir, "Dockerfile"))
	require.NoError(t, err)
	assert.NotContains(t, out, "not carried over")
	for _, arguments := range calls(t, out[strings.Index(out, "Next:\n")+len("Next:\n"):]) {
		assertRuns(t, arguments)
	}
	after := snapshot(t, dir)
	for name, text := range before {
		assert.Equal(t, text, after[name], "no file is changed")
	}
	assert.Len(t, after, len(before)+2, "the build file and its schema are new, and nothing else")

	file := filepath.Join(dir, "pgstrata.yaml")
	out, err = pgstrata(t, "check", "--file", file, dir)
	require.NoError(t, err, out)

	for _, change := range []string{"entrypoint.d/entrypoint.sh", "entrypoint.sh", "config/postgresql.conf"} {
		out, err = pgstrata(t, "plan", "--file", file, "--change", change, "--format", "json", dir)
		require.NoError(t, err)
		var plans []*plan.Plan
		require.NoError(t, json.Unmarshal([]byte(out), &plans))
		scripts, layers := 0, 0
		for _, step := range plans[0].Steps {
			switch {
			case step.Kind == plan.KindScript:
				scripts++
				assert.Equal(t, plan.Hit, step.Cache, step.Node)
			case step.State == graph.EntrypointState && step.Cache != plan.Hit:
				layers++
			}
		}
		assert.Equal(t, 16, scripts, "fifteen and the cleanup")
		assert.Equal(t, 1, layers, "the one layer of %s", change)
	}
}

// snapshot are the texts of a folder's files.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name) //nolint:gosec // a test's own folder
		out[name] = string(data)
		return err
	}))
	return out
}

func TestMigrateOverwritesNothing(t *testing.T) {
	dir := ordinary(t)
	dockerfile := filepath.Join(dir, "Dockerfile")
	file := filepath.Join(dir, "pgstrata.yaml")
	out, err := pgstrata(t, "migrate", "--dry-run", dockerfile)
	require.NoError(t, err)
	assert.Contains(t, out, "-- "+file+" --\n# syntax="+release.Current().Image()+"\n")
	assert.NoFileExists(t, file)
	assert.NoFileExists(t, filepath.Join(dir, scaffold.SchemaFile))

	put(t, file, "mine\n")
	_, err = pgstrata(t, "migrate", dockerfile)
	require.ErrorContains(t, err, "it would overwrite "+file+"; give --output another name, or --force")
	assert.NoFileExists(t, filepath.Join(dir, scaffold.SchemaFile), "all or nothing")

	_, err = pgstrata(t, "migrate", "--output", filepath.Join(dir, "other.yaml"), dockerfile)
	require.NoError(t, err)
	_, err = pgstrata(t, "migrate", "--output", filepath.Join(dir, "other.yaml"), dockerfile)
	require.NoError(t, err, "the same again is no other text")
	_, err = pgstrata(t, "migrate", "--force", dockerfile)
	require.NoError(t, err)
	text, err := os.ReadFile(file) //nolint:gosec // a test's own folder
	require.NoError(t, err)
	assert.Contains(t, string(text), "base: debian:bookworm-slim")
}

func TestMigrateOptions(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "docker/Dockerfile"), "FROM debian:bookworm-slim AS one\nARG A=1\nRUN echo $A >/a\nFROM one AS two\nCOPY kept /kept\nONBUILD RUN true\n")
	put(t, filepath.Join(dir, "docker/Dockerfile.dockerignore"), "out\n")
	put(t, filepath.Join(dir, "kept"), "kept\n")
	put(t, filepath.Join(dir, "out"), "out\n")
	out, err := pgstrata(t, "migrate", "--context", dir, "--report", "json", "--target", "one", "--build-arg", "A=2", "--syntax", "registry.example.com/pgstrata:1",
		filepath.Join(dir, "docker/Dockerfile"))
	require.NoError(t, err)
	var r migrate.Result
	require.NoError(t, json.Unmarshal([]byte(out), &r.Report))
	assert.Empty(t, r.Report.Lost(), "what is lost is in the stage that is not built")
	assert.Equal(t, []string{"setup/generated/01-a.sh"}, r.Report.Scripts)
	text, err := os.ReadFile(filepath.Join(dir, "pgstrata.yaml")) //nolint:gosec // a test's own folder
	require.NoError(t, err)
	assert.Contains(t, string(text), "# syntax=registry.example.com/pgstrata:1\n# yaml-language-server: $schema="+scaffold.SchemaFile+"\n")
	assert.Contains(t, string(text), "A: \"1\"", "the default, not what is given now")
	ignore, err := os.ReadFile(filepath.Join(dir, "pgstrata.yaml.dockerignore")) //nolint:gosec // a test's own folder
	require.NoError(t, err)
	assert.Equal(t, "out\n", string(ignore), "the same files are kept out")
	info, err := os.Stat(filepath.Join(dir, "setup/generated/01-a.sh"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())

	out, err = pgstrata(t, "migrate", "--context", dir, "--dry-run", filepath.Join(dir, "docker/Dockerfile"))
	require.NoError(t, err)
	assert.Contains(t, out, "not carried over, and to be done by hand:\n  Dockerfile:6: ONBUILD RUN true\n")
	assert.NotContains(t, out, "Next:")
}

func TestMigrateRefuses(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "Dockerfile"), "FROM debian\nRUNN true\n")
	put(t, filepath.Join(dir, "scratch"), "FROM scratch\nCOPY scratch /\n")
	put(t, filepath.Join(dir, "build.yaml"), "base: debian\n")
	for want, arguments := range map[string][]string{
		"Dockerfile:2: ":                                 {filepath.Join(dir, "Dockerfile")},
		"it builds on scratch":                           {filepath.Join(dir, "scratch")},
		"is a build file already":                        {filepath.Join(dir, "build.yaml")},
		"there is no ":                                   {filepath.Join(dir, "missing")},
		"must be text or json":                           {"--report", "xml", filepath.Join(dir, "scratch")},
		"could not be found":                             {"--target", "x", filepath.Join(dir, "scratch")},
		"b is too much: the command is pgstrata migrate": {"a", "b"},
		"there is no folder /missing":                    {"--context", "/missing", filepath.Join(dir, "scratch")},
	} {
		_, err := pgstrata(t, append([]string{"migrate"}, arguments...)...)
		assert.ErrorContains(t, err, want, arguments)
	}
}
