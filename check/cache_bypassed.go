package check

import "strings"

func cacheBypassed() Rule {
	return Rule{
		Name:        "CacheBypassed",
		Severity:    Warning,
		Description: "A tool that has a cache mount uses it.",
		check:       checkCacheBypassed,
	}
}

func checkCacheBypassed(p *pass) {
	for _, u := range p.setup {
		for s, c := range u.calls() {
			word, ok := hasFlag(c, 0, "")
			switch c.Name {
			case "pip", "pip3", "pipx":
				word, ok = hasFlag(c, 0, "", "--no-cache-dir")
			case "uv":
				word, ok = hasFlag(c, 0, "", "--no-cache")
			case "apt", "apt-get":
				word, ok = wordWith(c, "Dir::Cache=", "Dir::Cache::archives=", "Keep-Downloaded-Packages=false")
			}
			if ok {
				p.word(s, word, "%s keeps %s from its cache, which is a mount and in no layer: every build downloads everything again; remove it", word.Text, c.Name)
			}
		}
		for s, a := range u.assigns() {
			if bypasses(a.Name, a.Value.Value) {
				p.at(s.Path, span(a.Pos, a.End), "%s turns off a cache that is a mount and in no layer: every build does everything again; remove it", a.Name)
			}
		}
	}
	for _, a := range p.in.File.Args {
		if bypasses(a.Name.Value, a.Value.Value) {
			p.file(a.Name.At, "%s turns off a cache that is a mount and in no layer: every build does everything again; remove it", a.Name)
		}
	}
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
