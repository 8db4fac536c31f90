package main

import (
	"fmt"
	"os"
)

const (
	seed = 7
	jobs = 1000
)

// main prints the table of docs/caches.md.
func main() {
	table := "| a fleet of 1,000 jobs with | steps from the layer cache | PostgreSQL compiled | step hours | pulled | pushed | from archives |\n" +
		"|---|---|---|---|---|---|---|\n"
	for _, k := range []struct {
		name           string
		build          builder
		layers, mounts bool
	}{
		{"a Dockerfile, no cache", dockerfile(), false, false},
		{"a Dockerfile, registry cache", dockerfile(), true, false},
		{"pgstrata, registry cache", pgstrata(), true, false},
		{"pgstrata, registry cache, cache mounts", pgstrata(), true, true},
	} {
		s := run(seed, jobs, k.build, k.layers, k.mounts)
		table += fmt.Sprintf("| %s | %.1f %% | %d times | %.1f | %.1f GB | %.1f GB | %.1f GB |\n", k.name,
			100*float64(s.hits)/float64(s.steps), s.compiles, float64(s.seconds)/3600,
			float64(s.pulled)/1000, float64(s.pushed)/1000, float64(s.fetched)/1000)
	}
	fmt.Fprint(os.Stdout, table)
}
