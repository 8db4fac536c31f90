package rules

import (
	"strings"

	"github.com/pgstrata/pgstrata/check"
)

func sourceFetchedAgain() check.Rule {
	return check.Rule{
		Name:        "SourceFetchedAgain",
		Severity:    check.Warning,
		Description: "A script takes a declared source from where it is mounted, and does not fetch it itself.",
		Check:       checkSourceFetchedAgain,
	}
}

func checkSourceFetchedAgain(p *check.Pass) {
	for s, c := range p.SetupCalls() {
		if !check.IsDownloader(c) && (c.Name != "git" || check.Subcommand(c, "-C", "-c") != "clone") {
			continue
		}
		for _, w := range c.Args {
			if source := sourceNamed(p, w.Value); source != nil {
				p.Word(s, w, "setup.sources declares this as %s: what the script fetches by itself is not locked, in no SBOM, and fetched again in each run; list it under the script's `sources`, and take it from /context/sources/%s", source.Name, source.Name)
			}
		}
	}
}

// plainAddress is an address without what may be written in several ways: the
// scheme of a repository, scp's form, and an ending.
func plainAddress(s string) string {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "/"), ".git")
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	} else if host, path, ok := strings.Cut(s, ":"); ok {
		s = host + "/" + path
	}
	s = strings.TrimPrefix(s, "git@")
	return s
}
