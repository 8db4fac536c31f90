package check

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func sourcedFileMissing() Rule {
	return Rule{
		Name:        "SourcedFileMissing",
		Severity:    Error,
		Description: "A file that a script sources is there when it runs.",
		check:       checkSourcedFileMissing,
		dockerfile:  checkSourcedFileMissing,
		contract:    sourcesInSetup,
	}
}

func checkSourcedFileMissing(p *pass) {
	for _, u := range p.setup {
		for _, src := range u.unresolved() {
			if src.InContext && !src.Word.Glob && !p.mayBeMade(src.Absolute) {
				p.missingSource(src, src.Path+" is not in the build context")
			}
		}
	}
	p.sources(func(target string) string {
		context := strings.TrimPrefix(target, spec.InstallRoot+"/")
		switch {
		case !p.ownedByEntrypoint(target):
			return ""
		case p.in.dockerfile != nil:
			return target + " is not in the image: the COPY that fills " + path.Dir(target) + " has no such file"
		case p.exists(context):
			return target + " is not in the image: " + context + " is in the build context, but no list of the entrypoint names it"
		}
		return target + " is not in the image: no entrypoint file becomes it"
	})
}

// sourcesInSetup looks for what only the built setup can have.
func sourcesInSetup(p *pass) {
	p.sources(func(target string) string {
		if _, err := p.root().stat(target); err == nil || !p.known(target) || p.ownedByEntrypoint(target) {
			return ""
		}
		return target + " is neither in the built setup nor among the entrypoint files"
	})
}

// ownedByEntrypoint tells whether nothing but an entrypoint file can be at a
// path: it is below the install root of a build file, or among files that a
// Dockerfile copies into a folder of their own, and no setup script makes it.
func (p *pass) ownedByEntrypoint(target string) bool {
	if p.in.dockerfile == nil {
		return paths.Within(target, spec.InstallRoot) && !p.setupMakes(target)
	}
	filled := slices.ContainsFunc(p.in.dockerfile.filled, func(dir string) bool { return paths.Within(target, dir) })
	return filled && p.dirs[path.Dir(target)] && !p.setupMakes(target) && !p.entrypointWrites(target)
}

// sources asks for every file that an entrypoint script sources and that is no
// entrypoint file what is wrong with it, "" for nothing.
func (p *pass) sources(wrong func(target string) string) {
	for _, u := range p.entrypoint {
		for _, s := range u.scripts {
			for _, src := range s.Sources {
				target := src.Absolute
				if target == "" || src.Word.Glob || errors.Is(src.Err, shell.ErrUnknownPath) || strings.ContainsAny(target, "*?[") || p.inImage(path.Clean(target)) {
					continue
				}
				if what := wrong(path.Clean(target)); what != "" {
					p.missingSource(src, what)
				}
			}
		}
	}
}

func (p *pass) missingSource(src shell.Source, what string) {
	if src.Optional || shell.Never(src.Guards) {
		return
	}
	p.at(src.From, span(src.Pos, src.End), "%s: the script ends here, or goes on without what it needs", what)
}

// unresolved are the sources that a program's scripts could not follow.
func (u *unit) unresolved() []shell.Source {
	out := u.program.Unresolved
	for _, child := range u.program.Programs {
		out = append(out[:len(out):len(out)], child.Unresolved...)
	}
	return out
}

// setupMakes tells whether a setup script may make a file: it speaks of it, or of
// a folder above it, and does more there than to set owner and mode.
func (p *pass) setupMakes(target string) bool {
	for _, u := range p.setup {
		for _, s := range u.scripts {
			owned := map[shell.Pos]bool{}
			for _, c := range s.Calls {
				if makesNoFiles(c) {
					for _, w := range c.Args {
						owned[w.Pos] = true
					}
				} else if c.Dir != "" && c.Dir != "/" && paths.Within(target, c.Dir) && !isPlainTool(c) {
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

// mayBeMade tells whether a step of a Dockerfile may make a file that it was not
// given.
func (p *pass) mayBeMade(target string) bool {
	if p.in.dockerfile == nil {
		return false
	}
	for _, u := range p.setup {
		for _, s := range u.scripts {
			for _, ref := range s.Paths {
				if ref.Access != shell.AccessRead && ref.Access != shell.AccessTest && !ref.Glob && paths.Within(target, ref.Path) {
					return true
				}
			}
		}
	}
	return false
}
