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
		if !main.Shell || stopsAtErrors(u) || len(main.Calls) < 2 || !u.changesImage() {
			continue
		}
		c := passedOver(main)
		switch {
		case c == nil:
		case !p.inline(main):
			p.at(main.Path, span(shell.Pos{Line: 1, Column: 1}, shell.Pos{}), "a command that fails is passed over, and the build goes on with half of an image; begin with `set -eu`")
		case !p.in.dockerfile.errexit[u.node.Path]:
			p.call(main, c, "a failure of %s is passed over, since other commands follow it: the build goes on with half of an image; join them by &&, or begin with `set -eux;`", c.Name)
		}
	}
}

// passedOver is a command that makes a part of the image and is in no script's
// last statement, so that nobody asks how it ended; nil for none.
func passedOver(s *shell.Script) *shell.Call {
	asked, last := "", shell.Pos{}
	for _, c := range s.Calls {
		conditions := slices.DeleteFunc(slices.Clone(c.Guards), shell.Guard.IsLoop)
		if c.Func == "" && c.Subst.Kind == shell.SubstNone && len(conditions) == 0 && c.Pipe.Stage == 0 && last.Before(c.Pos) {
			last = c.Pos
		}
		if c.Name == "exit" || c.Name == "return" || c.Name == "false" {
			for _, g := range conditions {
				asked += g.Text + "\n"
			}
		}
	}
	for _, c := range s.Calls {
		if changesImage(c) && c.Name != "" && !c.Unreached && c.Pos.Before(last) && !strings.Contains(asked, c.Command.Text) {
			return c
		}
	}
	return nil
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
		if c.Name == "trap" && c.HasArg("ERR") && len(c.Args) > 0 && u.exits(c.Args[0].Value) {
			return true
		}
	}
	return false
}

// exits tells whether the command of a trap ends the script, itself or by a
// function that it calls.
func (u *unit) exits(command string) bool {
	names := words(command)
	if slices.Contains(names, "exit") {
		return true
	}
	for _, c := range u.calls() {
		if c.Name == "exit" && slices.Contains(names, c.Func) {
			return true
		}
	}
	return false
}

// changesImage tells whether a program makes a part of the image, rather than
// only answer another one.
func (u *unit) changesImage() bool {
	for _, c := range u.calls() {
		if changesImage(c) {
			return true
		}
	}
	return false
}

// changesImage tells whether a command makes a part of the image.
func changesImage(c *shell.Call) bool {
	return installs(c) || isDownloader(c) || c.Name == "tar" || c.Name == "unzip" || c.Name == "dpkg" || c.Name == "rpm"
}
