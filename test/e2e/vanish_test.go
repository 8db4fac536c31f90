package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What lies in a cache mount may vanish between any two builds, and the next one
// succeeds and gives the image that a build from nothing gives.
func TestMountsVanish(t *testing.T) {
	seed, count, events := vanishSeed()
	t.Logf("seed %d", seed)
	here, fresh := testenv.Shared(t), testenv.New(t)
	var projects []project
	for n := range count {
		projects = append(projects, draw(rand.New(rand.NewPCG(seed, n)), fmt.Sprintf("p%d", n), forms[n%uint64(len(forms))])) //nolint:gosec // repeatable on purpose
	}
	for i, p := range append(projects, remembered()...) {
		n := uint64(i) //nolint:gosec // a small number
		run := func(p project) error {
			v := &vanishing{t: t, env: here, fresh: fresh, project: p, dir: testenv.Tree(t, p.tree())}
			return v.run(rand.New(rand.NewPCG(seed, n)), n, events) //nolint:gosec // repeatable on purpose
		}
		if err := run(p); err != nil {
			p, err = shrink(p, err, run)
			t.Fatalf("seed %d, project %d: %v\n%s", seed, n, err, p)
		}
	}
}

// shrink leaves scripts out as long as the project still fails.
func shrink(p project, err error, run func(project) error) (project, error) {
	for i := 1; i < len(p.scripts); {
		less := p
		less.scripts = slices.Delete(slices.Clone(p.scripts), i, i+1)
		if e := run(less); e != nil {
			p, err = less, e
			continue
		}
		i++
	}
	return p, err
}

// vanishing is a run of builds of one project with something in between.
type vanishing struct {
	t          *testing.T
	env, fresh *testenv.Env
	project    project
	dir        string
	edits      int
}

// run builds, and builds again after each of some events and an edit of one
// script.
func (v *vanishing) run(r *rand.Rand, first uint64, count int) error {
	layers := map[string]string{"ref": v.env.Registry.Ref("vanish/layers:" + v.project.name), "mode": "max"}
	export := testenv.Request{SolveOpt: client.SolveOpt{CacheExports: []client.CacheOptionsEntry{{Type: "registry", Attrs: layers}}}}
	if err := v.build(v.env, export); err != nil {
		return fmt.Errorf("first: %w", err)
	}
	events := []string{"mounts are pruned", "another project is built", "another daemon", "another namespace"}
	for n := range count {
		event := events[(int(first)+n)%len(events)] //nolint:gosec // a small number
		request, env := testenv.Request{}, v.env
		switch event {
		case "mounts are pruned":
			require.NoError(v.t, env.Daemon.Client.Prune(v.t.Context(), nil, client.WithFilter([]string{"type==exec.cachemount"})))
		case "another project is built":
			p := draw(r, "other", v.project.form)
			p.scripts = append(p.scripts, "apt-get update >/dev/null && apt-get install -y other-x2 >/dev/null; rm -rf /var/lib/apt/lists/*\n")
			if _, err := attempt(v.t, env, testenv.Tree(v.t, p.tree()), testenv.Request{}); err != nil {
				return fmt.Errorf("the other project: %w\n%s", err, p)
			}
		case "another namespace":
			request.Options = map[string]string{"build-arg:BUILDKIT_CACHE_MOUNT_NS": fmt.Sprint("ns", n)}
		case "another daemon":
			env = v.fresh
			require.NoError(v.t, env.Daemon.Client.Prune(v.t.Context(), nil, client.PruneAll))
			request.CacheImports = []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": layers["ref"]}}}
		}
		i := r.IntN(len(v.project.scripts))
		v.edit(i)
		if err := v.build(env, request); err != nil {
			return fmt.Errorf("%s, and %02d.sh was edited: %w", event, i, err)
		}
	}
	return nil
}

// edit changes one script's text, but not what it does.
func (v *vanishing) edit(i int) {
	v.edits++
	write(v.t, v.dir, fmt.Sprintf("setup/scripts/%02d.sh", i), fmt.Sprintf("#!/bin/sh\nset -e\n# %d\n%s", v.edits, v.project.scripts[i]))
}

// build builds the project, and compares it with a build from nothing: of a
// Dockerfile by BuildKit's own frontend.
func (v *vanishing) build(env *testenv.Env, request testenv.Request) error {
	request.Image = "vanish/" + v.project.name
	if result, err := attempt(v.t, env, v.dir, request); err != nil {
		return fmt.Errorf("%w\n%s", err, result.Trace)
	}
	clean := testenv.Request{Context: v.dir, Image: request.Image + "-clean", Options: map[string]string{
		"no-cache": "", "build-arg:BUILDKIT_CACHE_MOUNT_NS": fmt.Sprint("clean", v.edits),
	}}
	var err error
	if v.project.form == "build file" {
		_, err = attempt(v.t, v.env, v.dir, clean)
	} else {
		clean.Frontend = "dockerfile.v0"
		_, err = v.env.Daemon.Build(v.t.Context(), clean)
	}
	if err != nil {
		return fmt.Errorf("from nothing: %w", err)
	}
	got, want := kept(v.t, env.Registry.Image(v.t, request.Image)), kept(v.t, v.env.Registry.Image(v.t, clean.Image))
	var diff []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] != want[name] {
			diff = append(diff, fmt.Sprintf("%s: %q, from nothing %q", name, got[name], want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok {
			diff = append(diff, name+" is missing")
		}
	}
	if len(diff) > 0 {
		return fmt.Errorf("another image:\n%s", strings.Join(diff, "\n"))
	}
	return nil
}

// kept are the files of an image, and what is in those that tell of packages and
// of what scripts saw; but for logs, and for the lock that apt leaves beside the
// archives.
func kept(t *testing.T, img *testenv.Image) map[string]string {
	t.Helper()
	out := summary(img.Files())
	for name := range out {
		switch {
		case strings.HasPrefix(name, "/var/log/"), strings.HasPrefix(name, "/var/cache/ldconfig/"),
			strings.HasPrefix(name, "/var/cache/apt/archives/") && !strings.HasSuffix(name, ".deb"):
			delete(out, name)
		case name == "/var/lib/dpkg/status", name == "/var/lib/apt/extended_states", name == "/downloaded", name == "/sums",
			strings.HasPrefix(name, "/seen"), strings.HasPrefix(name, "/candidate"):
			data, err := img.Read(name)
			require.NoError(t, err)
			out[name] += "\n" + string(data)
		}
	}
	return out
}
