package check

import "strings"

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
	for u := range p.units() {
		for _, s := range u.scripts {
			if b := s.Bashism; b != nil {
				feature, _, _ := strings.Cut(b.Msg, ":")
				if p.inline(s) {
					p.report(true, s.Path, span(b.Pos, b.Pos), "%s: Debian's sh, which runs this line, does not have this; name another shell: SHELL [\"/bin/bash\", \"-c\"]", feature)
					continue
				}
				p.at(s.Path, span(b.Pos, b.Pos), "%s: Debian's sh, which the first line asks for, does not have this; write #!/bin/bash", feature)
			}
		}
	}
}
