package fleet

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	seed = 7
	jobs = 1000
)

// The table in docs/caches.md is what the simulation counts.
func TestFleet(t *testing.T) {
	var table strings.Builder
	table.WriteString("| a fleet of 1,000 jobs with | steps from the layer cache | PostgreSQL compiled | step hours | pulled | pushed | from archives |\n")
	table.WriteString("|---|---|---|---|---|---|---|\n")
	kinds := []struct {
		name           string
		build          builder
		layers, mounts bool
	}{
		{"a Dockerfile, no cache", dockerfile(), false, false},
		{"a Dockerfile, registry cache", dockerfile(), true, false},
		{"pgstrata, registry cache", pgstrata(), true, false},
		{"pgstrata, registry cache, cache mounts", pgstrata(), true, true},
	}
	var sums []totals
	for _, k := range kinds {
		s := run(seed, jobs, k.build, k.layers, k.mounts)
		sums = append(sums, s)
		fmt.Fprintf(&table, "| %s | %.1f %% | %d times | %.1f | %.1f GB | %.1f GB | %.1f GB |\n", k.name,
			100*float64(s.hits)/float64(s.steps), s.compiles, float64(s.seconds)/3600,
			float64(s.pulled)/1000, float64(s.pushed)/1000, float64(s.fetched)/1000)
	}
	t.Log("\n" + table.String())
	docs, err := os.ReadFile("../../docs/caches.md")
	require.NoError(t, err)
	assert.Contains(t, string(docs), table.String())

	// Whatever the seed: fewer steps run, and they take less.
	for s := range uint64(20) {
		docker := run(s, jobs, dockerfile(), true, false)
		layers := run(s, jobs, pgstrata(), true, false)
		mounts := run(s, jobs, pgstrata(), true, true)
		assert.Greater(t, layers.hits, docker.hits)
		assert.Less(t, layers.compiles, docker.compiles)
		assert.Equal(t, layers.hits, mounts.hits, "cache mounts are no part of a key")
		assert.Less(t, mounts.seconds, layers.seconds)
		assert.Less(t, mounts.fetched, layers.fetched)
	}
	assert.Equal(t, sums[1], run(seed, jobs, dockerfile(), true, false), "deterministic")
}
