package e2e

import (
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// hoarder is a tree whose script tells whether it found its cache filled.
func hoarder(more string) map[string]string {
	return map[string]string{
		"Dockerfile": "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\n" +
			"setup: {scripts: [{path: setup/scripts/01-hoard.sh, caches: [/var/cache/hoard]}, setup/scripts/02-next.sh]}\n",
		"setup/scripts/01-hoard.sh": "#!/bin/sh\nset -eu\n# " + more + "\nif [ -e /var/cache/hoard/dir/thing ]; then echo served; else echo made; fi\n" +
			"mkdir -p /var/cache/hoard/dir\ntouch -d @1600000000 /var/cache/hoard/dir/thing\necho done >/hoarded\n",
		"setup/scripts/02-next.sh": "#!/bin/sh\ntrue\n",
	}
}

// primed tells whether a build filled cache mounts.
func primed(trace *testenv.Trace) bool { return trace.Ran("[caches] prime") }

// What a cache mount holds on one daemon fills that of another, once, before
// the first step that uses it, and is no part of that step's cache key.
func TestCacheMountsTravel(t *testing.T) {
	here, fresh := testenv.Shared(t), testenv.New(t)
	here.Frontend(t)
	dir := testenv.Tree(t, hoarder("travels"))
	ref := here.Registry.Ref("caches:travel")
	from := testenv.Request{Options: map[string]string{"context:pgstrata-caches": "docker-image://" + ref}}

	first := build(t, here, dir, testenv.Request{})
	assert.Equal(t, "made\n", first.Trace.Logs("01-hoard.sh"))
	out := here.Buildx(t, "--progress=plain", "--target", graph.CachesTarget, "--push", "--tag", ref, dir)
	require.Zero(t, out.Code, out.Stderr)

	again := build(t, here, dir, from)
	assert.Empty(t, setupRan(again.Trace), "the context is no part of a step's key\n%s", again.Trace)
	assert.False(t, primed(again.Trace), "nothing is empty here\n%s", again.Trace)

	moved := build(t, fresh, dir, from)
	assert.True(t, primed(moved.Trace), "%s", moved.Trace)
	assert.Equal(t, "served\n", moved.Trace.Logs("01-hoard.sh"), "%s", moved.Trace)
	assert.Empty(t, warnings(moved.Trace))
	plain := build(t, fresh, dir, testenv.Request{})
	assert.Empty(t, setupRan(plain.Trace), "the same step with and without the context\n%s", plain.Trace)

	prune := client.WithFilter([]string{"type==exec.cachemount"})
	require.NoError(t, fresh.Daemon.Client.Prune(t.Context(), nil, prune))
	idle := build(t, fresh, dir, from)
	assert.False(t, primed(idle.Trace), "the mount is empty, but no step that uses it will run\n%s", idle.Trace)

	write(t, dir, "setup/scripts/02-next.sh", "#!/bin/sh\n: edited\n")
	other := build(t, fresh, dir, from)
	assert.Equal(t, []string{"02-next.sh"}, setupRan(other.Trace))
	assert.False(t, primed(other.Trace), "the step that runs does not use the mount\n%s", other.Trace)

	write(t, dir, "setup/scripts/01-hoard.sh", hoarder("edited")["setup/scripts/01-hoard.sh"])
	edited := build(t, fresh, dir, from)
	assert.True(t, primed(edited.Trace), "%s", edited.Trace)
	assert.Equal(t, "served\n", edited.Trace.Logs("01-hoard.sh"))
}

// What comes from an imported layer cache needs no cache mount: nothing of the
// saved ones is moved.
func TestCacheMountsStayBesideLayerCache(t *testing.T) {
	here, fresh := testenv.Shared(t), testenv.New(t)
	dir := testenv.Tree(t, hoarder("stays"))
	layers, ref := here.Registry.Ref("caches:layers"), here.Registry.Ref("caches:mounts")
	build(t, here, dir, testenv.Request{SolveOpt: client.SolveOpt{CacheExports: []client.CacheOptionsEntry{
		{Type: "registry", Attrs: map[string]string{"ref": layers, "mode": "max"}},
	}}})
	build(t, here, dir, testenv.Request{Image: "caches:mounts", Options: map[string]string{"target": graph.CachesTarget}})

	request := testenv.Request{
		Options: map[string]string{"context:pgstrata-caches": "docker-image://" + ref},
		SolveOpt: client.SolveOpt{CacheImports: []client.CacheOptionsEntry{
			{Type: "registry", Attrs: map[string]string{"ref": layers}},
		}},
	}
	moved := build(t, fresh, dir, request)
	assert.Empty(t, setupRan(moved.Trace), "%s", moved.Trace)
	assert.Empty(t, moved.Trace.Find("[caches] "), "%s", moved.Trace)

	write(t, dir, "setup/scripts/01-hoard.sh", hoarder("stays no more")["setup/scripts/01-hoard.sh"])
	edited := build(t, fresh, dir, request)
	assert.True(t, primed(edited.Trace), "%s", edited.Trace)
	assert.Equal(t, "served\n", edited.Trace.Logs("01-hoard.sh"))
}

// A first build has nothing to start from, and that is no error.
func TestCacheMountsAreMissing(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, hoarder("nothing"))
	ref := env.Registry.Ref("caches:none")
	result := build(t, env, dir, testenv.Request{Options: map[string]string{"context:pgstrata-caches": "docker-image://" + ref}})
	require.Len(t, warnings(result.Trace), 1)
	assert.Contains(t, warnings(result.Trace)[0], "Cache mounts are used as they are: pgstrata-caches: ")
	assert.Contains(t, warnings(result.Trace)[0], ref)

	none := testenv.Tree(t, map[string]string{"Dockerfile": "base: debian:bookworm-slim\n"})
	_, err := attempt(t, env, none, testenv.Request{Options: map[string]string{"target": graph.CachesTarget}})
	assert.ErrorContains(t, err, "target caches: no step of Dockerfile uses a cache mount")
}

// A build whose steps are all cached does not wait for another one that has
// apt's mount locked.
func TestCacheMountsAreLockedElsewhere(t *testing.T) {
	env := testenv.New(t)
	tree := func(more string) string {
		return testenv.Tree(t, map[string]string{
			"Dockerfile":          "base: debian:bookworm-slim\nsetup: {scripts: [{path: setup/scripts/01.sh, caches: [/var/cache/gate]}]}\n",
			"setup/scripts/01.sh": "#!/bin/sh\nset -eu\napt-get install -y base-files >/dev/null\n" + more,
		})
	}
	warm, holder := tree(""), tree("echo locked\nuntil [ -e /var/cache/gate/open ]; do sleep 0.1; done\n")
	opener := testenv.Tree(t, map[string]string{
		"Dockerfile":          "base: debian:bookworm-slim\nsetup: {scripts: [{path: setup/scripts/01.sh, caches: [/var/cache/gate]}]}\n",
		"setup/scripts/01.sh": "#!/bin/sh\ntouch /var/cache/gate/open\n",
	})
	from := testenv.Request{Options: map[string]string{"context:pgstrata-caches": "docker-image://" + env.Registry.Ref("caches:locked")}}
	build(t, env, warm, testenv.Request{})
	build(t, env, warm, testenv.Request{Image: "caches:locked", Options: map[string]string{"target": graph.CachesTarget}})
	build(t, env, warm, from)

	locked, ended := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		_, err := attempt(t, env, holder, testenv.Request{Watch: func(trace *testenv.Trace) {
			if strings.Contains(trace.Logs("01.sh"), "locked") {
				once.Do(func() { close(locked) })
			}
		}})
		ended <- err
	}()
	select {
	case <-locked:
	case err := <-ended:
		require.NoError(t, err)
	}
	cached := build(t, env, warm, from)
	assert.Empty(t, setupRan(cached.Trace))
	select {
	case err := <-ended:
		t.Fatalf("the other build ended before this one: %v", err)
	default:
	}
	build(t, env, opener, testenv.Request{})
	require.NoError(t, <-ended)
}
