package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
)

// caching is what a step does with the caches of package managers.
type caching struct {
	updates, installs         bool // apt
	wipesLists, wipesDownload bool
	pip, npm                  bool
}

// cachingOf reads it from a step's calls.
func cachingOf(it *item) caching {
	var c caching
	f := it.facts
	if f.program == nil {
		return caching{installs: true, wipesLists: true, wipesDownload: true}
	}
	for _, call := range f.calls() {
		verb := firstOperand(call)
		switch call.Name {
		case "apt-get", "apt", "aptitude":
			switch verb {
			case "update":
				c.updates = true
			case "clean", "autoclean", "distclean":
				c.wipesDownload = true
				c.wipesLists = c.wipesLists || verb == "distclean"
			case "autoremove", "remove", "purge", "":
			default:
				c.installs = true
			}
		case "pip", "pip3":
			_, off := it.scope.Get("PIP_NO_CACHE_DIR")
			c.pip = c.pip || !off && verb == "install" && !call.HasArg("--no-cache-dir")
		case "npm":
			c.npm = true
		}
	}
	for _, s := range f.program.Closure() {
		for _, ref := range s.Paths {
			if ref.Access != shell.AccessWrite && !writes(s, ref) {
				continue
			}
			c.wipesLists = c.wipesLists || reaches(ref, "/var/lib/apt/lists")
			c.wipesDownload = c.wipesDownload || reaches(ref, "/var/cache/apt")
			c.pip = c.pip && !reaches(ref, "/root/.cache/pip")
			c.npm = c.npm && !reaches(ref, "/root/.npm")
		}
	}
	return c
}

func writes(s *shell.Script, ref shell.PathRef) bool {
	call := callAt(s, ref.Pos)
	return call != nil && commandKind(call) == changes
}

// reaches reports whether a path may be that of a directory, in it, or above.
func reaches(ref shell.PathRef, dir string) bool {
	if ref.Glob {
		return mayMatch(ref.Path, dir) || strings.HasPrefix(ref.Path, dir+"/") || mayMatch(ref.Path, dir+"/x")
	}
	return Within(ref.Path, dir) || Within(dir, ref.Path)
}

// firstOperand is the first argument that is no option.
func firstOperand(c *shell.Call) string {
	for _, w := range c.Args {
		if !strings.HasPrefix(w.Value, "-") {
			return w.Value
		}
	}
	return ""
}

// cacheAll gives steps the cache mounts of the package managers that they run.
// apt's lists are mounted only where every step that installs from them gets
// them first: a list that lies in a mount is in no layer.
func (r *stageReader) cacheAll(isBase bool) {
	listsFrom := len(r.items)
	steps := make([]caching, len(r.items))
	for i, it := range slices.Backward(r.items) {
		if it.facts == nil {
			continue
		}
		steps[i] = cachingOf(it)
		if steps[i].installs && !steps[i].updates {
			break
		}
		listsFrom = i
	}
	for i, it := range r.items {
		if it.facts == nil || it.facts.opaque != "" || !it.scope.root() || usesCaches(it) {
			continue
		}
		c := cachingOf(it)
		var want []string
		if c.installs && !c.wipesDownload {
			want = append(want, "/var/cache/apt")
		}
		if c.updates && !c.wipesLists && i >= listsFrom && !isBase {
			want = append(want, "/var/lib/apt/lists")
		}
		if home := it.scope.env["HOME"]; home == "" || home == "/root" {
			if c.pip {
				want = append(want, "/root/.cache/pip")
			}
			if c.npm {
				want = append(want, "/root/.npm")
			}
		}
		it.caches = want
	}
}

// usesCaches reports whether a RUN has mounts of its own that would meet ours.
func usesCaches(it *item) bool {
	return slices.ContainsFunc(it.in.mounts(it.scope), func(m *instructions.Mount) bool {
		return m.Target == "/" || strings.HasPrefix(m.Target, "/var/") || strings.HasPrefix(m.Target, "/root") || strings.HasPrefix(m.Target, "/etc/apt")
	})
}

// cacheFlag is the flag of a cache's mount, with the id that a build file's
// scripts have.
func cacheFlag(target, base, platform string) string {
	for _, tool := range []string{"apt", "pip", "npm"} {
		for _, c := range graph.ToolCaches(tool, base, platform) {
			if c.Target == target {
				return "--mount=type=cache,id=" + c.ID + ",target=" + c.Target + ",sharing=" + c.Sharing
			}
		}
	}
	return "--mount=type=cache,target=" + path.Clean(target)
}
