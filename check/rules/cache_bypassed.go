package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/programs"
)

func cacheBypassed() check.Rule {
	return check.Rule{
		Name:        "CacheBypassed",
		Severity:    check.Warning,
		Description: "A tool that has a cache mount uses it.",
		Check:       checkCacheBypassed,
		Dockerfile:  checkCacheBypassed,
	}
}

func checkCacheBypassed(p *check.Pass) {
	for _, u := range p.Setup {
		for s, c := range u.Calls() {
			word, ok := check.HasFlag(c, 0, "")
			switch {
			case c.Name == "pip" || c.Name == "pip3" || c.Name == "pipx":
				word, ok = check.HasFlag(c, 0, "", "--no-cache-dir")
			case c.Name == "uv":
				word, ok = check.HasFlag(c, 0, "", "--no-cache")
			case c.Is(programs.Apt):
				word, ok = wordWith(c, "Dir::Cache=", "Dir::Cache::archives=", "Keep-Downloaded-Packages=false")
			}
			if ok && isCached(p, u, c.Name) {
				p.Word(s, word, "%s keeps %s from its cache, which is a mount and in no layer: every build downloads everything again; remove it", word.Text, c.Name)
				if word.Text == word.Value && strings.HasPrefix(word.Value, "--no-cache") && word.Pos.Column > 1 {
					from := word.Pos
					from.Column-- // with the space in front of it
					p.Fix(check.Span(from, word.End), "")
				}
			}
		}
		for s, a := range u.Assigns() {
			if bypasses(a.Name, a.Value.Value) && isCached(p, u, toolOf(a.Name)) {
				p.At(s.Path, check.Span(a.Pos, a.End), "%s turns off a cache that is a mount and in no layer: every build does everything again; remove it", a.Name)
			}
		}
	}
	if p.Input.Dockerfile != nil { // a step has the caches that it can use
		return
	}
	for _, a := range p.Input.File.Args {
		if bypasses(a.Name.Value, a.Value.Value) {
			p.File(a.Name.At, "%s turns off a cache that is a mount and in no layer: every build does everything again; remove it", a.Name)
		}
	}
}

// isCached tells whether a program sees its tool's cache mount: a build file's
// scripts always do, a Dockerfile's steps where it is mounted.
func isCached(p *check.Pass, u *check.Unit, tool string) bool {
	return p.Input.Dockerfile == nil || slices.ContainsFunc(mounts(u), func(m string) bool {
		return strings.Contains(m, strings.TrimRight(strings.TrimSuffix(tool, "-get"), "3x"))
	})
}

// toolOf is the tool that reads a variable.
func toolOf(name string) string {
	tool, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "USE_")), "_")
	return tool
}

// bypasses tells whether a variable turns a cache off.
func bypasses(name, value string) bool {
	off := value == "" || value == "0" || strings.EqualFold(value, "false") || strings.EqualFold(value, "off")
	switch name {
	case "PIP_NO_CACHE_DIR", "UV_NO_CACHE", "CCACHE_DISABLE":
		return !off
	case "CCACHE", "USE_CCACHE":
		return off && value != ""
	}
	return false
}
