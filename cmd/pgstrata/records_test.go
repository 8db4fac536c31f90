package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// A record belongs to a context and a build file, and goes with the build file
// when that is renamed; not when it is copied, or changed meanwhile.
func TestHistory(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("pgstrata.yaml"), []byte("base: debian\n"), 0o600))
	last, err := readHistory(dir, at("pgstrata.yaml"))
	require.NoError(t, err)
	require.Nil(t, last)

	built := &history{Built: time.Unix(1, 0), Records: []*plan.Record{{Format: plan.Format, Platform: "linux/amd64"}}}
	require.NoError(t, built.write(dir, at("pgstrata.yaml")))
	known := func(name string) bool {
		h, err := readHistory(dir, at(name))
		require.NoError(t, err)
		return h.record("linux/amd64") != nil
	}
	assert.True(t, known("pgstrata.yaml"))

	require.NoError(t, os.WriteFile(at("copy"), []byte("base: debian\n"), 0o600))
	assert.False(t, known("copy"))
	require.NoError(t, os.Rename(at("pgstrata.yaml"), at("Dockerfile")))
	assert.True(t, known("Dockerfile"))
	require.NoError(t, os.WriteFile(at("Dockerfile"), []byte("base: ubuntu\n"), 0o600))
	assert.False(t, known("Dockerfile"))

	other, err := readHistory(t.TempDir(), at("copy"))
	require.NoError(t, err)
	assert.Nil(t, other)
}

// What another build did before this one began is no time of this one.
func TestTimesOfOtherBuilds(t *testing.T) {
	minute := func(n int) *time.Time { return new(time.Unix(0, 0).Add(time.Duration(n) * time.Minute)) }
	shared, own, foreign := digest.FromString("shared"), digest.FromString("own"), digest.FromString("foreign")
	input := []digest.Digest{digest.FromString("input")}
	o, r := newObserver(), &report{byID: map[digest.Digest]*reported{}}
	for _, v := range []*client.Vertex{
		{Digest: digest.FromString("file"), Name: "[internal] load build definition from Dockerfile", Started: minute(30), Completed: minute(30)},
		{Digest: shared, Name: "[setup 1/2] a.sh", Inputs: input, Started: minute(0)},
		{Digest: foreign, Name: "[setup 1/2] b.sh", Inputs: input, Started: minute(1)},
		{Digest: shared, Name: "[setup 1/2] a.sh", Inputs: input, Started: minute(0), Completed: minute(32)},
		{Digest: own, Name: "[setup 2/2] c.sh", Inputs: input, Started: minute(32), Completed: minute(35)},
	} {
		status := &client.SolveStatus{Vertexes: []*client.Vertex{v}}
		o.see(status)
		r.see(status)
	}
	assert.Equal(t, 2*time.Minute, o.vertices[shared].took)
	assert.Equal(t, 3*time.Minute, o.vertices[own].took)

	var names []string
	for _, v := range r.vertices(nil, true) {
		names = append(names, v.Name)
		assert.False(t, v.Stopped, v.Name)
		assert.LessOrEqual(t, v.End, 5*time.Minute)
	}
	assert.Equal(t, []string{"[internal] load build definition from Dockerfile", "[setup 1/2] a.sh", "[setup 2/2] c.sh"}, names)
	assert.Len(t, r.vertices(nil, false), 4, "of a build that failed, what it stopped is told")
}
