package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

func cacheWiped() check.Rule {
	return check.Rule{
		Name:        "CacheWiped",
		Severity:    check.Warning,
		Description: "A setup script leaves the caches of the next build alone: they are mounts, and in no layer.",
		Check:       checkCacheWiped,
		Dockerfile:  checkCacheWiped,
	}
}

func checkCacheWiped(p *check.Pass) {
	for _, u := range p.Setup {
		mounts := mounts(u)
		withheld(p, u)
		for s, c := range u.Calls() {
			if what := wipes(u, c); what != "" {
				if cache := cacheOf(c, mounts); cache != "" {
					p.Call(s, c, "%s empties %s, which is a mount and in no layer: it saves nothing, and the next build downloads or compiles everything again; remove the line", what, cache)
				}
				continue
			}
			for _, w := range deletions(c) {
				if target := covered(w.Value, mounts); target != "" {
					p.Word(s, w, "%s is in a cache mount and in no layer: deleting it saves nothing, and the next build downloads or compiles everything again; remove it", target)
				}
			}
		}
	}
}

// mounts are the cache mounts that a program sees.
func mounts(u *check.Unit) []string {
	var out []string
	for _, c := range u.Node.Caches {
		out = append(out, c.Target)
	}
	return out
}

// wipes is the command that empties a tool's whole cache, or "".
func wipes(u *check.Unit, c *shell.Call) string {
	if len(u.Node.Caches) == 0 {
		return ""
	}
	sub := c.Verb()
	if c.Is(programs.Apt) && programs.AptCleans(sub) && !strings.HasPrefix(sub, "auto") { // autoclean takes what is of no use any more
		return c.Name + " " + sub
	}
	switch c.Name {
	case "dnf", "microdnf", "yum":
		if sub == "clean" {
			return c.Name + " clean"
		}
	case "pip", "pip3", "npm", "uv", "yarn":
		if sub == "cache" && c.HasArg("purge", "clean", "remove", "prune") {
			return c.Name + " cache"
		}
	case "go":
		if w, ok := check.HasFlag(c, 0, "", "-cache", "-modcache"); ok && sub == "clean" {
			return "go clean " + w.Value
		}
	case "ccache":
		if w, ok := check.HasFlag(c, 'C', "FMo", "--clear", "-c", "--cleanup", "-z"); ok && w.Value != "-z" {
			return "ccache " + w.Value
		}
	}
	return ""
}

// cacheOf is the mount that has the cache of a tool, "" for none: what a command
// empties that is not mounted would be in a layer.
func cacheOf(c *shell.Call, mounts []string) string {
	for _, m := range mounts {
		if c.Is(programs.Apt) && paths.Within("/var/cache/apt/archives", m) || !c.Is(programs.Apt) && strings.Contains(m, strings.TrimPrefix(strings.TrimSuffix(c.Name, "3"), "micro")) {
			return m
		}
	}
	return ""
}

// deletions are the paths that rm or find deletes.
func deletions(c *shell.Call) []shell.Word {
	switch c.Name {
	case "rm", "unlink", "shred":
		return check.Operands(c)
	case "find":
		if !c.HasArg("-delete", "rm") {
			return nil
		}
		var out []shell.Word
		for _, w := range c.Args {
			if strings.HasPrefix(w.Value, "-") || w.Value == "!" || w.Value == "(" {
				break
			}
			out = append(out, w)
		}
		return out
	}
	return nil
}

// covered is the mount that a deletion reaches into, or takes with it. What a
// pattern leaves open is not held against it.
func covered(p string, mounts []string) string {
	trimmed := strings.TrimRight(p, "*/")
	if !path.IsAbs(p) || trimmed == "" || strings.Contains(trimmed, "*") {
		return ""
	}
	trimmed = path.Clean(strings.ReplaceAll(trimmed, `\`, ""))
	for _, m := range mounts {
		if isToolCache(m) && (paths.Within(trimmed, m) || paths.Within(m, trimmed)) {
			return p
		}
	}
	return ""
}

// isToolCache tells whether a mount is where a package manager, a compiler's
// cache or the like keeps what the next build wants. What a script keeps in a
// mount of its own it may well clear.
func isToolCache(mount string) bool {
	if paths.Within(mount, "/var/cache") || paths.Within(mount, "/var/lib/apt") || paths.Within(mount, "/var/lib/dnf") {
		return true
	}
	return slices.ContainsFunc(strings.Split(mount, "/"), func(part string) bool {
		switch part {
		case ".cache", ".npm", ".cargo", ".ccache", ".m2", ".gradle", ".bundle", ".yarn", "mod", "ccache":
			return true
		}
		return false
	})
}
