package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func runsAsRoot() check.Rule {
	return check.Rule{
		Name:        "RunsAsRoot",
		Severity:    check.Warning,
		Description: "The container's process is not root, or gives that up.",
		Check:       checkRunsAsRoot,
		Dockerfile:  checkRunsAsRoot,
	}
}

func checkRunsAsRoot(p *check.Pass) {
	if inherits(p) || !hasPostgreSQL(p.Tree) {
		return
	}
	switch name, _, _ := strings.Cut(p.Input.Graph.Image.User, ":"); name {
	case "", "0", "root":
	default:
		return
	}
	if startsUnseen(p) {
		return
	}
	for _, c := range p.EntrypointCalls() {
		if c.User != "" || handsOver(p, c) || stepsDown(c.Name) || strings.HasPrefix(c.Command.Value, "/etc/init.d/") || slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return stepsDown(w.Name) }) ||
			slices.ContainsFunc(c.Args, func(w shell.Word) bool { return stepsDown(w.Value[strings.LastIndex(w.Value, "/")+1:]) }) {
			return
		}
	}
	for _, words := range [][]string{p.Input.Graph.Image.Entrypoint, p.Input.Graph.Image.Cmd} {
		for _, word := range words {
			if slices.ContainsFunc(strings.Fields(word), func(w string) bool { return stepsDown(w[strings.LastIndex(w, "/")+1:]) }) {
				return
			}
		}
	}
	p.MayFile(p.Input.File.Base.At, "nothing sets a user, so the container may run as root, which PostgreSQL refuses; add %s", p.Advice("`user: {name: postgres, uid: 999}`", "USER"))
}

// startsUnseen tells whether a container starts a script that setup makes or copies:
// whether it steps down, nobody has read.
func startsUnseen(p *check.Pass) bool {
	words := p.Input.Graph.Image.Entrypoint
	if len(words) == 0 {
		words = p.Input.Graph.Image.Cmd
	}
	for _, word := range words {
		if !strings.HasSuffix(word, ".sh") {
			continue
		}
		seen := false
		for target := range p.Targets {
			seen = seen || path.Base(target) == path.Base(word)
		}
		return !seen
	}
	return false
}

// stepsDown tells whether a program runs another one as another user.
func stepsDown(name string) bool {
	switch name {
	case "gosu", "su-exec", "setpriv", "runuser", "su", "chpst", "sudo", "doas", "capsh", "chroot", "setuidgid", "s6-setuidgid", "start-stop-daemon":
		return true
	case "supervisord", "s6-svscan", "runsvdir", "my_init", "init", "systemd", "systemctl", "service", "invoke-rc.d", "pg_ctlcluster": // each service as its own user
		return true
	}
	return false
}

// handsOver tells whether a command is the entry point that the base brings,
// which does there what it does by itself.
func handsOver(p *check.Pass, c *shell.Call) bool {
	if c.Name != "docker-entrypoint.sh" {
		return false
	}
	_, own := p.Targets[c.Command.Value]
	return !own
}
