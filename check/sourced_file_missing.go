package check

import (
	"errors"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func sourcedFileMissing() Rule {
	return Rule{
		Name:        "SourcedFileMissing",
		Severity:    Error,
		Description: "A file that a script sources is there when it runs.",
		check:       checkSourcedFileMissing,
	}
}

func checkSourcedFileMissing(p *pass) {
	for _, u := range p.setup {
		for _, src := range u.unresolved() {
			if src.InContext && !src.Word.Glob {
				p.missingSource(src, src.Path+" is not in the build context")
			}
		}
	}
	for _, u := range p.entrypoint {
		for _, s := range u.scripts {
			for _, src := range s.Sources {
				if where := p.missingInImage(src); where != "" {
					p.missingSource(src, where)
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

// missingInImage says what is wrong with a file that an entrypoint script
// sources, or "". Only below the install root nothing but entrypoint files can
// be; elsewhere the built setup is asked.
func (p *pass) missingInImage(src shell.Source) string {
	target := src.Absolute
	if target == "" || src.Word.Glob || errors.Is(src.Err, shell.ErrUnknownPath) || strings.ContainsAny(target, "*?[") {
		return ""
	}
	target = path.Clean(target)
	if p.inImage(target) {
		return ""
	}
	context := strings.TrimPrefix(target, spec.InstallRoot+"/")
	switch {
	case p.in.Setup != nil:
		if _, err := p.root().stat(target); err == nil || !p.known(target) {
			return ""
		}
		return target + " is neither in the built setup nor among the entrypoint files"
	case !within(target, spec.InstallRoot) || p.setupMentions(target):
		return ""
	case p.exists(context):
		return target + " is not in the image: " + context + " is in the build context, but no list of the entrypoint names it"
	}
	return target + " is not in the image: no entrypoint file becomes it"
}

// setupMentions tells whether a setup script may make a file.
func (p *pass) setupMentions(target string) bool {
	for _, u := range p.setup {
		for _, s := range u.scripts {
			for _, ref := range s.Paths {
				if !ref.Glob && ref.Path != "/" && within(target, ref.Path) {
					return true
				}
			}
		}
	}
	return false
}
