package graph

import (
	"path"
	"slices"
	"strings"

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
}

// Sharing modes, in BuildKit's words.
const (
	Shared  = "shared"
	Locked  = "locked"
	Private = "private"
)

// tool is a program with a cache directory.
type tool struct {
	// commands are the programs whose use calls for the mount.
	commands []string
	// targets are the tool's own default directories for root.
	targets []string
	sharing string
}

// tools returns the tools by the names that `caches:` accepts.
func tools() map[string]tool {
	return map[string]tool{
		// The lists alone, not /var/lib/apt: extended_states lives there too,
		// and is a part of the image's package database.
		"apt":   {[]string{"apt", "apt-get", "aptitude", "apt-cache"}, []string{"/var/cache/apt", "/var/lib/apt/lists"}, Locked},
		"pip":   {[]string{"pip", "pip3", "pipx", "uv"}, []string{"/root/.cache/pip"}, Shared},
		"npm":   {[]string{"npm", "npx"}, []string{"/root/.npm"}, Shared},
		"cargo": {[]string{"cargo"}, []string{"/root/.cargo/registry", "/root/.cargo/git"}, Shared},
		"go":    {[]string{"go"}, []string{"/root/go/pkg/mod", "/root/.cache/go-build"}, Shared},
		"gem":   {[]string{"gem", "bundle", "bundler"}, []string{"/root/.cache/gem", "/root/.bundle/cache"}, Shared},
		// These have no cache of their own: a script that wants one keeps its
		// downloads and clones there (wget -N, git clone --reference-if-able).
		"downloads": {[]string{"curl", "wget", "aria2c"}, []string{"/var/cache/downloads"}, Shared},
		"git":       {[]string{"git"}, []string{"/var/cache/git"}, Shared},
		"ccache":    {[]string{"ccache", "gcc", "g++", "cc", "c++", "clang", "clang++", "make", "ninja", "cmake", "meson"}, []string{"/root/.cache/ccache"}, Shared},
	}
}

// CompilerCacheDir is where Debian's ccache keeps its links named like
// compilers: first in PATH, they route compilers through the cache.
const CompilerCacheDir = "/usr/lib/ccache"

// cacheNames returns the names that `caches:` accepts, sorted.
func cacheNames() []string {
	var names []string
	for name := range tools() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// cacheSet makes cache mounts for one platform and distribution release.
type cacheSet struct {
	prefix, suffix string
}

func newCacheSet(prefix, platform, release string) cacheSet {
	return cacheSet{prefix: prefix, suffix: "-" + release + "-" + strings.ReplaceAll(platform, "/", "-")}
}

// named returns the mounts of a known tool, or nil.
func (c cacheSet) named(name string) []Cache {
	t, ok := tools()[name]
	if !ok {
		return nil
	}
	var out []Cache
	for _, target := range t.targets {
		id := name
		if len(t.targets) > 1 {
			id += "-" + path.Base(target)
		}
		out = append(out, Cache{Name: name, Target: target, ID: c.prefix + id + c.suffix, Sharing: t.sharing})
	}
	return out
}

// path returns the mount of a directory that the user named: as a Dockerfile
// that names neither id nor sharing has it, and so one with that.
func (c cacheSet) path(target string) Cache {
	return Cache{Name: target, Target: target, ID: c.prefix + target, Sharing: Shared}
}

// beside returns mounts for a script that runs beside others. A locked one is
// held for the whole step: compiles that only fetch something first would run
// one after another.
func beside(caches []Cache) []Cache {
	for i := range caches {
		if caches[i].Sharing == Locked {
			caches[i].Sharing = Private
		}
	}
	return caches
}

// forCommands returns the names of the tools that commands belong to, sorted.
func toolsOf(commands []string) []string {
	var out []string
	for name, t := range tools() {
		if slices.ContainsFunc(t.commands, func(c string) bool { return slices.Contains(commands, c) }) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// of returns a script's mounts: inferred from the commands that it runs, and
// those that the build file adds.
func (c cacheSet) of(p *spec.Problems, s spec.Script, commands []string) []Cache {
	if s.Caches != nil && s.Caches.None {
		return nil
	}
	var out []Cache
	for _, name := range toolsOf(commands) {
		out = append(out, c.named(name)...)
	}
	if s.Caches != nil {
		for _, extra := range s.Caches.Extra {
			switch mounts := c.named(extra.Value); {
			case mounts != nil:
				out = append(out, mounts...)
			case path.IsAbs(extra.Value) && path.Clean(extra.Value) != "/":
				out = append(out, c.path(path.Clean(extra.Value)))
			default:
				p.Addf(extra.At, "cache %q is neither an absolute path nor one of %s", extra.Value, strings.Join(cacheNames(), ", "))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Cache) int { return strings.Compare(a.Target, b.Target) })
	return slices.CompactFunc(out, func(a, b Cache) bool { return a.Target == b.Target })
}

// ToolCaches returns the cache mounts of a tool (apt, pip, …) for scripts that
// run on a base image, as a build file's scripts get them; nil for a tool that
// is not known. A Dockerfile's steps and a build file's share them.
func ToolCaches(name, base, platform string) []Cache {
	return newCacheSet("", platform, release(base)).named(name)
}
