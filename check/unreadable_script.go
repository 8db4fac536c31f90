package check

import (
	"errors"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

func unreadableScript() Rule {
	return Rule{
		Name:        "UnreadableScript",
		Severity:    Error,
		Description: "The shell and the kernel can read every entrypoint script.",
		check:       checkUnreadableScript,
		dockerfile:  checkUnreadableScript,
	}
}

func checkUnreadableScript(p *pass) {
	if p.in.dockerfile != nil { // of a build file, graph has refused it
		p.unreadableSteps()
	}
	for _, b := range p.broken {
		var syntax *shell.SyntaxError
		if errors.As(b.err, &syntax) {
			p.at(syntax.Path, span(syntax.Pos, syntax.Pos), "the shell cannot read this: %s", syntax.Msg)
			continue
		}
		p.file(b.file.At, "%v", b.err)
	}
	for _, u := range p.entrypoint {
		for _, s := range u.scripts {
			switch {
			case s.BOM:
				p.at(s.Path, span(shell.Pos{Line: 1, Column: 1}, shell.Pos{}), "the byte order mark hides the first line from the kernel; save the file as UTF-8 without BOM")
			case s.CRLF.IsValid() && s.Shell && strings.HasSuffix(s.Shebang.Line, "\r"):
				p.at(s.Path, span(s.CRLF, s.CRLF), "shells do not understand CRLF line ends; save the file with LF")
			case s.CRLF.IsValid() && s.Shell:
				p.at(s.Path, span(s.CRLF, s.CRLF), "shells do not understand CRLF line ends; save the file with LF")
			}
		}
	}
}

// unreadableSteps reports the scripts that RUN runs and no shell can read.
func (p *pass) unreadableSteps() {
	for _, u := range p.setup {
		for _, s := range u.scripts {
			switch {
			case p.inline(s):
			case s.Broken != nil:
				p.at(s.Path, span(s.Broken.Pos, s.Broken.Pos), "the shell cannot read this: %s", s.Broken.Msg)
			case s.CRLF.IsValid() && s.Shell:
				p.at(s.Path, span(s.CRLF, s.CRLF), "shells do not understand CRLF line ends; save the file with LF")
			}
		}
	}
}
