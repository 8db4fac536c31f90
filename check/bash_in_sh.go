package check

import (
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func bashInSh() Rule {
	return Rule{
		Name:        "BashInSh",
		Severity:    Warning,
		Description: "A script that needs bash says so in its first line.",
		check:       checkBashInSh,
		dockerfile:  checkBashInSh,
	}
}

func checkBashInSh(p *pass) {
	if p.replacesSh() {
		return
	}
	for u := range p.units() {
		for _, s := range u.scripts {
			b, name := p.bashism(u, s)
			if b == nil {
				continue
			}
			feature, _, _ := strings.Cut(b.Msg, ":")
			if p.inline(s) {
				p.at(s.Path, span(b.Pos, b.Pos), "%s: %s, which is the sh that runs this line, does not have this; name another shell: SHELL [\"/bin/bash\", \"-c\"]", feature, name)
				continue
			}
			p.at(s.Path, span(b.Pos, b.Pos), "%s: %s, which is the sh that the first line asks for, does not have this; write #!/bin/bash", feature, name)
			if line := s.Shebang.Line; name == "dash" && strings.HasPrefix(line, "#!/bin/sh") { // where ash is sh, bash may not be there
				p.fix(spec.Range{Start: spec.Position{Line: 1, Column: 1}, End: spec.Position{Line: 1, Column: len("#!/bin/sh")}}, "#!/bin/bash")
			}
		}
	}
}

// bashism is what the sh that a script runs in does not have, with the shell's
// name. A file that is sourced is read by the shell of the script that does.
func (p *pass) bashism(u *unit, s *shell.Script) (*shell.SyntaxError, string) {
	if main := u.program.Main; s != main && main.Bashism == nil && main.Dialect == "bash" {
		return nil, ""
	}
	d := p.distribution()
	if u.node != nil {
		d = p.distributionOf(u)
	}
	switch d.sh() {
	case "dash":
		return s.Bashism, "dash"
	case "ash":
		return s.BeyondAsh, "busybox's ash"
	}
	return nil, ""
}
