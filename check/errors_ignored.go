package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

func errorsIgnored() Rule {
	return Rule{
		Name:        "ErrorsIgnored",
		Severity:    Warning,
		Description: "A setup script stops at the first command that fails.",
		check:       checkErrorsIgnored,
		dockerfile:  checkErrorsIgnored,
	}
}

func checkErrorsIgnored(p *pass) {
	for _, u := range p.setup {
		main := u.program.Main
		if !main.Shell || p.inline(main) || stopsAtErrors(u) || len(main.Calls) < 2 {
			continue
		}
		p.at(main.Path, span(shell.Pos{Line: 1, Column: 1}, shell.Pos{}), "a command that fails is passed over, and the build goes on with half of an image; begin with `set -eu`")
	}
}

// stopsAtErrors tells whether a program sets errexit anywhere.
func stopsAtErrors(u *unit) bool {
	if slices.ContainsFunc(u.program.Main.Shebang.Args, func(a string) bool { return strings.HasPrefix(a, "-") && strings.Contains(a, "e") }) {
		return true
	}
	for _, c := range u.calls() {
		if c.Name == "set" {
			if _, ok := hasFlag(c, 'e', "o"); ok || c.HasArg("errexit") {
				return true
			}
		}
	}
	return false
}
