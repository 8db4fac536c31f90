package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// ordinaryOf is the ordinary tree with scripts of the test's own, which no other
// test has built.
func ordinaryOf(test string) map[string]string {
	files := ordinary()
	for name, text := range files {
		if strings.HasPrefix(name, "setup/scripts/") {
			files[name] = text + "# " + test + "\n"
		}
	}
	return files
}

// commands runs pgstrata's commands on a tree, with records of their own.
type commands struct {
	t       *testing.T
	env     *testenv.Env
	program string
	cache   string
	dir     string
}

func newCommands(t *testing.T, env *testenv.Env, dir string) *commands {
	t.Helper()
	return &commands{t: t, env: env, program: testenv.Program(t, "pgstrata"), cache: t.TempDir(), dir: dir}
}

func (c *commands) run(args ...string) testenv.Output {
	c.t.Helper()
	cmd := c.env.Command(c.t, c.program, append(args, c.dir)...)
	cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+c.cache)
	out := testenv.Finish(c.t, cmd)
	require.Zero(c.t, out.Code, "%v\n%s%s", args, out.Stdout, out.Stderr)
	return out
}

// summary builds, and returns what the build says of itself at its end.
func (c *commands) summary(args ...string) string {
	c.t.Helper()
	lines := strings.Split(strings.TrimSpace(c.run(append([]string{"build", "--progress=plain"}, args...)...).Stderr), "\n")
	return lines[len(lines)-1]
}

// What a user of a Dockerfile sees: a plan, a build with its summary, and the
// next plan, each with the Dockerfile's lines.
func TestDockerfileCommands(t *testing.T) {
	env := testenv.Shared(t)
	files := ordinaryOf("commands")
	dir := testenv.Tree(t, files)
	c := newCommands(t, env, dir)
	push := []string{"--push", "--tag", env.Registry.Ref("dockerfile:commands")}

	assert.Contains(t, c.run("plan").Stdout, "\nDockerfile:6 14-step.sh                                      unknown  no earlier build is recorded\n")
	assert.Regexp(t, `^setup .*\(17 steps.*\) · entrypoint .* · \d+ layers, \d.* MB$`, c.summary(push...))
	assert.Equal(t, "nothing is built again, 21 cached", verdict(c.run("plan").Stdout))

	write(t, dir, "entrypoint.d/scripts/runtime/start.sh", "#!/bin/sh\necho edited\n")
	assert.Equal(t, "Dockerfile:7 COPY entrypoint.d /opt/container/entrypoint.d   invalidated  entrypoint.d/scripts/runtime/start.sh changed\n"+
		"Dockerfile:8 COPY entrypoint.d/entrypoint.sh /entrypoint.sh  invalidated  COPY entrypoint.d /opt/container/entrypoint.d copied again\n", rows(c.run("plan").Stdout))
	assert.Regexp(t, `^setup cached \(17 steps.*\) · entrypoint rebuilt: start.sh changed · 1 new layer, .*$`, c.summary(push...))

	write(t, dir, "setup/scripts/14-step.sh", files["setup/scripts/14-step.sh"]+": edited\n")
	var plans []struct {
		Steps []struct {
			Title, Cache string
			Line         int
			Causes       []struct{ Text string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(c.run("plan", "--format=json").Stdout), &plans))
	var again []string
	for _, s := range plans[0].Steps {
		if s.Cache == "invalidated" && s.Line == 6 {
			again = append(again, s.Title+": "+s.Causes[0].Text)
		}
	}
	assert.Equal(t, []string{"14-step.sh: setup/scripts/14-step.sh changed", "99-cleanup.sh: runs after 14-step.sh"}, again)

	picture := filepath.Join(t.TempDir(), "build.svg")
	c.run("graph", "--output", picture)
	data, err := os.ReadFile(picture)
	require.NoError(t, err)
	for _, want := range []string{"14-step.sh", "99-cleanup.sh", "COPY entrypoint.d", "base debian"} {
		assert.Contains(t, string(data), want)
	}

	report := filepath.Join(t.TempDir(), "report.html")
	assert.Regexp(t, `^setup: 2 of 17 steps ran \(.*\): 14-step.sh: setup/scripts/14-step.sh changed · entrypoint rebuilt: `, c.summary(append(push, "--report", report)...))
	data, err = os.ReadFile(report)
	require.NoError(t, err)
	assert.Contains(t, string(data), "setup/scripts/14-step.sh changed")

	assert.Equal(t, "nothing is built again, 21 cached", verdict(c.run("plan").Stdout))
	assert.Contains(t, rows(c.run("plan", "--change", "setup/scripts/07-step.sh").Stdout), "Dockerfile:6 07-step.sh")
	assert.Contains(t, rows(c.run("plan", "--build-arg", "TWO=9").Stdout), "Dockerfile:6 07-step.sh                                      invalidated  arg TWO 2 → 9\n")
	assert.Contains(t, rows(c.run("plan", "--build-arg", "PGSTRATA_SPLIT=off").Stdout), "Dockerfile:6 setup.sh")

	// What BuildKit's own frontend builds is recorded too.
	assert.Regexp(t, `^setup .*2 steps.* · entrypoint `, c.summary("--build-arg", "PGSTRATA_SPLIT=off"))
	assert.Equal(t, "nothing is built again, 4 cached", verdict(c.run("plan", "--build-arg", "PGSTRATA_SPLIT=off").Stdout))
}

// verdict is a plan's last line without how long it saves.
func verdict(plan string) string {
	plan, _, _ = strings.Cut(plan, "\nDockerfile:2: ") // what a build decides stands below it
	lines := strings.Split(strings.TrimSpace(plan), "\n")
	text, _, _ := strings.Cut(lines[len(lines)-1], " (saves")
	return text
}

// rows are the steps of a plan, without how long they took.
func rows(plan string) string {
	var out strings.Builder
	for line := range strings.Lines(plan) {
		if where, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(where, "Dockerfile:") && !strings.HasSuffix(where, ":") {
			text, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " (took")
			out.WriteString(text + "\n")
		}
	}
	return out.String()
}

// The definition that `pgstrata llb` writes for a Dockerfile builds by itself,
// and is the one that a build has in the daemon's cache.
func TestDockerfileDefinitionIsPortable(t *testing.T) {
	env := testenv.Shared(t)
	files := ordinaryOf("portable")
	files["setup/scripts/03-step.sh"] = "#!/bin/bash\nset -eu\necho portable >/portable\n"
	dir, dest := testenv.Tree(t, files), t.TempDir()
	c := newCommands(t, env, dir)
	build(t, env, dir, testenv.Request{})
	for _, args := range [][]string{nil, {"--build-arg", "PGSTRATA_SPLIT=off"}} {
		out := c.run(append([]string{"llb", "--progress=quiet"}, args...)...)
		again := c.run(append([]string{"llb", "--progress=quiet"}, args...)...)
		assert.Equal(t, []byte(out.Stdout), []byte(again.Stdout), "the same inputs, the same bytes")
		cmd := env.Command(t, testenv.Tool("buildctl"), "build", "--progress=rawjson", "--local", "context="+dir, "--output", "type=local,dest="+dest)
		cmd.Stdin = strings.NewReader(out.Stdout)
		built := testenv.Finish(t, cmd)
		require.Zero(t, built.Code, built.Stderr)
		assert.FileExists(t, filepath.Join(dest, "entrypoint.sh"))
		assert.FileExists(t, filepath.Join(dest, "portable"))
		if args == nil {
			assert.Empty(t, ranUnder(built.Trace(t), "[stage-0-setup "))
		}
	}
}

// The frontend image answers docker buildx's questions about a Dockerfile that
// nobody edited.
func TestDockerfileRequests(t *testing.T) {
	env := testenv.Shared(t)
	syntax := []string{"--build-arg", "BUILDKIT_SYNTAX=" + env.Frontend(t)}
	files := ordinary()
	dir := testenv.Tree(t, files)
	ask := func(args ...string) string {
		out := env.Buildx(t, append(append(syntax, args...), dir)...)
		require.Zero(t, out.Code, out.Stderr)
		return out.Stdout
	}
	assert.Contains(t, ask("--call", "subrequests.describe"), "pgstrata.plan ")
	var answer frontend.PlanAnswer
	require.NoError(t, json.Unmarshal([]byte(ask("--call", "pgstrata.plan,format=json")), &answer))
	require.Len(t, answer.Records, 1)
	assert.True(t, strings.HasPrefix(answer.Records[0].Bases["docker.io/library/debian:bookworm-slim"].Digest, "sha256:"))
	records, err := json.Marshal(answer.Records)
	require.NoError(t, err)

	write(t, dir, "setup/scripts/14-step.sh", files["setup/scripts/14-step.sh"]+": edited\n")
	plan := ask("--call", "pgstrata.plan", "--build-arg", "PGSTRATA_RECORDS="+base64.StdEncoding.EncodeToString(records))
	assert.Contains(t, plan, "Dockerfile:6 14-step.sh                                      invalidated  setup/scripts/14-step.sh changed\n"+
		"Dockerfile:6 99-cleanup.sh                                   invalidated  runs after 14-step.sh\n")
}

// checked is a tree whose Dockerfile and scripts have mistakes: those that
// BuildKit's own checks know, and those that pgstrata's rules do.
func checked() map[string]string {
	files := ordinary()
	files["Dockerfile"] = `# check=experimental=all
FROM debian:bookworm-slim
ARG API_TOKEN
maintainer somebody
COPY setup /setup
COPY notes.txt /notes.txt
RUN /setup/setup.sh && \
    # a comment in between
    make
# check=skip=SerialMake
RUN make
RUN make # it is not the first
WORKDIR relative
ARG UNUSED
CMD echo hi
`
	files[".dockerignore"] = "notes.txt\n"
	files["notes.txt"] = "notes\n"
	files["setup/scripts/03-step.sh"] = "#!/bin/bash\nset -eu\ncurl -k https://example.org/a -o /a\necho \"$API_TOKEN\"\n"
	return files
}

// docker buildx build --check, and pgstrata check, say the same of a Dockerfile:
// BuildKit's own checks and pgstrata's rules, each at its line.
func TestDockerfileCheck(t *testing.T) {
	env := testenv.Shared(t)
	syntax := []string{"--build-arg", "BUILDKIT_SYNTAX=" + env.Frontend(t)}
	dir := testenv.Tree(t, checked())
	want := []string{
		"Dockerfile:3 SecretsUsedInArgOrEnv", "Dockerfile:4 ConsistentInstructionCasing",
		"Dockerfile:4 MaintainerDeprecated", "Dockerfile:6 CopyIgnoredFile", "Dockerfile:9 SerialMake", "Dockerfile:12 SerialMake",
		"Dockerfile:13 WorkdirRelativePath", "Dockerfile:14 ArgUnused", "Dockerfile:15 JSONArgsRecommended",
		"setup/scripts/03-step.sh:3 TLSVerificationDisabled",
	}
	note := "setup/scripts/03-step.sh:3 UnverifiedDownload" // docker would take it for a warning
	found := func(out testenv.Output) []string {
		require.Equal(t, 1, out.Code, out.Stderr)
		var results lint.LintResults
		require.NoError(t, json.Unmarshal([]byte(out.Stdout), &results), out.Stdout)
		require.Nil(t, results.Error)
		var got []string
		for _, w := range results.Warnings {
			source := results.Sources[w.Location.SourceIndex]
			got = append(got, source.Filename+":"+jsonNumber(w.Location.Ranges[0].Start.Line)+" "+w.RuleName)
			assert.Contains(t, w.URL, "://")
			assert.NotEmpty(t, w.Detail)
		}
		return got
	}
	assert.ElementsMatch(t, want, found(env.Buildx(t, append(syntax, "--call=check,format=json", dir)...)))
	program := testenv.Program(t, "pgstrata")
	assert.ElementsMatch(t, append([]string{note}, want...), found(env.Run(t, program, "check", "--format=json", dir)))

	out := env.Buildx(t, append(syntax, "--check", dir)...)
	assert.Equal(t, 1, out.Code)
	assert.Contains(t, out.Stdout, "WARNING: CopyIgnoredFile - https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/\n")
	assert.Contains(t, out.Stdout, "setup/scripts/03-step.sh:3: -k turns off the check of who answers")
	assert.Contains(t, out.Stdout, ">>>     make")

	// Both kinds are skipped in the same way, at the top and on the command line.
	text := strings.Replace(checked()["Dockerfile"], "experimental=all", "skip=CopyIgnoredFile,UnverifiedDownload", 1)
	write(t, dir, "Dockerfile", text)
	want = slices.DeleteFunc(want, func(s string) bool { return strings.Contains(s, "CopyIgnoredFile") })
	assert.ElementsMatch(t, want, found(env.Buildx(t, append(syntax, "--call=check,format=json", dir)...)))
	assert.ElementsMatch(t, want, found(env.Run(t, program, "check", "--format=json", dir)))
	out = env.Buildx(t, append(syntax, "--check", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all", dir)...)
	assert.Zero(t, out.Code, out.Stdout)
	out = env.Buildx(t, append(syntax, "--check", testenv.Tree(t, map[string]string{"Dockerfile": "FROM debian:bookworm-slim\nCOPY\n"}))...)
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stdout+out.Stderr, "COPY requires at least two arguments")
}

func jsonNumber(n int32) string {
	text, _ := json.Marshal(n) // a number always can
	return string(text)
}
