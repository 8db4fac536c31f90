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
		if !main.Shell || p.inline(main) || stopsAtErrors(u) || len(main.Calls) < 2 || !u.changesImage() {
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

// changesImage tells whether a program makes a part of the image, rather than
// only answer another one.
func (u *unit) changesImage() bool {
	for _, c := range u.calls() {
		if installs(c) || isDownloader(c) || c.Name == "tar" || c.Name == "unzip" || c.Name == "dpkg" || c.Name == "rpm" {
			return true
		}
	}
	return false
}
