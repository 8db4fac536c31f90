package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func localeWithoutLang() check.Rule {
	return check.Rule{
		Name:        "LocaleWithoutLang",
		Severity:    check.Warning,
		Description: "The locale that setup generates is the one that LANG names.",
		Check:       checkLocaleWithoutLang,
		Dockerfile:  checkLocaleWithoutLang,
	}
}

func checkLocaleWithoutLang(p *check.Pass) {
	lang, at := lang(p)
	made := makesLocales(p)
	switch {
	case lang == "" && made.call != nil && hasPostgreSQL(p.Tree) && !setsLang(p) && p.Input.Graph.Base.Name != "" && !inherits(p):
		p.MayCall(made.script, made.call, "this makes a locale that no process uses unless LANG names it: clusters may be created with SQL_ASCII and C; set LANG %s", p.Advice("in image.env", "with ENV"))
	case lang != "" && made.call == nil && !isBuiltinLocale(lang) && !hasLocales(p) && at != (spec.Range{}) && p.Distribution() == check.Debian && hasPostgreSQL(p.Tree) && isPlain(p.Input.Graph.Base.Name):
		p.MayFile(at, "no setup script makes the locale %s and the base may not have it: initdb would refuse it; run locale-gen or localedef in setup, or use C.UTF-8", lang)
	}
}

// lang is the image's locale and where it is set.
func lang(p *check.Pass) (string, spec.Range) {
	for _, v := range p.Input.Graph.Image.Env {
		if v.Name == "LANG" || v.Name == "LC_ALL" {
			return v.Value, v.At
		}
	}
	return "", spec.Range{}
}

// isBuiltinLocale tells whether the C library has a locale by itself.
func isBuiltinLocale(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	return base == "C" || base == "POSIX" || strings.Contains(name, "$")
}

type localeMaker struct {
	script *shell.Script
	call   *shell.Call
}

// makesLocales is the first command of setup that makes a locale.
func makesLocales(p *check.Pass) localeMaker {
	for s, c := range p.SetupCalls() {
		if c.Name == "locale-gen" || c.Name == "localedef" || c.Name == "dpkg-reconfigure" && c.HasArg("locales") {
			return localeMaker{s, c}
		}
	}
	return localeMaker{}
}

// hasLocales tells whether a package brings every locale.
func hasLocales(p *check.Pass) bool {
	if slices.ContainsFunc(p.Input.Graph.RuntimePackages(), func(pkg graph.Package) bool { return strings.HasPrefix(pkg.Spec, "locales-all") }) {
		return true
	}
	for _, c := range p.SetupCalls() {
		if check.InstallsPackages(c) && c.HasArg("locales-all") {
			return true
		}
	}
	return false
}

// setsLang tells whether a script that starts may set the locale itself.
func setsLang(p *check.Pass) bool {
	for _, u := range p.Entrypoint {
		if len(unresolved(u)) > 0 {
			return true // a file that nobody has read may
		}
		for _, name := range []string{"LANG", "LC_ALL"} {
			if slices.ContainsFunc(u.Scripts, func(s *shell.Script) bool { _, ok := s.Mentions(name); return ok }) {
				return true
			}
		}
	}
	return false
}

// isPlain tells whether an image is a distribution and nothing else: only of
// those is it known that they have no locale but C's.
func isPlain(ref string) bool {
	parts := check.ReferenceParts(ref)
	return len(parts) > 0 && slices.ContainsFunc([]string{"debian", "ubuntu"}, func(name string) bool { return slices.Contains(parts[:min(len(parts), 3)], name) })
}
