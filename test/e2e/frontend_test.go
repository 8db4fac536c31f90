package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moby/buildkit/client"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestTargets(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, small())

	setup := build(t, env, dir, testenv.Request{Image: "targets:setup", Options: map[string]string{"target": "setup"}})
	assert.Empty(t, setup.Trace.Find("[entrypoint]"))
	assert.NotEmpty(t, setup.Trace.Find("load build definition from Dockerfile, by pgstrata"), "the build tells which frontend made it: %s", setup.Trace)
	img := env.Registry.Image(t, "targets:setup")
	assert.True(t, has(img.Files(), "/third"))
	assert.False(t, has(img.Files(), "/entrypoint.sh"))
	assert.Empty(t, img.Config.Config.Entrypoint)

	entry := build(t, env, dir, testenv.Request{Image: "targets:entrypoint", Options: map[string]string{"target": "entrypoint"}})
	assert.Empty(t, entry.Trace.Find("[setup"), "%s", entry.Trace)
	root := env.Registry.Image(t, "targets:entrypoint").Files()
	assert.True(t, has(root, "/entrypoint.sh"))
	assert.False(t, has(root, "/bin"))

	tests := build(t, env, dir, testenv.Request{Options: map[string]string{"target": "test"}})
	assert.True(t, tests.Trace.Ran("[test] files are there"), "%s", tests.Trace)

	write(t, dir, "test/smoke.sh", "#!/bin/sh\necho broken >&2\nexit 3\n")
	failed, err := attempt(t, env, dir, testenv.Request{Options: map[string]string{"target": "test"}})
	require.ErrorContains(t, err, "exit code: 3")
	assert.Contains(t, failed.Trace.Logs("[test]"), "broken")

	write(t, dir, "Dockerfile", strings.Replace(small()["Dockerfile"], "timeout: 10s", "timeout: 1s", 1))
	write(t, dir, "test/smoke.sh", "#!/bin/sh\nexec sleep 60\n")
	_, err = attempt(t, env, dir, testenv.Request{Options: map[string]string{"target": "test"}})
	require.ErrorContains(t, err, "exit code: 124", "timeout's own")

	_, err = attempt(t, env, dir, testenv.Request{Options: map[string]string{"target": "setupp"}})
	assert.ErrorContains(t, err, `target "setupp" is none of setup, entrypoint, test, image (did you mean setup?)`)
}

func TestMistakesAreShownWithTheirLines(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, change("Dockerfile", `# syntax=localhost:5000/pgstrata:dev
base: debian:bookworm-slim
setup:
  scripst: []
image:
  expose: [port]
`))
	for _, out := range []testenv.Output{
		env.Buildx(t, "--progress=plain", dir),
		env.Run(t, testenv.Program(t, "pgstrata"), "build", "--progress=plain", dir),
	} {
		assert.NotZero(t, out.Code)
		assert.Contains(t, out.Stderr, "   4 | >>>   scripst: []")
		assert.Contains(t, out.Stderr, `Dockerfile:4:3: unknown key "scripst"; did you mean scripts?`)
	}
	// A failing step points at its entry.
	write(t, dir, "Dockerfile", "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\nsetup:\n  scripts:\n    - setup/scripts/01-first.sh\n",
		"setup/scripts/01-first.sh", "#!/bin/sh\necho it broke >&2\nexit 7\n")
	out := env.Buildx(t, "--progress=plain", dir)
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "it broke")
	assert.Contains(t, out.Stderr, "   5 | >>>     - setup/scripts/01-first.sh")
	assert.Contains(t, out.Stderr, "exit code: 7")
}

func TestMissingBase(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{"Dockerfile": "base: localhost:5000/no/such:image\n"})
	_, err := attempt(t, env, dir, testenv.Request{})
	assert.ErrorContains(t, err, "Dockerfile:1:7: base localhost:5000/no/such:image")
}

func TestUndeclaredBuildArgIsAWarning(t *testing.T) {
	env := testenv.Shared(t)
	result := build(t, env, testenv.Tree(t, small()), testenv.Request{Options: map[string]string{"build-arg:ONR": "1"}})
	assert.Contains(t, warnings(result.Trace), "One or more build-args were not consumed: ONR (did you mean ONE?)")
}

func TestOnlyNeededFilesAreTransferred(t *testing.T) {
	env := testenv.Shared(t)
	big := strings.Repeat("x", 1<<20)
	dir := testenv.Tree(t, change("data/big", big, "big", big, "config/ignored.conf", big, ".dockerignore", "config/ignored.conf\n"))
	before := build(t, env, dir, testenv.Request{Image: "transfer", Options: map[string]string{"target": "entrypoint"}})
	var transferred string
	for _, v := range before.Trace.Find("load build context") {
		transferred += strings.Join(v.Statuses, " ")
	}
	assert.NotContains(t, transferred, "MB")
	assert.False(t, has(env.Registry.Image(t, "transfer").Files(), "/opt/container/config/ignored.conf"))
}

func TestNamedContextReplacesTheBase(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":            "base: company/base:1\n",
		"setup/scripts/01-a.sh": "#!/bin/sh\ncat /etc/os-release\n",
	})
	result := build(t, env, dir, testenv.Request{Image: "named", Options: map[string]string{
		"context:company/base:1": "docker-image:debian:bookworm-slim",
	}})
	assert.Contains(t, result.Trace.Logs("01-a.sh"), "bookworm")
	labels := env.Registry.Image(t, "named").Config.Config.Labels
	assert.Equal(t, "docker.io/company/base:1", labels["org.opencontainers.image.base.name"])
	assert.Equal(t, env.Registry.Image(t, "library/debian:bookworm-slim").Digest, labels["org.opencontainers.image.base.digest"])
}

func TestGitContext(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, small())
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "."},
		{"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "tree"},
		{"update-server-info"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	url := serve(t, filepath.Join(dir, ".git"))
	result, err := env.Daemon.Build(t.Context(), testenv.Request{Func: frontendBuild(), Image: "git", Options: map[string]string{
		"context": url + "/.git#main",
	}})
	require.NoError(t, err, "%s", result.Trace)
	assert.True(t, has(env.Registry.Image(t, "git").Files(), "/entrypoint.sh"))

	// The branch as part of a query: docker asks the image whether it understands that.
	env.Frontend(t)
	out := env.Buildx(t, "--progress=plain", "--provenance=false", "--build-arg", "BUILDKIT_SYNTAX=localhost:5000/pgstrata:dev",
		"--push", "--tag", env.Registry.Ref("git:query"), url+"/.git?branch=main")
	require.Zero(t, out.Code, out.Stderr)
	assert.True(t, has(env.Registry.Image(t, "git:query").Files(), "/entrypoint.sh"))
}

// Secrets are mounted where a script asks for them, and stay out of the image.
func TestSecrets(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, change(
		"setup/scripts/01-first.sh", "#!/bin/sh\nset -eu\ntouch /doomed\nwc -c </run/secrets/token >/length\n",
		"Dockerfile", "base: debian:bookworm-slim\nsetup: {scripts: [{path: setup/scripts/01-first.sh, secrets: [token]}]}\n",
	))
	const secret = "s3cr3t-marker"
	opt := client.SolveOpt{Session: []session.Attachable{secretsprovider.FromMap(map[string][]byte{"token": []byte(secret)})}}
	build(t, env, dir, testenv.Request{Image: "secrets", SolveOpt: opt})
	img := env.Registry.Image(t, "secrets")
	length, err := img.Read("/length")
	require.NoError(t, err)
	assert.Equal(t, "13\n", string(length))
	assert.False(t, has(img.Files(), "/run/secrets"), "not even the mount point")

	write(t, dir, "Dockerfile", "base: debian:bookworm-slim\nsetup:\n  scripts:\n    - setup/scripts/00-long.sh\n"+
		"    - {path: setup/scripts/01-first.sh, secrets: [token], ssh: true}\n",
		"setup/scripts/00-long.sh", "#!/bin/sh\ntouch /long\n")
	result, err := attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "Dockerfile:5:51: 01-first.sh needs the secret token, and the build is not given it: add --secret id=token,src=FILE, or id=token,env=NAME")
	require.ErrorContains(t, err, "Dockerfile:5:8: 01-first.sh needs an ssh agent, and the build is not given one: add --ssh default")
	assert.False(t, result.Trace.Ran("00-long.sh"), "it is known before the build: %s", result.Trace)
	write(t, dir, "Dockerfile", "base: debian:bookworm-slim\nsetup:\n  scripts:\n    - setup/scripts/00-long.sh\n"+
		"    - {path: setup/scripts/01-first.sh, secrets: [{id: token, required: false}]}\n")
	_, err = attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "exit code: 2", "an optional one is the script's business")
}

func TestStepsRunAsTheClientAsked(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup: {scripts: [setup/scripts/01-a.sh, {path: setup/scripts/02-b.sh, network: none}]}\n",
		"setup/scripts/01-a.sh": "#!/bin/bash\nset -eu\ngrep example.test /etc/hosts\nulimit -n\ndf --output=size -B1 /dev/shm\nhostname\n" +
			"ls /sys/class/net | wc -l\n",
		"setup/scripts/02-b.sh": "#!/bin/bash\nset -eu\nls /sys/class/net\n",
	})
	result := build(t, env, dir, testenv.Request{Options: map[string]string{
		"add-hosts": "example.test=10.1.2.3", "ulimit": "nofile=1234:1234", "shm-size": "8388608", "hostname": "builder",
	}})
	logs := result.Trace.Logs("01-a.sh")
	for _, want := range []string{"10.1.2.3", "1234", "8388608", "builder"} {
		assert.Contains(t, logs, want)
	}
	assert.Equal(t, "lo\n", result.Trace.Logs("02-b.sh"), "no network")
}

// With SOURCE_DATE_EPOCH entrypoint layers are the same wherever and whenever
// they are built, and so is everything that pgstrata itself makes.
func TestSourceDateEpoch(t *testing.T) {
	env := testenv.Shared(t)
	var digests []string
	for i := range 2 {
		dir := testenv.Tree(t, small()) // files of different times
		if i == 1 {
			require.NoError(t, os.Chtimes(filepath.Join(dir, "config/server.conf"), modTime(), modTime()))
		}
		result := build(t, env, dir, testenv.Request{Image: "epoch", Options: map[string]string{
			"build-arg:SOURCE_DATE_EPOCH": "1700000000", "target": "entrypoint", "no-cache": "",
		}})
		digests = append(digests, result.Digest)
	}
	assert.Equal(t, digests[0], digests[1])
	img := env.Registry.Image(t, "epoch")
	assert.Equal(t, int64(1700000000), img.Config.Created.Unix())
	for _, l := range img.Layers {
		for _, e := range l.Entries {
			assert.Equal(t, int64(1700000000), e.ModTime.Unix(), e.Path)
		}
	}
}

func TestSeveralPlatforms(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, change("config/server.conf", "x"))
	build(t, env, dir, testenv.Request{Image: "platforms", Options: map[string]string{
		"target": "entrypoint", "platform": "linux/amd64,linux/arm64", "context:debian:bookworm-slim": "docker-image:scratch",
	}})
	for _, arch := range []string{"amd64", "arm64"} {
		img := env.Registry.PlatformImage(t, "platforms", platform(arch))
		assert.Equal(t, arch, img.Config.Architecture)
		assert.True(t, has(img.Files(), "/entrypoint.sh"))
	}
	single := build(t, env, dir, testenv.Request{Image: "platforms:one", Options: map[string]string{
		"target": "entrypoint", "platform": "linux/amd64", "multi-platform": "true",
	}})
	assert.NotEmpty(t, single.Digest)
}

// docker buildx build makes several platforms at once of a Dockerfile that is
// split, each with a file of its own: such as this machine can run.
func TestDockerfileOfPlatforms(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	files := map[string]string{
		"Dockerfile": `FROM debian:bookworm-slim
COPY setup /setup
ARG TARGETARCH TARGETVARIANT
COPY conf-$TARGETARCH$TARGETVARIANT /conf
RUN /setup/setup.sh
`,
		"setup/setup.sh": "#!/bin/sh\nset -e\n/setup/a.sh\n/setup/b.sh\n",
		"setup/a.sh":     "#!/bin/sh\nmkdir -p /work\n",
		"setup/b.sh":     "#!/bin/sh\necho b >>/steps\n",
	}
	variants := []string{"", "v2"}
	var platforms []string
	for _, variant := range variants {
		files["conf-amd64"+variant] = "amd64" + variant
		platforms = append(platforms, strings.TrimSuffix("linux/amd64/"+variant, "/"))
	}
	dir := testenv.Tree(t, files)
	for _, split := range []string{"on", "off"} {
		image := "platforms:split-" + split
		out := env.Buildx(t, "--progress=plain", "--provenance=false", "--build-arg", "BUILDKIT_SYNTAX=localhost:5000/pgstrata:dev",
			"--build-arg", "PGSTRATA_SPLIT="+split, "--platform", strings.Join(platforms, ","),
			"--push", "--tag", env.Registry.Ref(image), dir)
		require.Zero(t, out.Code, out.Stderr)
		assert.Equal(t, split == "on", strings.Contains(out.Stderr, "-setup 1/2]"), "whether it was split: %s", out.Stderr)
		for _, variant := range variants {
			conf, err := env.Registry.PlatformImage(t, image, v1.Platform{OS: "linux", Architecture: "amd64", Variant: variant}).Read("/conf")
			require.NoError(t, err)
			assert.Equal(t, "amd64"+variant, string(conf))
		}
	}
}

func TestAttestations(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, small())
	out := env.Buildx(t, "--provenance=mode=max", "--push", "--tag", env.Registry.Ref("attested"),
		"--annotation", "index,manifest:note=hello", "--label", "team=db", dir)
	require.Zero(t, out.Code, out.Stderr)
	img := env.Registry.Image(t, "attested")
	assert.Equal(t, "db", img.Config.Config.Labels["team"])
	out = env.Buildx(t, "--help")
	require.Zero(t, out.Code)
	inspect := env.Run(t, "docker", "buildx", "imagetools", "inspect", "--format", "{{json .Provenance}}", env.Registry.Ref("attested"))
	require.Zero(t, inspect.Code, inspect.Stderr)
	assert.Contains(t, inspect.Stdout, "02-second.sh", "the provenance names the steps")
}

// The daemon scans the image that pgstrata returns, with whatever generator
// the client names: here one made for the test, by pgstrata too.
func TestSBOM(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\n",
		"entrypoint.sh": `#!/bin/sh
set -eu
cd "$BUILDKIT_SCAN_SOURCE"
cat >"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json" <<SBOM
{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
 "predicate": {"spdxVersion": "SPDX-2.3", "name": "$(cat second) $(ls entrypoint.sh)"}}
SBOM
`,
	}), testenv.Request{Image: "scanner"})
	out := env.Buildx(t, "--provenance=false", "--sbom=generator="+env.Registry.Ref("scanner"), "--push",
		"--tag", env.Registry.Ref("scanned"), testenv.Tree(t, small()))
	require.Zero(t, out.Code, out.Stderr)
	inspect := env.Run(t, "docker", "buildx", "imagetools", "inspect", "--format", "{{json .SBOM}}", env.Registry.Ref("scanned"))
	require.Zero(t, inspect.Code, inspect.Stderr)
	assert.Contains(t, inspect.Stdout, "1 entrypoint.sh", "setup and entrypoint files were there to scan")
}

// A frontend that a daemon cannot give merge and diff still makes the image.
func TestSameFilesWithoutMergeAndDiff(t *testing.T) {
	env := testenv.Shared(t)
	tree := change("Dockerfile", strings.Replace(small()["Dockerfile"], "setup:\n", `setup:
  scripts:
    - setup/scripts/01-first.sh
    - setup/scripts/02-second.sh
    - {path: setup/scripts/03-third.sh, outputs: [/third], needs: [02-second]}
`, 1))
	dir := testenv.Tree(t, tree)
	build(t, env, dir, testenv.Request{Image: "merged"})
	build(t, env, dir, testenv.Request{Image: "copied", Func: withoutMergeAndDiff()})
	merged, copied := env.Registry.Image(t, "merged"), env.Registry.Image(t, "copied")
	assert.Equal(t, summary(merged.Files()), summary(copied.Files()))
	assert.Equal(t, merged.Config.Config, copied.Config.Config)
	assert.Len(t, copied.Config.History, len(copied.Layers))

	write(t, dir, "entrypoint.d/entrypoint.sh", "#!/bin/sh\n: edited for the copies\n")
	trace := build(t, env, dir, testenv.Request{Image: "copied", Func: withoutMergeAndDiff()}).Trace
	assert.Empty(t, setupRan(trace), "%s", trace)
	assert.Equal(t, []string{"entrypoint: /entrypoint.sh"}, ranUnder(trace, "[entrypoint]"))
}
