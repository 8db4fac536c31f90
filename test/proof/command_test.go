package proof

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What a user sees: a plan, a build and its last line, and the next plan.
func TestPlanCommand(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	base := bases(t, env)[0]
	dir := filepath.Join(t.TempDir(), "tree")
	m := newModel("command")
	require.NoError(t, writeTree(dir, m.tree()))
	cache := t.TempDir()
	run := func(args ...string) testenv.Output {
		cmd := env.Command(t, program, append(args, dir)...)
		cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+cache)
		out := testenv.Finish(t, cmd)
		require.Zero(t, out.Code, "%v\n%s", args, out.Stderr)
		return out
	}
	last := func(out testenv.Output) string {
		lines := strings.Split(strings.TrimSpace(out.Stderr), "\n")
		return lines[len(lines)-1]
	}
	build := func(args ...string) testenv.Output {
		return run(append([]string{
			"build", "--progress=plain", "--build-context", "debian:bookworm-slim=docker-image://" + base,
			"--push", "--tag", env.Registry.Ref("plan:command"),
		}, args...)...)
	}

	assert.Contains(t, run("plan").Stdout, "note: no build of this context and build file is known")
	summary := last(build())
	assert.Regexp(t, `^setup built \(8 steps, .*\) · entrypoint built · \d+ layers, \d.* [kM]B$`, summary)
	assert.Contains(t, run("plan").Stdout, "\nnothing is built again, 13 cached")

	m.files["entrypoint.d/scripts/runtime/start.sh"] = file{text: "#!/bin/sh\n# edited\n", mode: 0o755}
	require.NoError(t, writeTree(dir, m.tree()))
	assert.Contains(t, run("plan").Stdout, "\nentrypoint/runtime  invalidated  entrypoint.d/scripts/runtime/start.sh changed\n1 step built again, 12 cached")
	assert.Regexp(t, `^setup cached \(8 steps.*\) · entrypoint rebuilt: start.sh changed · 1 new layer, \d+ B$`, last(build()))

	plans := struct{ plan.Plan }{}
	out := run("plan", "--format=json", "--build-arg", "TWO=9")
	require.NoError(t, json.Unmarshal([]byte(strings.Trim(strings.TrimSpace(out.Stdout), "[]")), &plans))
	assert.Equal(t, "02-library.sh: arg TWO 2 → 9; 03-program.sh: if the outputs of 02-library change; linker's cache: if the outputs of 02-library, 03-program change", plans.Chain())
	assert.Regexp(t, `^setup: \d of 8 steps ran \(.*\): 02-library.sh: arg TWO 2 → 9 · entrypoint cached · \d new layers, .*$`, last(build("--build-arg", "TWO=9")))

	out = run("plan", "--change", "entrypoint.d/entrypoint.sh")
	assert.Regexp(t, `^compared with the tree as it is\nentrypoint/entrypoint  invalidated  entrypoint.d/entrypoint.sh changed\n1 step built again, 12 cached( \(saves .*\))?\n$`, out.Stdout)
}

// A git revision is compared as if it had been built.
func TestPlanSinceRevision(t *testing.T) {
	testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	top := t.TempDir()
	dir := filepath.Join(top, "images/pg")
	m := newModel("since")
	require.NoError(t, writeTree(dir, m.tree()))
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-C", top, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "first")
	since := func(args ...string) string {
		cmd := exec.Command(program, append(append([]string{"plan", "--since", "HEAD"}, args...), dir)...)
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+top)
		out := testenv.Finish(t, cmd)
		require.Zero(t, out.Code, out.Stderr)
		return out.Stdout
	}
	assert.Contains(t, since(), "nothing is built again", "modes that git does not know are no change")

	m.scripts[3].content++
	m.files["setup/data/two"] = file{text: "two\n", mode: 0o755}
	require.NoError(t, writeTree(dir, m.tree()))
	assert.Equal(t, `compared with HEAD
setup/04-last     invalidated  mode of setup/data/two 0644 → 0755, setup/scripts/04-last.sh changed
setup/99-cleanup  invalidated  runs after 04-last.sh
setup/squash      conditional  if the files that 99-cleanup.sh makes change
setup/linker      conditional  if setup's layer changes
2 steps built again, at most 2 more, 9 cached
`, since())
	assert.Contains(t, since("--build-arg", "ONE=x"), "setup/01-first    invalidated  arg ONE 1 → x\n")

	out := testenv.Finish(t, exec.Command(program, "plan", "--since", "--output=x", dir))
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, `"--output=x" is no revision`)
}

// The frontend image answers the same question to docker buildx and buildctl.
func TestPlanRequest(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":                 "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\n",
		"setup/scripts/01-a.sh":      "#!/bin/sh\n: a\n",
		"entrypoint.d/entrypoint.sh": "#!/bin/sh\n",
	})
	ask := func(args ...string) string {
		out := env.Buildx(t, append(append([]string{"--call", "pgstrata.plan"}, args...), dir)...)
		require.Zero(t, out.Code, out.Stderr)
		return out.Stdout
	}
	assert.Contains(t, ask(), "setup/01-a             unknown  no earlier build is recorded")

	out := env.Buildx(t, "--call", "pgstrata.plan,format=json", dir)
	require.Zero(t, out.Code, out.Stderr)
	var answer frontend.PlanAnswer
	require.NoError(t, json.Unmarshal([]byte(out.Stdout), &answer), out.Stdout)
	require.Len(t, answer.Records, 1)
	assert.True(t, strings.HasPrefix(answer.Records[0].Bases[mainBase].Digest, "sha256:"))
	records, err := json.Marshal(answer.Records)
	require.NoError(t, err)

	testenv.Write(t, filepath.Join(dir, "entrypoint.d/entrypoint.sh"), "#!/bin/sh\n: edited\n")
	text := base64.StdEncoding.EncodeToString(records)
	assert.Equal(t, "entrypoint/entrypoint  invalidated  entrypoint.d/entrypoint.sh changed\n1 step built again, 1 cached\n",
		ask("--build-arg", "PGSTRATA_RECORDS="+text))

	// buildctl has no flag for it; any client that sends options has.
	out = env.Buildctl(t, "build", "--frontend", "gateway.v0", "--opt", "source=localhost:5000/pgstrata:dev",
		"--opt", "requestid="+frontend.PlanRequest, "--opt", "frontend.caps=moby.buildkit.frontend.subrequests",
		"--opt", "pgstrata.records="+text, "--local", "context="+dir, "--local", "dockerfile="+dir, "--metadata-file", filepath.Join(dir, "meta"))
	assert.Zero(t, out.Code, out.Stderr)

	out = env.Buildx(t, "--call", "subrequests.describe", dir)
	assert.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stdout, "pgstrata.plan ")

	out = env.Buildx(t, "--call", "pgstrata.plan", "--build-arg", "PGSTRATA_RECORDS=!", dir)
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "the records of the earlier build are not base64")
}
