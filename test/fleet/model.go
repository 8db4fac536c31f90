// Fleet simulates a thousand CI jobs, each on a fresh machine, that
// build one image as it changes: what comes from which cache, and how much is
// moved. It counts; it measures nothing. Equal seeds give equal numbers.
package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// step is one step of the image.
type step struct {
	name string
	// needs are the steps whose results it uses, beside the packages.
	needs []string
	// cold and warm are the seconds that it takes with empty and with filled
	// cache mounts.
	cold, warm int
	// layer is what its result weighs in the layer cache, and fetched what it
	// downloads with empty cache mounts, both in MB.
	layer, fetched int
}

// The image is like examples/postgresql-source: PostgreSQL compiled, extensions
// for it, and tools that have nothing to do with either. The compile's seconds
// were measured on two cores; the others are round figures.
func image() []step {
	steps := []step{
		{name: "build packages", cold: 60, warm: 35, layer: 210, fetched: 120},
		{name: "runtime packages", cold: 25, warm: 15, layer: 60, fetched: 45},
		{name: "postgresql", cold: 306, warm: 75, layer: 14, fetched: 22},
	}
	for _, name := range extensions() {
		steps = append(steps, step{name: name, needs: []string{"postgresql"}, cold: 12, warm: 5, layer: 1, fetched: 0})
	}
	for _, name := range tools() {
		steps = append(steps, step{name: name, cold: 45, warm: 18, layer: 3, fetched: 4})
	}
	return steps
}

func extensions() []string {
	return []string{"btree_gist", "citext", "hstore", "pg_stat_statements", "pg_trgm", "pgcrypto", "postgres_fdw", "pgvector"}
}

func tools() []string { return []string{"pgbackrest", "pgbouncer", "pgbadger"} }

// Weights in MB of what is not a step's: the base image, what the entrypoint's
// layers come to, and the saved cache mounts.
const (
	baseSize       = 28
	entrypointSize = 1
	mountsSize     = 260
)

// tree is the state of the sources: versions of what counts. What a script
// makes changes with its outputs, not with its text.
type tree struct {
	base, entrypoint int
	text, outputs    map[string]int
}

func (t tree) clone() tree {
	c := tree{base: t.base, entrypoint: t.entrypoint, text: map[string]int{}, outputs: map[string]int{}}
	for name, v := range t.text {
		c.text[name] = v
	}
	for name, v := range t.outputs {
		c.outputs[name] = v
	}
	return c
}

// change makes the next commit. Of 100 commits about 79 touch only what the
// container runs, as is usual for images of this kind.
func (t tree) change(r *rand.Rand, n int) tree {
	c := t.clone()
	script := func(names []string, newOutputs bool) {
		name := names[r.IntN(len(names))]
		c.text[name] = n
		if newOutputs {
			c.outputs[name] = n
		}
	}
	switch p := r.IntN(100); {
	case p < 79:
		c.entrypoint = n
	case p < 84: // a comment, a message, a flag of make
		script(append(append([]string{"postgresql"}, extensions()...), tools()...), false)
	case p < 90:
		script(extensions(), true)
	case p < 95:
		script(tools(), true)
	case p < 96:
		script([]string{"postgresql"}, true)
	case p < 97:
		script([]string{"runtime packages"}, true)
	case p < 99:
		c.base = n
	default: // a file that no step reads
	}
	return c
}

// builder is a way to build.
type builder struct {
	// keys tells what the layer cache finds each step by.
	keys func(t tree, steps []step) map[string]string
	// below is what is pulled, in MB, so that steps can run.
	below func(steps, ran []step) int
}

func dockerfile() builder { return builder{chainKeys, belowChain} }

func pgstrata() builder { return builder{graphKeys, belowGraph} }

// chainKeys are those of a Dockerfile in the best order for its cache: one RUN after
// another, the slowest and stablest first.
func chainKeys(t tree, steps []step) map[string]string {
	keys, key := map[string]string{}, fmt.Sprint("base ", t.base)
	for _, s := range steps {
		key = fmt.Sprintf("%s|%s %d", key, s.name, t.text[s.name])
		keys[s.name] = key
	}
	return keys
}

// graphKeys are those of isolated scripts on a pinned base: by what they need,
// and that by its content.
func graphKeys(t tree, steps []step) map[string]string {
	keys := map[string]string{}
	for _, s := range steps {
		switch s.name {
		case "runtime packages":
			keys[s.name] = fmt.Sprintf("base %d, %d", t.base, t.text[s.name])
		case "build packages":
			keys[s.name] = fmt.Sprint(t.text[s.name])
		default:
			key := fmt.Sprintf("%s %d on %s", s.name, t.text[s.name], keys["build packages"])
			for _, n := range s.needs {
				key += fmt.Sprintf("|%s %d", n, t.outputs[n])
			}
			keys[s.name] = key
		}
	}
	return keys
}

// totals are the sums over all jobs.
type totals struct {
	hits, steps, compiles   int
	seconds                 int
	pulled, pushed, fetched int // MB: from and to the registry, and from archives
}

// run simulates the jobs. Each has what the registry holds: layers, where there
// is a layer cache, and cache mounts, where they travel.
func run(seed uint64, jobs int, b builder, layers, mounts bool) totals {
	r := rand.New(rand.NewPCG(seed, 0))
	steps, known := image(), map[string]bool{}
	t := tree{text: map[string]int{}, outputs: map[string]int{}}
	var sum totals
	saved := false
	for n := range jobs {
		if n > 0 {
			t = t.change(r, n)
		}
		keys := b.keys(t, steps)
		var ran []step
		for _, s := range steps {
			sum.steps++
			if layers && known[keys[s.name]] {
				sum.hits++
				continue
			}
			known[keys[s.name]] = true
			ran = append(ran, s)
		}
		sum.pushed += entrypointSize
		if len(ran) == 0 {
			continue
		}
		sum.pulled += b.below(steps, ran)
		primed := mounts && saved
		for _, s := range ran {
			if s.name == "postgresql" {
				sum.compiles++
			}
			if primed {
				sum.seconds += s.warm
			} else {
				sum.seconds += s.cold
				sum.fetched += s.fetched
			}
			sum.pushed += s.layer
		}
		if primed {
			sum.pulled += mountsSize
		}
		if mounts {
			sum.pushed += mountsSize
			saved = true
		}
	}
	return sum
}

// belowChain is what has to be pulled so that steps of a chain can run: the base
// and all layers up to the first of them.
func belowChain(steps, ran []step) int {
	size := baseSize
	for _, s := range steps {
		if s.name == ran[0].name {
			break
		}
		size += s.layer
	}
	return size
}

// belowGraph is the same for isolated scripts. Where one ran its packages are
// needed, and the whole root for the step that looks for libraries; of both
// what has not just been made.
func belowGraph(steps, ran []step) int {
	made := func(name string) bool {
		return slices.ContainsFunc(ran, func(s step) bool { return s.name == name })
	}
	scripts := slices.ContainsFunc(ran, func(s step) bool { return !strings.HasSuffix(s.name, " packages") })
	size := baseSize
	for _, s := range steps {
		if !made(s.name) && (scripts || s.name != "build packages") {
			size += s.layer
		}
	}
	return size
}
