package compile

import (
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/cache"
)

// apt's lists go from each step that may install to the next, beside the root.
func TestListsGoFromStepToStep(t *testing.T) {
	v := decode(t, compile(t, buildFile, nil, testOptions()).Setup)
	from := func(name string) (digest.Digest, int64) {
		exec, mounts := step(t, v[name])
		m := mounts[cache.ListsDir]
		require.NotNil(t, m, name)
		assert.Nil(t, m.CacheOpt, "no cache: nothing else could bring them back")
		require.NotNil(t, mounts["/"], name)
		assert.NotEqual(t, mounts["/"].Output, m.Output, "%s: not in the layer", exec.Meta.Args)
		in := v[name].op.Inputs[m.Input]
		return digest.Digest(in.Digest), in.Index
	}
	output := func(name string) int64 {
		_, mounts := step(t, v[name])
		return mounts[cache.ListsDir].Output
	}
	const runtime, build, script = "[toolchain] runtime packages: libicu72", "[toolchain] build packages: gcc", "[setup 1/4] 01-a.sh"
	at, _ := from(runtime)
	assert.Equal(t, v["[internal] the base's lists of packages"].digest, at)
	at, index := from(build)
	assert.Equal(t, v[runtime].digest, at)
	assert.Equal(t, output(runtime), index)
	at, index = from(script)
	assert.Equal(t, v[build].digest, at)
	assert.Equal(t, output(build), index)
	for _, name := range []string{"[setup 2/4] 02-pg.sh", "[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh"} {
		_, mounts := step(t, v[name])
		assert.Nil(t, mounts[cache.ListsDir], "%s does not install", name)
	}
}
