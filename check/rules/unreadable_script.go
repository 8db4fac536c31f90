package rules

import (
	"errors"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func unreadableScript() check.Rule {
	return check.Rule{
		Name:        "UnreadableScript",
		Severity:    check.Error,
		Description: "The shell and the kernel can read every entrypoint script.",
		Check:       checkUnreadableScript,
		Dockerfile:  checkUnreadableScript,
	}
}

func checkUnreadableScript(p *check.Pass) {
	if p.Input.Dockerfile != nil { // of a build file, graph has refused it
		unreadableSteps(p)
	}
	for _, b := range p.Broken {
		var syntax *shell.SyntaxError
		if errors.As(b.Err, &syntax) {
			p.At(syntax.Path, check.Span(syntax.Pos, syntax.Pos), "the shell cannot read this: %s", syntax.Msg)
			continue
		}
		p.File(b.File.At, "%v", b.Err)
	}
	for _, u := range p.Entrypoint {
		for _, s := range u.Scripts {
			switch {
			case s.BOM:
				p.At(s.Path, check.Span(shell.Pos{Line: 1, Column: 1}, shell.Pos{}), "the byte order mark hides the first line from the kernel; save the file as UTF-8 without BOM")
			case s.CRLF.IsValid() && s.Shell && strings.HasSuffix(s.Shebang.Line, "\r"):
				p.At(s.Path, check.Span(s.CRLF, s.CRLF), "shells do not understand CRLF line ends; save the file with LF")
			case s.CRLF.IsValid() && s.Shell:
				p.At(s.Path, check.Span(s.CRLF, s.CRLF), "shells do not understand CRLF line ends; save the file with LF")
			}
		}
	}
}

// unreadableSteps reports the scripts that RUN runs and no shell can read.
func unreadableSteps(p *check.Pass) {
	for _, u := range p.Setup {
		for _, s := range u.Scripts {
			switch {
			case p.Inline(s):
			case s.Broken != nil:
				p.At(s.Path, check.Span(s.Broken.Pos, s.Broken.Pos), "the shell cannot read this: %s", s.Broken.Msg)
			case s.CRLF.IsValid() && s.Shell:
				p.At(s.Path, check.Span(s.CRLF, s.CRLF), "shells do not understand CRLF line ends; save the file with LF")
			}
		}
	}
}
