package main

import (
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
