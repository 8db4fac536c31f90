package graph

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/spec"
)

// Cache is a cache mount: a directory that survives from build to build and is
// in no layer.
type Cache struct {
	// Name is the tool's name, or the path of a cache that the user named.
	Name string `json:"name"`
	// Target is the directory in the step.
	Target string `json:"target"`
	// ID tells caches apart on a daemon; a Dockerfile that gives a mount the
	// same id shares it.
	ID string `json:"id"`
	// Sharing is locked where the tool cannot stand a second user at a time,
	// private where it would have to wait for scripts beside it, else shared.
	Sharing string `json:"sharing"`
	// Places are where the base's environment may have moved it; nil where the
	// build file or the script says where it is.
	Places []string `json:"-"`
}

// Sharing modes, in BuildKit's words.
const (
	Shared  = string(cache.Shared)
	Locked  = string(cache.Locked)
	Private = string(cache.Private)
)

// CompilerCacheDir is where Debian's ccache keeps its links named like
// compilers: first in PATH, they route compilers through the cache.
const CompilerCacheDir = "/usr/lib/ccache"

// cacheSet makes cache mounts for one platform and distribution release.
type cacheSet struct {
	prefix, suffix string
}

func newCacheSet(prefix, platform, release string) cacheSet {
	return cacheSet{prefix: prefix, suffix: "-" + release + "-" + strings.ReplaceAll(platform, "/", "-")}
}

// mounts are those of tools.
func (c cacheSet) mounts(list []cache.Mount) []Cache {
	var out []Cache
	for _, m := range list {
		one := Cache{Name: m.Tool.Name, Target: m.Target, ID: c.prefix + m.Tool.ID(m.Dir) + c.suffix, Sharing: string(m.Tool.Sharing)}
		if m.Target == m.Dir.At(startVars(nil)) {
			one.Places = m.Dir.Places
		}
		out = append(out, one)
	}
	return out
}

// apt are the mounts of a step that installs packages by itself.
func (c cacheSet) apt() []Cache {
	t, _ := cache.Find("apt")
	return c.mounts([]cache.Mount{{Tool: t, Dir: t.Dirs[0], Target: t.Dirs[0].At(nil)}})
}

// path returns the mount of a directory that the user named: as a Dockerfile
// that names neither id nor sharing has it, and so one with that.
func (c cacheSet) path(target string) Cache {
	return Cache{Name: target, Target: target, ID: c.prefix + target, Sharing: Shared}
}

// beside returns mounts for a script that runs beside others. A locked one is
// held for the whole step: compiles that only fetch something first would run
// one after another. Private ones are several directories under one id, so that
// id is not one that others lock.
func beside(caches []Cache) []Cache {
	for i := range caches {
		if caches[i].Sharing == Locked {
			caches[i].Sharing = Private
			caches[i].ID += "-isolated"
		}
	}
	return caches
}

// of returns a script's mounts: those of the tools that it uses, and those that
// the build file adds.
func (c cacheSet) of(p *spec.Problems, s spec.Script, use cache.Use) []Cache {
	if s.Caches != nil && s.Caches.None {
		return nil
	}
	out := c.mounts(use.Mounts())
	if s.Caches != nil {
		for _, extra := range s.Caches.Extra {
			tool, known := cache.Find(extra.Value)
			switch {
			case known:
				out = append(out, c.mounts(use.Of(tool))...)
			case path.IsAbs(extra.Value) && path.Clean(extra.Value) != "/":
				out = append(out, c.path(path.Clean(extra.Value)))
			default:
				p.Addf(extra.At, "cache %q is neither an absolute path nor one of %s%s", extra.Value, strings.Join(cache.Names(), ", "), spec.Meant(extra.Value, cache.Names()))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Cache) int { return strings.Compare(a.Target, b.Target) })
	return slices.CompactFunc(out, func(a, b Cache) bool { return a.Target == b.Target })
}

// CacheID is the id of a tool's cache mount on a base image and a platform: a
// Dockerfile's steps and a build file's share it.
func CacheID(m cache.Mount, base, platform string) string {
	return newCacheSet("", platform, release(base)).mounts([]cache.Mount{m})[0].ID
}

// startVars are the variables that a script starts with, as far as the build
// file tells. The base's are not among them: see [Cache.At].
func startVars(env []Var) cache.Vars {
	return func(name string) (string, bool) {
		for _, v := range env {
			if v.Name == name {
				return v.Value, true
			}
		}
		if name == "HOME" {
			return "/root", true
		}
		return "", true
	}
}

// CachesOn returns a script's mounts on a base with an environment, whose
// variables may have moved a tool's directory: CARGO_HOME, GOPATH.
func (g *Graph) CachesOn(s *Script, environ []string) []Cache {
	vars := func(name string) (string, bool) {
		for _, e := range environ {
			if n, v, _ := strings.Cut(e, "="); n == name {
				return v, true
			}
		}
		return startVars(nil)(name)
	}
	var out []Cache
	for _, m := range s.Caches {
		if m.Places != nil {
			to := cache.Dir{Places: m.Places}.At(vars)
			if to == "" || to != m.Target && !(cache.Use{Program: g.Programs[s.Path]}).Admits(to) {
				continue
			}
			m.Target = to
		}
		out = append(out, m)
	}
	return out
}
