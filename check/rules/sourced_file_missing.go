package rules

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

func sourcedFileMissing() check.Rule {
	return check.Rule{
		Name:        "SourcedFileMissing",
		Severity:    check.Error,
		Description: "A file that a script sources is there when it runs.",
		Check:       checkSourcedFileMissing,
		Dockerfile:  checkSourcedFileMissing,
		Contract:    sourcesInSetup,
	}
}

func checkSourcedFileMissing(p *check.Pass) {
	for _, u := range p.Setup {
		for _, src := range unresolved(u) {
			if src.InContext && !src.Word.Glob && !mayBeMade(p, src.Absolute) {
				missingSource(p, src, src.Path+" is not in the build context")
			}
		}
	}
	sources(p, func(target string) string {
		context := strings.TrimPrefix(target, spec.InstallRoot+"/")
		switch {
		case !ownedByEntrypoint(p, target):
			return ""
		case p.Input.Dockerfile != nil:
			return target + " is not in the image: the COPY that fills " + path.Dir(target) + " has no such file"
		case p.Exists(context):
			return target + " is not in the image: " + context + " is in the build context, but no list of the entrypoint names it"
		}
		return target + " is not in the image: no entrypoint file becomes it"
	})
}

// sourcesInSetup looks for what only the built setup can have.
func sourcesInSetup(p *check.Pass) {
	sources(p, func(target string) string {
		if _, err := p.Root().Stat(target); err == nil || !known(p.Tree, target) || ownedByEntrypoint(p, target) {
			return ""
		}
		return target + " is neither in the built setup nor among the entrypoint files"
	})
}

// ownedByEntrypoint tells whether nothing but an entrypoint file can be at a
// path: it is below the install root of a build file, or among files that a
// Dockerfile copies into a folder of their own, and no setup script makes it.
func ownedByEntrypoint(p *check.Pass, target string) bool {
	if p.Input.Dockerfile == nil {
		return paths.Within(target, spec.InstallRoot) && !setupMakes(p, target)
	}
	filled := slices.ContainsFunc(p.Input.Dockerfile.Filled, func(dir string) bool { return paths.Within(target, dir) })
	return filled && p.Dirs[path.Dir(target)] && !setupMakes(p, target) && !entrypointWrites(p.Tree, target)
}

// sources asks for every file that an entrypoint script sources and that is no
// entrypoint file what is wrong with it, "" for nothing.
func sources(p *check.Pass, wrong func(target string) string) {
	for _, u := range p.Entrypoint {
		for _, s := range u.Scripts {
			for _, src := range s.Sources {
				target := src.Absolute
				if target == "" || src.Word.Glob || errors.Is(src.Err, interp.ErrUnknownPath) || glob.Has(target) || p.InImage(path.Clean(target)) {
					continue
				}
				if what := wrong(path.Clean(target)); what != "" {
					missingSource(p, src, what)
				}
			}
		}
	}
}

func missingSource(p *check.Pass, src shell.Source, what string) {
	if src.Optional || shell.Never(src.Guards) {
		return
	}
	p.At(src.From, check.Span(src.Pos, src.End), "%s: the script ends here, or goes on without what it needs", what)
}

// unresolved are the sources that a program's scripts could not follow.
func unresolved(u *check.Unit) []shell.Source {
	out := u.Program.Unresolved
	for _, child := range u.Program.Programs {
		out = append(out[:len(out):len(out)], child.Unresolved...)
	}
	return out
}

// setupMakes tells whether a setup script may make a file: it speaks of it, or of
// a folder above it, and does more there than to set owner and mode.
func setupMakes(p *check.Pass, target string) bool {
	for _, u := range p.Setup {
		for _, s := range u.Scripts {
			owned := map[shell.Pos]bool{}
			for _, c := range s.Calls {
				if (c.Name == "useradd" || c.Name == "adduser") && len(c.Args) > 0 && homeHas(c, target) {
					return true // of the skeleton
				}
				if check.MakesNoFiles(c) {
					for _, w := range c.Args {
						owned[w.Pos] = true
					}
				} else if c.Dir != "" && c.Dir != "/" && paths.Within(target, c.Dir) && !check.IsPlainTool(c) {
					return true // a program that runs there may make anything
				}
			}
			for _, ref := range s.Paths {
				if !owned[ref.Pos] && ref.Access != shell.AccessTest && !ref.Glob && ref.Path != "/" && paths.Within(target, ref.Path) {
					return true
				}
			}
		}
	}
	return false
}

// homeHas tells whether a file is one that a new account's home directory gets: a
// hidden one right in it.
func homeHas(c *shell.Call, target string) bool {
	dir := path.Dir(target)
	return strings.HasPrefix(path.Base(target), ".") && (c.HasArg(dir) || dir == "/home/"+c.Args[len(c.Args)-1].Value)
}

// mayBeMade tells whether a step of a Dockerfile may make a file that it was not
// given.
func mayBeMade(p *check.Pass, target string) bool {
	if p.Input.Dockerfile == nil {
		return false
	}
	for _, u := range p.Setup {
		for _, s := range u.Scripts {
			for _, ref := range s.Paths {
				if ref.Access != shell.AccessRead && ref.Access != shell.AccessTest && !ref.Glob && paths.Within(target, ref.Path) {
					return true
				}
			}
		}
	}
	return false
}
