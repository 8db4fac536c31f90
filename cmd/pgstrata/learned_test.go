package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/docker/buildx/localstate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// note writes what docker buildx notes of a build, begun at some second.
func note(t *testing.T, config, ref string, second int64, state localstate.State) {
	t.Helper()
	file := filepath.Join(config, "buildx", "refs", filepath.FromSlash(ref))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	data, err := json.Marshal(state)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	at := time.Unix(second, 0)
	require.NoError(t, os.Chtimes(file, at, at))
}

func TestBuildsOfBuildx(t *testing.T) {
	config, dir := t.TempDir(), t.TempDir()
	docker := filepath.Join(config, "docker")
	t.Setenv("BUILDX_CONFIG", filepath.Join(docker, "buildx"))
	file := filepath.Join(dir, "Dockerfile")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	link := filepath.Join(config, "link")
	require.NoError(t, os.Symlink(dir, link))
	assert.Empty(t, buildxBuilds(dir, file, time.Time{}))

	note(t, docker, "mine/mine0/old", 10, localstate.State{LocalPath: dir, DockerfilePath: file})
	note(t, docker, "mine/mine0/new", 30, localstate.State{LocalPath: dir})
	note(t, docker, "mine/mine1/new", 30, localstate.State{LocalPath: dir})
	note(t, docker, "other/other0/linked", 20, localstate.State{LocalPath: link, DockerfilePath: filepath.Join(link, "Dockerfile")})
	note(t, docker, "mine/mine0/file", 40, localstate.State{LocalPath: dir, DockerfilePath: filepath.Join(dir, "pgstrata.yaml")})
	note(t, docker, "mine/mine0/tree", 40, localstate.State{LocalPath: config, DockerfilePath: file})
	note(t, docker, "mine/mine0/remote", 40, localstate.State{LocalPath: "https://example.com/x.git"})
	note(t, docker, "mine/mine0/stdin", 40, localstate.State{LocalPath: dir, DockerfilePath: "-"})
	require.NoError(t, os.WriteFile(filepath.Join(docker, "buildx", "refs", "mine", "mine0", "broken"), []byte("{"), 0o600))

	var refs []string
	for _, b := range buildxBuilds(dir, file, time.Time{}) {
		refs = append(refs, b.ref)
	}
	assert.Equal(t, []string{"new", "linked", "old"}, refs)
	list := buildxBuilds(dir, file, time.Unix(20, 0))
	require.Len(t, list, 1)
	assert.ElementsMatch(t, []string{"mine0", "mine1"}, list[0].nodes)
}

// A builder that cannot be asked is told of, and what is known counts.
func TestPlanTellsOfBuilderThatIsGone(t *testing.T) {
	r := newRepository(t)
	config := t.TempDir()
	t.Setenv("DOCKER_CONFIG", config)
	t.Setenv("BUILDX_CONFIG", filepath.Join(config, "buildx"))
	r.write("Dockerfile", "base: debian:bookworm-slim\n")
	known := &history{Built: time.Unix(1, 0), Records: []*plan.Record{{Format: plan.Format, Platform: "linux/amd64"}}}
	require.NoError(t, known.write(r.dir, filepath.Join(r.dir, "Dockerfile")))
	note(t, config, "gone/gone0/ref", 100, localstate.State{LocalPath: r.dir})
	out, err := r.run("plan", "--platform", "linux/amd64", r.dir)
	require.NoError(t, err)
	assert.Contains(t, out, "compared with the build of 1970-01-01 ")
	assert.Contains(t, out, "note: docker buildx has begun a build on builder gone on 1970-01-01 ")
	assert.Contains(t, out, `no builder "gone" found`)

	out, err = r.run("plan", "--change", "Dockerfile", "--platform", "linux/amd64", r.dir)
	require.NoError(t, err)
	assert.NotContains(t, out, "gone", "it is compared with the tree as it is")
}
