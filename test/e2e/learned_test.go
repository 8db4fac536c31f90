package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// learner is a tree that docker buildx builds with the frontend image, and that the
// program plans.
type learner struct {
	*testing.T
	env                 *testenv.Env
	program, dir, cache string
	arguments           []string
}

func newLearner(t *testing.T, tree map[string]string, arguments ...string) *learner {
	env := testenv.Shared(t)
	env.Frontend(t)
	return &learner{T: t, env: env, program: testenv.Program(t, "pgstrata"), dir: testenv.Tree(t, tree), cache: t.TempDir(), arguments: arguments}
}

// buildx builds the tree, and returns what the client writes of the result.
func (l *learner) buildx(code int, arguments ...string) string {
	l.Helper()
	metadata := filepath.Join(l.TempDir(), "metadata.json")
	out := l.env.Buildx(l, append(append([]string{"--progress=plain", "--metadata-file", metadata}, l.arguments...), append(arguments, l.dir)...)...)
	require.Equal(l, code, out.Code, out.Stderr)
	if code != 0 {
		return ""
	}
	data, err := os.ReadFile(metadata)
	require.NoError(l, err)
	return string(data)
}

// plan plans the tree, in an environment with more variables.
func (l *learner) plan(variables []string, arguments ...string) (p plan.Plan, errors string) {
	l.Helper()
	cmd := l.env.Command(l, l.program, append(append([]string{"plan", "--format=json"}, arguments...), l.dir)...)
	cmd.Env = append(append(cmd.Env, "XDG_CACHE_HOME="+l.cache), variables...)
	out := testenv.Finish(l, cmd)
	require.Zero(l, out.Code, out.Stderr)
	var list []plan.Plan
	require.NoError(l, json.Unmarshal([]byte(out.Stdout), &list), out.Stdout)
	require.Len(l, list, 1)
	return list[0], out.Stderr
}

// states are those of a plan's steps that are not cached.
func states(p plan.Plan) map[string]string {
	out := map[string]string{}
	for _, s := range p.Runs() {
		out[s.Title] = string(s.Cache)
	}
	return out
}

// A plan knows what docker buildx has built with the frontend image, as if the program had.
func TestPlanAfterBuildx(t *testing.T) {
	l := newLearner(t, small())
	p, _ := l.plan(nil)
	for title, state := range states(p) {
		assert.Equal(t, "unknown", state, title)
	}
	assert.Contains(t, p.Notes[0], "no build of this context and build file is known")

	metadata := l.buildx(0, "--build-arg", "TWO=3")
	assert.NotContains(t, metadata, "pgstrata.records", "it has the build arguments")
	p, _ = l.plan(nil, "--build-arg", "TWO=3")
	assert.Empty(t, states(p))
	assert.Contains(t, p.Since, ", by docker buildx on builder testenv")
	p, _ = l.plan(nil)
	require.Equal(t, "arg TWO 3 → 2", p.Step("setup/03-third").Causes[0].Text)

	// What was learned is kept: nobody is asked for it again.
	p, _ = l.plan([]string{"DOCKER_CONFIG=" + t.TempDir()}, "--build-arg", "TWO=3")
	assert.Empty(t, states(p))

	// A build that failed has built nothing that a plan could compare with.
	write(t, l.dir, "setup/scripts/03-third.sh", "#!/bin/sh\nexit 7\n")
	l.buildx(1)
	write(t, l.dir, "setup/scripts/03-third.sh", "#!/bin/sh\nset -eu\necho \"$TWO\" >/third\necho more\n")
	p, _ = l.plan(nil, "--build-arg", "TWO=3")
	assert.Equal(t, "invalidated", states(p)["03-third.sh"])
	assert.NotContains(t, states(p), "02-second.sh")
	l.buildx(0, "--build-arg", "TWO=3")
	p, _ = l.plan(nil, "--build-arg", "TWO=3")
	assert.Empty(t, states(p))
}

// The same is so of a Dockerfile, be it rewritten or as it stands.
func TestPlanOfDockerfileAfterBuildx(t *testing.T) {
	trees := map[string]map[string]string{
		"split": ordinary(),
		"whole": {"Dockerfile": "FROM debian:bookworm-slim\nCOPY a /a\nRUN test -e /a\nCOPY b /b\n", "a": "a\n", "b": "b\n"},
	}
	for name, tree := range trees {
		t.Run(name, func(t *testing.T) {
			l := newLearner(t, tree, "--build-arg", "BUILDKIT_SYNTAX=localhost:5000/pgstrata:dev")
			l.buildx(0)
			p, _ := l.plan(nil)
			assert.Empty(t, states(p))
			require.NotEmpty(t, p.Steps)
			edited := map[string]string{"split": "setup/scripts/14-step.sh", "whole": "b"}[name]
			write(t, l.dir, edited, "#!/bin/bash\necho edited >>/steps\n")
			p, _ = l.plan(nil)
			title := map[string]string{"split": "14-step.sh", "whole": "COPY b /b"}[name]
			assert.Equal(t, "invalidated", states(p)[title], "%v", states(p))
			l.buildx(0)
			p, _ = l.plan(nil)
			assert.Empty(t, states(p))
		})
	}
}
