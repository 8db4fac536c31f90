package compile

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// Where the steps of this file find cache mounts, and what they are to fill.
const (
	cachesMount  = "/run/pgstrata/caches"
	seedMount    = "/run/pgstrata/seed"
	cachesResult = "/run/pgstrata/result"
)

// EmptyCachesFile is what [Caches.Empty] writes.
const EmptyCachesFile = "empty"

// FirstSeenFile is what [Caches.FirstSeen] writes of the step at a place of its
// list.
func FirstSeenFile(i int) string { return fmt.Sprintf("/%d", i) }

// Caches compiles what moves the content of cache mounts between daemons. None
// of its states is a part of an image's, so that it cannot enter the cache key
// of a step.
//
// BuildKit empties the cache mounts of a step that it is told to run again, so
// what has to run in each build is told apart by the build's name.
type Caches struct {
	compiler *compiler
	base     State
	build    string
}

// NewCaches returns the compiler of one graph; build is a name that no other
// build has.
func NewCaches(g *graph.Graph, opt Options, build string) *Caches {
	c := &compiler{graph: g, opt: opt, mergeDiff: canMergeDiff(opt.Caps)}
	return &Caches{compiler: c, base: c.base(g.Base.Name, opt.Base), build: build}
}

// SavedName is the directory that a cache mount's content has in a state made
// by Save: its id, written so that it is one name.
func SavedName(c graph.Cache) string { return url.PathEscape(c.ID) }

// Empty returns a state with the file [EmptyCachesFile]: the saved names of
// those mounts that are empty, a line each.
func (c *Caches) Empty(caches []graph.Cache) llb.State {
	opts := c.step("empty-caches.sh", "which are empty", cachesMount, path.Join(cachesResult, EmptyCachesFile))
	for _, m := range caches {
		opts = append(opts, c.mount(m))
	}
	return c.base.Run(append(opts, c.named())...).AddMount(cachesResult, llb.Scratch())
}

// AskedStep is a step whose first build is asked for: its name and its key.
type AskedStep struct{ Name, Key string }

// FirstSeen returns a state with a file for each step, [FirstSeenFile] of its
// place in the list: the name of the build in which this daemon was first asked
// for it. It is as long in the daemon's cache as the step's own result.
func (c *Caches) FirstSeen(steps []AskedStep) llb.State {
	var all *llb.FileAction
	for i, s := range steps {
		opts := append(c.step("first-seen.sh", "was "+s.Name+" here before?"),
			llb.AddEnv("PGSTRATA_STEP", s.Key),
			llb.WithProxy(llb.ProxyEnv{NoProxy: c.build}))
		one := c.base.Run(opts...).AddMount(cachesResult, llb.Scratch())
		all = copyAction(all, one, "/build", FirstSeenFile(i), &llb.CopyInfo{})
	}
	return llb.Scratch().File(all, c.compiler.name("internal", "which steps were here before"))
}

// Prime returns a state that exists when those of the mounts that are empty
// hold what seed has of them.
func (c *Caches) Prime(seed llb.State, caches []graph.Cache) llb.State {
	args := []string{seedMount}
	var names []string
	for _, m := range caches {
		args = append(args, SavedName(m), path.Join(cachesMount, SavedName(m)))
		names = append(names, m.ID)
	}
	opts := append(c.step("prime-caches.sh", "prime "+strings.Join(names, ", "), args...),
		llb.AddMount(seedMount, seed, llb.Readonly))
	for _, m := range caches {
		opts = append(opts, c.mount(m))
	}
	return c.base.Run(append(opts, c.named())...).AddMount(cachesResult, llb.Scratch())
}

// Save returns a state with the content of the mounts, a directory and a layer
// for each.
func (c *Caches) Save(caches []graph.Cache) State {
	var saved []State
	for _, m := range caches {
		opts := append(c.step("save-cache.sh", "save "+m.ID, path.Join(cachesMount, SavedName(m)), path.Join(cachesResult, SavedName(m))),
			c.mount(m), c.named())
		st := c.base.Run(opts...).AddMount(cachesResult, llb.Scratch())
		saved = append(saved, emptyState().layer(st, "cache: "+m.ID))
	}
	return c.compiler.merge(emptyState(), saved...)
}

// step returns the options of one of this file's steps. They change nothing of
// the base, and need no network.
func (c *Caches) step(script, name string, args ...string) []llb.RunOption {
	return append(c.compiler.builtin(script, args...),
		llb.ReadonlyRootFS(),
		llb.Network(noNetwork),
		c.compiler.name("caches", name))
}

// named makes a step run in each build.
func (c *Caches) named() llb.RunOption { return llb.AddEnv("PGSTRATA_BUILD", c.build) }

// mount mounts a cache. Where its users wait for one another so does this one,
// since BuildKit would otherwise make a second cache beside the one in use.
func (c *Caches) mount(m graph.Cache) llb.RunOption {
	sharing := llb.CacheMountLocked
	if m.Sharing == graph.Shared {
		sharing = llb.CacheMountShared
	}
	id := c.compiler.cacheID(m)
	return llb.AddMount(path.Join(cachesMount, SavedName(m)), llb.Scratch(), llb.AsPersistentCacheDir(id, sharing))
}
