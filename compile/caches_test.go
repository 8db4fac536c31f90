package compile

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
)

// step is a vertex's exec, with its mounts by their targets.
func step(t *testing.T, v vertex) (*pb.ExecOp, map[string]*pb.Mount) {
	t.Helper()
	exec := v.op.GetExec()
	require.NotNil(t, exec, v.name())
	mounts := map[string]*pb.Mount{}
	for _, m := range exec.Mounts {
		mounts[m.Dest] = m
	}
	return exec, mounts
}

func TestPinsAreMountedWhereAptRuns(t *testing.T) {
	g := testGraph(t, buildFile, nil)
	g.Pins = []graph.Package{{Spec: "libicu72=72.1-3"}}
	states, err := Graph(g, testOptions())
	require.NoError(t, err)
	vertices := decode(t, states.Setup)
	for name, want := range map[string]bool{
		"[toolchain] runtime packages: libicu72": true,
		"[toolchain] build packages: gcc":        true,
		"[setup 1/4] 01-a.sh":                    true,
		"[setup 2/4] 02-pg.sh":                   false,
		"[setup 3/4] 03-patroni.sh":              false,
	} {
		require.Contains(t, vertices, name)
		_, mounts := step(t, vertices[name])
		assert.Equal(t, want, mounts[lockedVersions] != nil, name)
	}
	file := vertices["[internal] locked versions"].op.GetFile().Actions[0].GetMkfile()
	assert.Equal(t, "Package: libicu72\nPin: version 72.1-3\nPin-Priority: 1001\n\n", string(file.Data))
	assert.NotContains(t, decode(t, compile(t, buildFile, nil, testOptions()).Setup), "[internal] locked versions")
}

// What fills and saves cache mounts means the same mounts as the steps do.
func TestCachesAreTheSteps(t *testing.T) {
	g, opt := testGraph(t, buildFile, nil), testOptions()
	opt.Config.CacheIDNamespace = "ns"
	states, err := Graph(g, opt)
	require.NoError(t, err)
	used := map[string]bool{}
	for _, v := range decode(t, states.Setup) {
		if v.op.GetExec() == nil {
			continue
		}
		_, mounts := step(t, v)
		for _, m := range mounts {
			if m.CacheOpt != nil {
				used[m.CacheOpt.ID] = true
			}
		}
	}
	require.NotEmpty(t, used)
	caches := NewCaches(g, opt, "a build")
	_, mounts := step(t, decode(t, State{State: caches.Empty(g.Caches())})["[caches] which are empty"])
	have := map[string]bool{}
	for _, m := range mounts {
		if m.CacheOpt != nil {
			have[m.CacheOpt.ID] = true
		}
	}
	assert.Equal(t, used, have)
	saved := caches.Save(g.Caches())
	assert.Len(t, names(decode(t, saved), "[caches] save "), len(used))
	assert.Len(t, saved.Layers, len(used), "a layer for each")
}

// A step that has to run in each build differs from build to build. That which
// tells whether a step is new differs in nothing that counts.
func TestCachesOfTwoBuilds(t *testing.T) {
	g := testGraph(t, buildFile, nil)
	one, two := NewCaches(g, testOptions(), "one"), NewCaches(g, testOptions(), "two")
	exec := func(st llb.State, name string) *pb.ExecOp {
		e, _ := step(t, decode(t, State{State: st})[name])
		return e
	}
	const empty = "[caches] which are empty"
	assert.NotEqual(t, exec(one.Empty(g.Caches()), empty).Meta.Env, exec(two.Empty(g.Caches()), empty).Meta.Env)
	seed := llb.Image("seed")
	assert.NotEqual(t, exec(one.Prime(seed, g.Caches()[:1]), "[caches] prime apt-archives-bookworm-linux-amd64").Meta.Env,
		exec(two.Prime(seed, g.Caches()[:1]), "[caches] prime apt-archives-bookworm-linux-amd64").Meta.Env)

	const seen = "[caches] was 01-a.sh here before?"
	a, b := exec(one.FirstSeen([]AskedStep{{"01-a.sh", "key"}}), seen), exec(two.FirstSeen([]AskedStep{{"01-a.sh", "key"}}), seen)
	assert.Equal(t, "one", a.Meta.ProxyEnv.NoProxy)
	assert.Equal(t, a.Meta.Env, b.Meta.Env)
	assert.Equal(t, a.Meta.Args, b.Meta.Args)
	assert.NotEqual(t, a.Meta.Env, exec(one.FirstSeen([]AskedStep{{"01-a.sh", "other"}}), seen).Meta.Env)
}
