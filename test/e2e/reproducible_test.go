package e2e

import (
	"bytes"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/testenv"
)

// moved is an image that a tag may be given to in place of the one it had.
func moved() llb.State {
	return llb.Image("docker.io/library/debian:bookworm-slim").File(llb.Mkfile("/moved", 0o644, nil))
}

// reproducibly builds a tree on a daemon of its own, and returns the image.
func reproducibly(t *testing.T, dir string, options map[string]string) *testenv.Image {
	t.Helper()
	env := testenv.New(t)
	options["build-arg:SOURCE_DATE_EPOCH"] = "1700000000"
	build(t, env, dir, testenv.Request{Options: options, SolveOpt: client.SolveOpt{Exports: []client.ExportEntry{{
		Type: client.ExporterImage,
		Attrs: map[string]string{
			"name": env.Registry.Ref("reproduced"), "push": "true", "rewrite-timestamp": "true",
		},
	}}}})
	return env.Registry.Image(t, "reproduced")
}

// Two builds on two fresh daemons from the same inputs are the same bytes: the
// entrypoint's layers by SOURCE_DATE_EPOCH alone, everything with the exporter's
// rewrite-timestamp.
func TestReproducible(t *testing.T) {
	dir := testenv.Tree(t, small())
	one, two := reproducibly(t, dir, map[string]string{}), reproducibly(t, dir, map[string]string{})
	assertSameLayers(t, one, two)
	assert.Equal(t, one.Digest, two.Digest)

	alone := func() *testenv.Image {
		env := testenv.New(t)
		build(t, env, dir, testenv.Request{Image: "alone", Options: map[string]string{"build-arg:SOURCE_DATE_EPOCH": "1700000000", "target": "entrypoint"}})
		return env.Registry.Image(t, "alone")
	}
	assert.Equal(t, alone().Digest, alone().Digest)
}

// With packages too, once their versions are locked.
func TestReproducibleWithPackages(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, packaged())
	out := env.Run(t, testenv.Program(t, "pgstrata"), "lock", "--progress=plain", dir)
	require.Zero(t, out.Code, out.Stderr)
	options := func() map[string]string { return map[string]string{"build-arg:PGSTRATA_LOCKED": "1"} }
	one, two := reproducibly(t, dir, options()), reproducibly(t, dir, options())
	assertSameLayers(t, one, two)
	assert.Equal(t, one.Digest, two.Digest)
}

// assertSameLayers says which files differ, where layers do.
func assertSameLayers(t *testing.T, one, two *testenv.Image) {
	t.Helper()
	require.Len(t, two.Layers, len(one.Layers))
	for i, layer := range one.Layers {
		if layer.DiffID == two.Layers[i].DiffID {
			continue
		}
		t.Errorf("layer %d differs", i)
		for _, path := range layer.Paths() {
			a, errA := layer.Read(path)
			b, errB := two.Layers[i].Read(path)
			if (errA == nil) != (errB == nil) || !bytes.Equal(a, b) {
				t.Errorf("%s: %d and %d bytes, %v, %v", path, len(a), len(b), errA, errB)
			}
		}
		assert.Equal(t, len(layer.Entries), len(two.Layers[i].Entries))
		for j, e := range layer.Entries {
			if o := two.Layers[i].Entries[j]; e.Path != o.Path || !e.ModTime.Equal(o.ModTime) || e.Mode != o.Mode || e.Link != o.Link {
				t.Errorf("entry %v\n   and %v", e, o)
			}
		}
	}
}
