package e2e

import (
	"bytes"
	"slices"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
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

// A build that has states from an inline cache, whose files have the times of the
// export, and others from its own steps makes the layers of a build from nothing:
// outputs that a script of the chain needs are in theirs alone.
func TestLayersWithAnInlineCache(t *testing.T) {
	env := testenv.New(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
setup:
  scripts:
    - setup/scripts/00-place.sh
    - {path: setup/scripts/01-library.sh, outputs: [/opt/library]}
    - {path: setup/scripts/02-program.sh, needs: [01-library]}
  final_cleanup: [setup/cleanup.sh]
`,
		"setup/cleanup.sh": "#!/bin/sh\nrm -f /doomed\n",
		// The script that needs the outputs has another directory above them than the image has.
		"setup/scripts/00-place.sh":   "#!/bin/sh\nset -eu\nchmod 0711 /opt\n",
		"setup/scripts/01-library.sh": "#!/bin/sh\nset -eu\nmkdir -p /opt/library/deep\necho library >/opt/library/file\nln -s ../file /opt/library/deep/link\n",
		"setup/scripts/02-program.sh": "#!/bin/sh\nset -eu\ncat /opt/library/file >/program\n",
	})
	commit := func(image string, from ...string) *testenv.Image {
		t.Helper()
		request := testenv.Request{
			Options: map[string]string{"build-arg:SOURCE_DATE_EPOCH": "1700000000"},
			SolveOpt: client.SolveOpt{
				Exports: []client.ExportEntry{{Type: client.ExporterImage, Attrs: map[string]string{
					"name": env.Registry.Ref(image), "push": "true", "rewrite-timestamp": "true",
				}}},
				CacheExports: []client.CacheOptionsEntry{{Type: "inline"}},
			},
		}
		for _, ref := range from {
			request.CacheImports = append(request.CacheImports, client.CacheOptionsEntry{Type: "registry", Attrs: map[string]string{"ref": env.Registry.Ref(ref)}})
		}
		require.NoError(t, env.Daemon.Client.Prune(t.Context(), nil, client.PruneAll))
		build(t, env, dir, request)
		return env.Registry.Image(t, image)
	}
	commit("inline:first")
	write(t, dir, "setup/scripts/02-program.sh", "#!/bin/sh\nset -eu\ncat /opt/library/file /opt/library/file >/program\n")
	cached, clean := commit("inline:cached", "inline:first"), commit("inline:clean")
	assertSameLayers(t, clean, cached)
	for _, layer := range cached.Layers {
		assert.False(t, slices.Contains(files(layer), "/program") && slices.Contains(files(layer), "/opt/library/file"), "outputs are repeated: %v", files(layer))
	}
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
