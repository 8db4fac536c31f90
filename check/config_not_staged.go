package check

import (
	"io/fs"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/spec"
)

func configNotStaged() Rule {
	return Rule{
		Name:        "ConfigNotStaged",
		Severity:    Warning,
		Description: "Every configuration and entrypoint file of the context has a place in the image.",
		check:       checkConfigNotStaged,
	}
}

func checkConfigNotStaged(p *pass) {
	staged := map[string]bool{}
	for f := range p.in.entrypointFiles() {
		staged[f.Source] = true
	}
	for _, t := range p.in.File.Tests {
		staged[t.Run.Value] = true
	}
	e := p.in.File.Entrypoint
	for _, pattern := range p.in.File.CacheBoundary.VolatileFiles {
		for _, name := range p.filesOf(pattern.Value) {
			if staged[name] || isNote(name) {
				continue
			}
			staged[name] = true
			at := pattern.At
			for _, c := range e.ConfigurationFiles { // the list is where it is missing
				if c.At != (spec.Range{}) {
					at = c.At
				}
			}
			p.file(at, "%s is in the build context and not in the image: list it under configuration_files with a target, or under the scripts; or exclude it in .dockerignore", name)
		}
	}
}

// filesOf are the files that a pattern matches, those below a directory with
// that name too.
func (t *tree) filesOf(pattern string) []string {
	if info, err := fs.Stat(t.in.Context, pattern); err == nil && info.IsDir() {
		pattern += "/**"
	}
	names, _ := spec.Files(t.in.Context, pattern) // graph has reported a bad pattern
	return names
}

// isNote tells whether a file is for people, or for the tools around a build.
func isNote(name string) bool {
	base := path.Base(name)
	switch strings.ToLower(path.Ext(base)) {
	case ".md", ".txt", ".rst", ".bats", ".orig", ".swp":
		return true
	}
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "LICENSE") || strings.HasPrefix(base, "README")
}
