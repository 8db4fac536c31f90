package main

import (
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

// A plan of a Dockerfile tells which scripts are kept whole, and why, and which
// build arguments nothing declares.
func TestPlanTellsWhatIsKeptWhole(t *testing.T) {
	r := newRepository(t)
	r.write("Dockerfile", "FROM debian:12\nARG PG=1\nCOPY b /b\nRUN /b/all.sh\n")
	r.write("b/all.sh", "#!/bin/sh\nset -e\n. /etc/settings\n/b/1.sh\n/b/2.sh\n")
	r.write("b/1.sh", "#!/bin/sh\nmkdir -p /srv/1\n")
	r.write("b/2.sh", "#!/bin/sh\nmkdir -p /srv/2\n")
	require.NoError(t, os.Chmod(filepath.Join(r.dir, "b/all.sh"), 0o755)) //nolint:gosec // a script
	out, err := r.run("plan", "--build-arg", "PGG=2", r.dir)
	require.NoError(t, err)
	assert.Contains(t, out, "note: Dockerfile:4 is kept whole: ")
	assert.Contains(t, out, "build arguments that the build file does not declare: PGG (did you mean PG?)")
}
