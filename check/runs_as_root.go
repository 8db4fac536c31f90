package check

import (
	"slices"
	"strings"
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
	if p.inherits() {
		return
	}
	switch name, _, _ := strings.Cut(p.in.Graph.Image.User, ":"); name {
	case "", "0", "root":
	default:
		return
	}
	for _, c := range p.entrypointCalls() {
		if c.User != "" || slices.Contains([]string{"gosu", "su-exec", "setpriv", "runuser", "su", "chpst"}, c.Name) {
			return
		}
		for _, w := range c.Wrappers {
			if slices.Contains([]string{"gosu", "su-exec", "setpriv", "runuser", "su", "chpst", "sudo"}, w.Name) {
				return
			}
		}
	}
	p.mayFile(p.in.File.Base.At, "nothing sets a user, so the container may run as root, which PostgreSQL refuses; add %s", p.how("`user: {name: postgres, uid: 999}`", "USER"))
}
