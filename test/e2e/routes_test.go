package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The three ways to build give the same image, byte for byte.
func TestRoutesGiveTheSameImage(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, small())
	ref := env.Registry.Ref

	out := env.Buildx(t, "--progress=plain", "--provenance=false", "--push", "--tag", ref("routes:buildx"), dir)
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stderr, "[setup 2/4] 02-second.sh")

	out = env.Buildctl(t, "build", "--frontend", "gateway.v0", "--opt", "source=localhost:5000/pgstrata:dev",
		"--local", "context="+dir, "--local", "dockerfile="+dir,
		"--output", "type=image,push=true,name="+ref("routes:buildctl"))
	require.Zero(t, out.Code, out.Stderr)

	out = env.Run(t, testenv.Program(t, "pgstrata"), "build", "--progress=plain", "--push", "--tag", ref("routes:pgstrata"), dir)
	require.Zero(t, out.Code, out.Stderr)

	buildx := env.Registry.Image(t, "routes:buildx").Digest
	assert.Equal(t, buildx, env.Registry.Image(t, "routes:buildctl").Digest)
	assert.Equal(t, buildx, env.Registry.Image(t, "routes:pgstrata").Digest)
}

func TestPgstrataBuildWritesOutputs(t *testing.T) {
	env := testenv.Shared(t)
	dir, dest := testenv.Tree(t, small()), t.TempDir()
	pgstrata := testenv.Program(t, "pgstrata")
	meta := filepath.Join(dest, "meta.json")
	out := env.Run(t, pgstrata, "build", "--progress=quiet", "--target=entrypoint", "--metadata-file", meta,
		"--build-arg", "ONE=9", "--output", filepath.Join(dest, "files"), dir)
	require.Zero(t, out.Code, out.Stderr)
	data, err := os.ReadFile(filepath.Join(dest, "files/entrypoint.sh"))
	require.NoError(t, err)
	assert.Equal(t, small()["entrypoint.d/entrypoint.sh"], string(data))
	assert.FileExists(t, meta)
	assert.NoDirExists(t, filepath.Join(dest, "files/usr"), "the entrypoint state holds nothing else")

	out = env.Run(t, pgstrata, "build", "--output", "nonsense=1", dir)
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "pgstrata: --output")
}

// Without an address pgstrata builds where docker buildx builds, and finds the
// context and the build file by itself.
func TestPgstrataUsesTheBuilderOfDocker(t *testing.T) {
	env := testenv.Shared(t)
	files := small()
	files["pgstrata.yaml"] = files["Dockerfile"]
	delete(files, "Dockerfile")
	dir, dest := testenv.Tree(t, files), t.TempDir()
	run := func(arguments ...string) testenv.Output {
		cmd := env.Command(t, testenv.Program(t, "pgstrata"), append([]string{"build", "--progress=plain"}, arguments...)...)
		cmd.Dir = dir
		cmd.Env = append(cmd.Env, "BUILDKIT_HOST=")
		return testenv.Finish(t, cmd)
	}
	out := run("--target=entrypoint", "--output", dest)
	require.Zero(t, out.Code, out.Stderr)
	assert.FileExists(t, filepath.Join(dest, "entrypoint.sh"))

	out = run("--builder", "elsewhere")
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, `no builder "elsewhere" found`)

	out = run("--push")
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "--push needs the image's name: add --tag")
}

// The definition that `pgstrata llb` writes builds the same files by itself.
func TestDefinitionIsPortable(t *testing.T) {
	env := testenv.Shared(t)
	dir, dest := testenv.Tree(t, small()), t.TempDir()
	out := env.Run(t, testenv.Program(t, "pgstrata"), "llb", "--progress=quiet", dir)
	require.Zero(t, out.Code, out.Stderr)
	again := env.Run(t, testenv.Program(t, "pgstrata"), "llb", "--progress=quiet", dir)
	assert.Equal(t, []byte(out.Stdout), []byte(again.Stdout), "the same inputs, the same bytes")

	file := filepath.Join(t.TempDir(), "definition")
	require.NoError(t, os.WriteFile(file, []byte(out.Stdout), 0o600))
	in, err := os.Open(file)
	require.NoError(t, err)
	defer in.Close()
	cmd := env.Command(t, testenv.Tool("buildctl"), "build", "--local", "context="+dir, "--output", "type=local,dest="+dest)
	cmd.Stdin = in
	out = testenv.Finish(t, cmd)
	require.Zero(t, out.Code, out.Stderr)
	assert.FileExists(t, filepath.Join(dest, "entrypoint.sh"))
	assert.FileExists(t, filepath.Join(dest, "third"))
}

func TestSubrequests(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, change(
		"setup/scripts/01-first.sh", "#!/bin/sh\napt-get install -y curl\n",
		"Dockerfile", "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\n"+
			"args: {ONE: {default: '1', description: the first}, TWO: '2'}\n"+
			"setup: {scripts: [{path: setup/scripts/01-first.sh, secrets: [token], ssh: true}]}\n",
	))
	out := env.Buildx(t, "--call=targets,format=json", dir)
	require.Zero(t, out.Code, out.Stderr)
	var targets struct {
		Targets []struct {
			Name    string
			Default bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out.Stdout), &targets), out.Stdout)
	var names []string
	for _, target := range targets.Targets {
		names = append(names, target.Name)
		assert.Equal(t, target.Name == "image", target.Default)
	}
	assert.Equal(t, []string{"setup", "entrypoint", "caches", "image"}, names)

	out = env.Buildx(t, "--call=outline", "--build-arg", "TWO=x", dir)
	require.Zero(t, out.Code, out.Stderr)
	for _, want := range []string{"ONE", "the first", "token", "default"} {
		assert.Contains(t, out.Stdout, want)
	}
	out = env.Buildx(t, "--call=outline,format=json", dir)
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stdout, `"ID": "apt-archives-bookworm-linux-amd64"`)
}
