package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func bashInSh() check.Rule {
	return check.Rule{
		Name:        "BashInSh",
		Severity:    check.Warning,
		Description: "A script that needs bash says so in its first line.",
		Check:       checkBashInSh,
		Dockerfile:  checkBashInSh,
	}
}

func checkBashInSh(p *check.Pass) {
	if p.ReplacesSh() {
		return
	}
	for u := range p.Units() {
		for _, s := range u.Scripts {
			b, name := bashism(p, u, s)
			if b == nil {
				continue
			}
			if runByBash(p, u.Program.Main.Path) {
				break
			}
			feature, _, _ := strings.Cut(b.Msg, ":")
			if p.Inline(s) {
				p.At(s.Path, check.Span(b.Pos, b.Pos), "%s: %s, which is the sh that runs this line, does not have this; name another shell: SHELL [\"/bin/bash\", \"-c\"]", feature, name)
				continue
			}
			p.At(s.Path, check.Span(b.Pos, b.Pos), "%s: %s, which is the sh that the first line asks for, does not have this; write #!/bin/bash", feature, name)
			if line := s.Shebang.Line; name == "dash" && strings.HasPrefix(line, "#!/bin/sh") { // where ash is sh, bash may not be there
				p.Fix(spec.Range{Start: spec.Position{Line: 1, Column: 1}, End: spec.Position{Line: 1, Column: len("#!/bin/sh")}}, "#!/bin/bash")
			}
		}
	}
}

// runByBash tells whether something runs a script by bash, whatever its first line
// says: bash /entrypoint.sh.
func runByBash(p *check.Pass, script string) bool {
	isBash := func(word string) bool { return path.Base(word) == "bash" }
	for _, words := range [][]string{p.Input.Graph.Image.Entrypoint, p.Input.Graph.Image.Cmd} {
		if len(words) > 1 && isBash(words[0]) && slices.ContainsFunc(words[1:], func(word string) bool { return p.Targets[word].Source == script }) {
			return true
		}
	}
	for u := range p.Units() {
		if slices.ContainsFunc(u.Program.Children, func(child shell.Child) bool {
			return isBash(child.Interpreter) && (child.Path == script || p.Targets[child.Absolute].Source == script)
		}) {
			return true
		}
	}
	return false
}

// bashism is what the sh that a script runs in does not have, with the shell's
// name. A file that is sourced is read by the shell of the script that does.
func bashism(p *check.Pass, u *check.Unit, s *shell.Script) (*shell.SyntaxError, string) {
	if main := u.Program.Main; s != main && main.Bashism == nil && main.Dialect == "bash" {
		return nil, ""
	}
	d := p.Distribution()
	if u.Node != nil {
		d = p.DistributionOf(u)
	}
	switch d.Shell() {
	case "dash":
		return s.Bashism, "dash"
	case "ash":
		return s.BeyondAsh, "busybox's ash"
	}
	return nil, ""
}
