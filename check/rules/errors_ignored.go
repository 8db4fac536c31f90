package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func errorsIgnored() check.Rule {
	return check.Rule{
		Name:        "ErrorsIgnored",
		Severity:    check.Warning,
		Description: "A setup script stops at the first command that fails.",
		Check:       checkErrorsIgnored,
		Dockerfile:  checkErrorsIgnored,
	}
}

func checkErrorsIgnored(p *check.Pass) {
	for _, u := range p.Setup {
		main := u.Program.Main
		if !main.Shell || stopsAtErrors(u) || len(main.Calls) < 2 || !makesImage(u) {
			continue
		}
		c := passedOver(main)
		switch {
		case c == nil:
		case !p.Inline(main):
			p.At(main.Path, check.Span(shell.Pos{Line: 1, Column: 1}, shell.Pos{}), "a command that fails is passed over, and the build goes on with half of an image; begin with `set -eu`")
		case !p.Input.Dockerfile.Errexit[u.Node.Path]:
			p.Call(main, c, "a failure of %s is passed over, since other commands follow it: the build goes on with half of an image; join them by &&, or begin with `set -eux;`", c.Name)
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
func stopsAtErrors(u *check.Unit) bool {
	if slices.ContainsFunc(u.Program.Main.Shebang.Args, func(a string) bool { return strings.HasPrefix(a, "-") && strings.Contains(a, "e") }) {
		return true
	}
	for _, c := range u.Calls() {
		if c.Name == "set" {
			if _, ok := check.HasFlag(c, 'e', "o"); ok || c.HasArg("errexit") {
				return true
			}
		}
		if c.Name == "trap" && c.HasArg("ERR") && len(c.Args) > 0 && exits(u, c.Args[0].Value) {
			return true
		}
	}
	return false
}

// exits tells whether the command of a trap ends the script, itself or by a
// function that it calls.
func exits(u *check.Unit, command string) bool {
	names := words(command)
	if slices.Contains(names, "exit") {
		return true
	}
	for _, c := range u.Calls() {
		if c.Name == "exit" && slices.Contains(names, c.Func) {
			return true
		}
	}
	return false
}

// makesImage tells whether a program makes a part of the image, rather than
// only answer another one.
func makesImage(u *check.Unit) bool {
	for _, c := range u.Calls() {
		if changesImage(c) {
			return true
		}
	}
	return false
}

// changesImage tells whether a command makes a part of the image.
func changesImage(c *shell.Call) bool {
	return installs(c) || check.IsDownloader(c) || c.Name == "tar" || c.Name == "unzip" || c.Name == "dpkg" || c.Name == "rpm"
}
