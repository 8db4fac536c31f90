package e2e

import (
	"slices"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A fresh daemon with a cache from elsewhere runs no setup step, and after an
// edit only what the edit concerns.
func TestRemoteCache(t *testing.T) {
	here, fresh := testenv.Shared(t), testenv.New(t)
	dir := testenv.Tree(t, small())
	cache := here.Registry.Ref("cache:registry")
	folder, store := t.TempDir(), testenv.NewS3(t)
	image := here.Registry.Ref("cache-inline")
	pushed := client.ExportEntry{Type: client.ExporterImage, Attrs: map[string]string{"name": image, "push": "true"}}
	build(t, here, dir, testenv.Request{SolveOpt: client.SolveOpt{
		Exports: []client.ExportEntry{pushed},
		CacheExports: []client.CacheOptionsEntry{
			{Type: "registry", Attrs: map[string]string{"ref": cache, "mode": "max"}},
			{Type: "local", Attrs: map[string]string{"dest": folder, "mode": "max"}},
			{Type: "s3", Attrs: store.Attributes(map[string]string{"mode": "max"})},
		},
	}})
	for kind, entry := range map[string]client.CacheOptionsEntry{
		"registry": {Type: "registry", Attrs: map[string]string{"ref": cache}},
		"local":    {Type: "local", Attrs: map[string]string{"src": folder}},
		"s3":       {Type: "s3", Attrs: store.Attributes(nil)},
	} {
		imported := testenv.Request{Image: "imported", SolveOpt: client.SolveOpt{CacheImports: []client.CacheOptionsEntry{entry}}}
		first := build(t, fresh, dir, imported)
		assert.Empty(t, setupRan(first.Trace), "%s\n%s", kind, first.Trace)
		assert.Empty(t, ranUnder(first.Trace, "[entrypoint]"), "%s\n%s", kind, first.Trace)
		require.NoError(t, fresh.Daemon.Client.Prune(t.Context(), nil, client.PruneAll))
	}
	write(t, dir, "setup/scripts/03-third.sh", "#!/bin/sh\n: after the import\n")
	edited := build(t, fresh, dir, testenv.Request{Image: "imported", SolveOpt: client.SolveOpt{CacheImports: []client.CacheOptionsEntry{
		{Type: "registry", Attrs: map[string]string{"ref": cache}},
	}}})
	assert.Equal(t, []string{"03-third.sh", "99-cleanup.sh"}, setupRan(edited.Trace), "%s", edited.Trace)
}

// A cache of every step holds the base's files once, however the steps became one
// layer.
func TestCacheHoldsTheBaseOnce(t *testing.T) {
	env := testenv.Shared(t)
	for name, tree := range map[string]map[string]string{
		"build file": small(),
		"Dockerfile": ordinary(),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			result := build(t, env, testenv.Tree(t, tree), testenv.Request{SolveOpt: client.SolveOpt{
				CacheExports: []client.CacheOptionsEntry{{Type: "local", Attrs: map[string]string{"dest": folder, "mode": "max"}}},
			}})
			require.Contains(t, result.Trace.String(), "] squash", "the steps became one layer")
			layers, err := testenv.Layers(folder)
			require.NoError(t, err)
			holding := 0
			for _, layer := range layers {
				if slices.Contains(files(layer), "/etc/debian_version") {
					holding++
				}
			}
			assert.Equal(t, 1, holding, "%s", result.Trace)
		})
	}
}
