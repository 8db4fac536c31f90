package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

func runsAsRoot() Rule {
	return Rule{
		Name:        "RunsAsRoot",
		Severity:    Warning,
		Description: "The container's process is not root, or gives that up.",
		check:       checkRunsAsRoot,
		dockerfile:  checkRunsAsRoot,
	}
}

func checkRunsAsRoot(p *pass) {
	if p.inherits() || !p.hasPostgreSQL() {
		return
	}
	switch name, _, _ := strings.Cut(p.in.Graph.Image.User, ":"); name {
	case "", "0", "root":
	default:
		return
	}
	for _, c := range p.entrypointCalls() {
		if c.User != "" || p.handsOver(c) || stepsDown(c.Name) || slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return stepsDown(w.Name) }) ||
			slices.ContainsFunc(c.Args, func(w shell.Word) bool { return stepsDown(w.Value[strings.LastIndex(w.Value, "/")+1:]) }) {
			return
		}
	}
	for _, words := range [][]string{p.in.Graph.Image.Entrypoint, p.in.Graph.Image.Cmd} {
		for _, word := range words {
			if slices.ContainsFunc(strings.Fields(word), func(w string) bool { return stepsDown(w[strings.LastIndex(w, "/")+1:]) }) {
				return
			}
		}
	}
	p.mayFile(p.in.File.Base.At, "nothing sets a user, so the container may run as root, which PostgreSQL refuses; add %s", p.how("`user: {name: postgres, uid: 999}`", "USER"))
}

// stepsDown tells whether a program runs another one as another user.
func stepsDown(name string) bool {
	switch name {
	case "gosu", "su-exec", "setpriv", "runuser", "su", "chpst", "sudo", "setuidgid", "s6-setuidgid", "start-stop-daemon", "supervisord":
		return true
	}
	return false
}

// handsOver tells whether a command is the entry point that the base brings,
// which does there what it does by itself.
func (p *pass) handsOver(c *shell.Call) bool {
	if c.Name != "docker-entrypoint.sh" {
		return false
	}
	_, own := p.targets[c.Command.Value]
	return !own
}
