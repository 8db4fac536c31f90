package rules

import (
	"slices"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/spec"
)

func sourceUnused() check.Rule {
	return check.Rule{
		Name:        "SourceUnused",
		Severity:    check.Warning,
		Description: "A source that is declared is listed by a script.",
		Check:       checkSourceUnused,
	}
}

func checkSourceUnused(p *check.Pass) {
	s := p.Input.File.Setup
	used := map[string]bool{}
	for _, script := range slices.Concat(s.Scripts, s.FinalCleanup, s.LeftOut) {
		for _, t := range script.Sources {
			used[t.Value] = true
		}
	}
	for _, source := range s.Sources {
		if !used[source.Name.Value] {
			p.File(source.Name.At, "no script lists the source %s: nothing is compiled from it, and nobody fetches it; add `sources: [%s]` to the script that it is for, or remove it", source.Name, source.Name)
		}
	}
}

// sourceNamed is the declared source that an address means.
func sourceNamed(p *check.Pass, address string) *spec.Source {
	for i, s := range p.Input.File.Setup.Sources {
		for _, t := range []spec.Text{s.URL, s.Git} {
			if t.Value != "" && plainAddress(t.Value) == plainAddress(address) {
				return &p.Input.File.Setup.Sources[i]
			}
		}
	}
	return nil
}
