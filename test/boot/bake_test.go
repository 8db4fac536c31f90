package boot

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// scanner is a generator of SBOMs that knows no packages.
const scanner = `#!/bin/sh
echo '{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
    "predicate": {"spdxVersion": "SPDX-2.3", "name": "image"}}' >"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
`

// docker-bake.hcl of the example builds, tests and releases the image.
func TestBake(t *testing.T) {
	env := testenv.Shared(t)
	_, err := env.Daemon.Build(t.Context(), testenv.Request{
		Syntax:  env.Frontend(t),
		Context: testenv.Tree(t, map[string]string{"Dockerfile": "base: debian:bookworm-slim\n", "entrypoint.sh": scanner}),
		Image:   "bake/scanner",
	})
	require.NoError(t, err)
	dir := testenv.Example(t, "postgresql")
	bake := func(arguments ...string) string {
		cmd := env.Command(t, "docker", append([]string{"buildx", "bake", "--progress=plain"}, arguments...)...)
		cmd.Dir = dir
		registry := env.Registry.Ref("bake")
		// Another platform would need an emulator.
		cmd.Env = append(cmd.Env, "REGISTRY="+registry, "TAG=1", "PLATFORMS=linux/amd64", "SCANNER="+registry+"/scanner")
		out := testenv.Finish(t, cmd)
		require.Zero(t, out.Code, out.Stderr)
		return out.Stderr
	}

	log := bake() // its default
	assert.Contains(t, log, "[test test] a server starts, answers and stops")
	assert.Contains(t, log, " entrypoint] entrypoint: /entrypoint.sh") // labeled by either target

	bake("release")
	tags, err := env.Registry.Tags(t.Context(), "bake/postgresql")
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"1", "cache"}, tags)
	assert.Equal(t, []string{"/entrypoint.sh"}, env.Registry.Image(t, "bake/postgresql:1").Config.Config.Entrypoint)
	for what, text := range map[string]string{"Provenance": "02-install-postgresql.sh", "SBOM": "SPDX-2.3"} {
		out := env.Run(t, "docker", "buildx", "imagetools", "inspect", "--format", "{{json ."+what+"}}", env.Registry.Ref("bake/postgresql:1"))
		require.Zero(t, out.Code, out.Stderr)
		assert.Contains(t, out.Stdout, text, what)
	}
}
