package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a build would ask for in vain is told by a plan, as by a check.
func TestPlanTellsOfUnsetVariables(t *testing.T) {
	r := newRepository(t)
	r.write("Dockerfile", "base: debian:bookworm-slim\nargs: {PG: \"16\"}\nimage:\n  env:\n    A: ${PATH}:${PG}\n    B: ${A}${NOPE}\n")
	for _, command := range []string{"plan", "check"} {
		out, err := r.run(command, r.dir)
		if command == "plan" {
			require.NoError(t, err)
		}
		assert.Contains(t, out, "Dockerfile:6", command)
		assert.Contains(t, out, "${NOPE} is neither a build argument nor a variable of the base image", command)
		assert.NotContains(t, out, "Dockerfile:5", command)
	}
}

// A plan, a check and a picture of a Dockerfile tell what a build decides: what is split,
// what is kept whole and why, where there is nothing to do; and of build arguments that
// nothing declares.
func TestDecisionsAreTold(t *testing.T) {
	r := newRepository(t)
	r.write("Dockerfile", "FROM debian:12\nARG PG=1\nCOPY b /b\nRUN /b/both.sh\nRUN /b/all.sh\nRUN /b/1.sh\nRUN apt-get update && apt-get install -y jq\n")
	r.write("b/all.sh", "#!/bin/sh\nset -e\n. /etc/settings\n/b/1.sh\n/b/2.sh\n")
	r.write("b/both.sh", "#!/bin/sh\nset -e\n/b/1.sh\n/b/2.sh\n")
	r.write("b/1.sh", "#!/bin/sh\nmkdir -p /srv/1\n")
	r.write("b/2.sh", "#!/bin/sh\nmkdir -p /srv/2\n")
	for _, name := range []string{"b/all.sh", "b/both.sh", "b/1.sh", "b/2.sh"} {
		require.NoError(t, os.Chmod(filepath.Join(r.dir, name), 0o755)) //nolint:gosec // a script
	}
	picture := filepath.Join(t.TempDir(), "graph.html")
	for name, args := range map[string][]string{"plan": {"plan"}, "check": {"check"}, "check in JSON": {"check", "--format", "json"}, "picture": {"graph", "-o", picture}, "image": {"graph", "-o", "-"}} {
		var printed bytes.Buffer
		cmd := newCommand()
		cmd.SetArgs(append(args, "--build-arg", "PGG=2", r.dir))
		cmd.SetOut(&printed)
		cmd.SetErr(&printed)
		_ = cmd.ExecuteContext(t.Context()) // a check ends with 1
		out := printed.String()
		if name == "picture" {
			data, err := os.ReadFile(picture)
			require.NoError(t, err)
			assert.Contains(t, string(data), "Dockerfile:4: both.sh split into 2 steps")
		}
		for _, told := range []string{
			"kept whole: all.sh:3 sources /etc/settings; to split it, source it in the script that needs it", "both.sh split into 2 steps", "one step: 1.sh does not run several scripts",
			"cache mount for the downloads of apt",
			"build arguments that the build file does not declare: PGG (did you mean PG?)",
		} {
			assert.Contains(t, out, told, name)
		}
	}
	out, err := r.run("plan", "--build-arg", "PGSTRATA_SPLIT=off", r.dir)
	require.NoError(t, err)
	assert.NotContains(t, out, "kept whole", "nothing is decided")
}
