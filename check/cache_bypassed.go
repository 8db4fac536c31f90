package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
)

func cacheBypassed() Rule {
	return Rule{
		Name:        "CacheBypassed",
		Severity:    Warning,
		Description: "A tool that has a cache mount uses it.",
		check:       checkCacheBypassed,
		dockerfile:  checkCacheBypassed,
	}
}

func checkCacheBypassed(p *pass) {
	for _, u := range p.setup {
		for s, c := range u.calls() {
			word, ok := hasFlag(c, 0, "")
			switch {
			case c.Name == "pip" || c.Name == "pip3" || c.Name == "pipx":
				word, ok = hasFlag(c, 0, "", "--no-cache-dir")
			case c.Name == "uv":
				word, ok = hasFlag(c, 0, "", "--no-cache")
			case c.Is(programs.Apt):
				word, ok = wordWith(c, "Dir::Cache=", "Dir::Cache::archives=", "Keep-Downloaded-Packages=false")
			}
			if ok && p.isCached(u, c.Name) {
				p.word(s, word, "%s keeps %s from its cache, which is a mount and in no layer: every build downloads everything again; remove it", word.Text, c.Name)
				if word.Text == word.Value && strings.HasPrefix(word.Value, "--no-cache") && word.Pos.Column > 1 {
					from := word.Pos
					from.Column-- // with the space in front of it
					p.fix(span(from, word.End), "")
				}
			}
		}
		for s, a := range u.assigns() {
			if bypasses(a.Name, a.Value.Value) && p.isCached(u, toolOf(a.Name)) {
				p.at(s.Path, span(a.Pos, a.End), "%s turns off a cache that is a mount and in no layer: every build does everything again; remove it", a.Name)
			}
		}
	}
	if p.in.dockerfile != nil { // a step has the caches that it can use
		return
	}
	for _, a := range p.in.File.Args {
		if bypasses(a.Name.Value, a.Value.Value) {
			p.file(a.Name.At, "%s turns off a cache that is a mount and in no layer: every build does everything again; remove it", a.Name)
		}
	}
}

// isCached tells whether a program sees its tool's cache mount: a build file's
// scripts always do, a Dockerfile's steps where it is mounted.
func (p *pass) isCached(u *unit, tool string) bool {
	return p.in.dockerfile == nil || slices.ContainsFunc(u.mounts(), func(m string) bool {
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
