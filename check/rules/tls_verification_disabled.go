package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func tlsVerificationDisabled() check.Rule {
	return check.Rule{
		Name:        "TLSVerificationDisabled",
		Severity:    check.Warning,
		Description: "Nobody between the build and a server can change what is downloaded.",
		Check:       checkTLSVerificationDisabled,
		Dockerfile:  checkTLSVerificationDisabled,
	}
}

func checkTLSVerificationDisabled(p *check.Pass) {
	for u := range p.Units() {
		for s, c := range u.Calls() {
			checkCallVerifies(p, u, s, c)
		}
		for s, a := range u.Assigns() {
			if disablesVerification(a.Name, a.Value.Value) {
				p.At(s.Path, check.Span(a.Pos, a.End), "%s turns off the check of who answers: anybody on the way can change what arrives", a.Name)
			}
		}
	}
	inImage := map[int]bool{}
	for _, pair := range p.Input.File.Image.Env {
		if disablesVerification(pair.Key.Value, pair.Value.Value) {
			p.File(pair.Key.At, "%s turns off the check of who answers, in every container", pair.Key)
			inImage[pair.Key.At.Start.Line] = true
		}
	}
	for step := range steps(p) {
		env, ok := step.Command.(*instructions.EnvCommand)
		for i := 0; ok && i < len(env.Env); i++ {
			if value, _ := step.Scope.Expand(env.Env[i].Value); disablesVerification(env.Env[i].Key, value) && !inImage[step.Start] {
				p.File(placeOf(step), "%s turns off the check of who answers: anybody on the way can change what arrives", env.Env[i].Key)
			}
		}
	}
	for _, a := range p.Input.File.Args {
		if disablesVerification(a.Name.Value, a.Value.Value) {
			p.File(a.Name.At, "%s turns off the check of who answers: anybody on the way can change what arrives", a.Name)
		}
	}
	checkCopiedSettings(p)
}

// checkCallVerifies looks at one command.
func checkCallVerifies(p *check.Pass, u *check.Unit, s *shell.Script, c *shell.Call) {
	if check.IsDownloader(c) && (asksItself(c) || takesNothing(c) || withoutTLS(c)) {
		return
	}
	for _, text := range written(c) {
		for i, what := range turnedOff(text.target, text.lines) {
			p.At(s.Path, check.Span(text.pos, text.end), "%s", what.words(strings.TrimSpace(text.lines[i])))
		}
	}
	w, what := unverified(c)
	switch {
	case what == "", what == signatures && onlyFiles(c) && (verifies(u) || !downloads(u)):
	case what == answers && check.IsDownloader(c) && !schemeKnown(c):
		p.MayCall(s, c, "%s turns off the check of who answers, if the address is one with TLS: anybody on the way may change what arrives; install ca-certificates, or name the authority's certificate", w.Text)
	default:
		p.Word(s, w, "%s", what.words(w.Text))
	}
}

// checkCopiedSettings looks at the settings that are copied, and at those that a
// Dockerfile writes by COPY.
func checkCopiedSettings(p *check.Pass) {
	for source, target := range copiedSettings(p) {
		lines := strings.Split(string(p.Text(source)), "\n")
		for i, what := range turnedOff(target, lines) {
			at := spec.Position{Line: i + 1, Column: 1}
			p.At(source, spec.Range{Start: at, End: at}, "%s", what.words(strings.TrimSpace(lines[i])))
		}
	}
	for step, text := range copiedTexts(p) {
		lines := strings.Split(text.Text, "\n")
		for i, what := range turnedOff(text.Target, lines) {
			p.File(placeOf(step), "%s", what.words(strings.TrimSpace(lines[i])))
		}
	}
}

// placeOf is the place of an instruction.
func placeOf(step *dockerfile.Step) spec.Range {
	return spec.Range{Start: spec.Position{Line: step.Start, Column: 1}, End: spec.Position{Line: step.End, Column: 1}}
}

// downloads tells whether a program downloads anything by itself.
func downloads(u *check.Unit) bool {
	for _, c := range u.Calls() {
		if check.IsDownloader(c) {
			return true
		}
	}
	return false
}

// asksItself tells whether all addresses of a downloader are the container's own.
func asksItself(c *shell.Call) bool {
	own := false
	for _, w := range c.Args {
		if _, rest, ok := strings.Cut(w.Value, "://"); ok {
			if !isLocal(rest) || strings.HasPrefix(rest, "*") {
				return false
			}
			own = true
		}
	}
	return own
}

// takesNothing tells whether a downloader only asks whether somebody answers: it
// keeps nothing of what arrives.
func takesNothing(c *shell.Call) bool {
	for i, w := range c.Args {
		if w.Is("/dev/null") && i > 0 && (c.Args[i-1].Is("--output") || c.Args[i-1].Is("--output-document") || strings.HasPrefix(c.Args[i-1].Value, "-") && strings.HasSuffix(strings.ToLower(c.Args[i-1].Value), "o")) {
			return true
		}
	}
	_, head := check.HasFlag(c, 'I', curlValued, "--head", "--spider", "-o/dev/null", "-O/dev/null", "--output=/dev/null")
	return head && c.Name != "aria2c"
}

// schemeKnown tells whether one of a downloader's addresses says by which protocol it is
// reached, rather than a variable that only the run knows.
func schemeKnown(c *shell.Call) bool {
	return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
		for _, text := range []string{w.Value, w.Text} {
			switch scheme, _, _ := strings.Cut(text, "://"); strings.Trim(scheme, `"'`) {
			case "http", "https", "ftp", "ftps":
				return true
			}
		}
		return false
	})
}

// withoutTLS tells whether all addresses of a downloader are without TLS, so that
// there is nothing to verify.
func withoutTLS(c *shell.Call) bool {
	plain := false
	for _, w := range c.Args {
		if scheme, _, ok := strings.Cut(cmp.Or(w.Value, w.Text), "://"); ok {
			if strings.Trim(scheme, `"'`) != "http" {
				return false
			}
			plain = true
		}
	}
	return plain
}
