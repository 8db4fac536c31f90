package rules

import (
	"io/fs"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
)

func configNotStaged() check.Rule {
	return check.Rule{
		Name:        "ConfigNotStaged",
		Severity:    check.Warning,
		Description: "Every configuration and entrypoint file of the context has a place in the image.",
		Check:       checkConfigNotStaged,
	}
}

func checkConfigNotStaged(p *check.Pass) {
	staged := map[string]bool{}
	for f := range p.Input.EntrypointFiles() {
		staged[f.Source] = true
	}
	for _, t := range p.Input.File.Tests {
		staged[t.Run.Value] = true
	}
	e := p.Input.File.Entrypoint
	for _, pattern := range p.Input.File.CacheBoundary.VolatileFiles {
		names := filesOf(p.Tree, pattern.Value)
		beside := map[string][]string{}
		for _, name := range names {
			beside[path.Dir(name)] = append(beside[path.Dir(name)], name)
		}
		others := map[string]bool{} // folders that are not the image's: what they have for it is listed
		for dir, list := range beside {
			others[dir] = !isConventional(pattern.Value) && mostly(list, func(name string) bool { return !staged[name] })
		}
		for _, name := range names {
			if staged[name] || isNote(name) || others[path.Dir(name)] {
				continue
			}
			staged[name] = true
			at := pattern.At
			for _, c := range e.ConfigurationFiles { // the list is where it is missing
				if c.At != (spec.Range{}) {
					at = c.At
				}
			}
			p.File(at, "%s is in the build context and not in the image: list it under configuration_files with a target, or under the scripts; or exclude it in .dockerignore", name)
		}
	}
}

// filesOf are the files that a pattern matches, those below a directory with
// that name too.
func filesOf(t *check.Tree, pattern string) []string {
	if info, err := fs.Stat(t.Input.Context, pattern); err == nil && info.IsDir() {
		pattern += "/**"
	}
	names, _ := spec.Files(t.Input.Context, pattern) // graph has reported a bad pattern
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

// isConventional tells whether a pattern is of the folders that are for the
// entrypoint by their names.
func isConventional(pattern string) bool {
	return paths.Within(pattern, "entrypoint.d") || paths.Within(pattern, "config")
}

// mostly tells whether something is true of more than half of a list.
func mostly(names []string, is func(string) bool) bool {
	n := 0
	for _, name := range names {
		if is(name) {
			n++
		}
	}
	return n*2 > len(names)
}
