package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func entrypointMissingUser() Rule {
	return Rule{
		Name:        "EntrypointMissingUser",
		Severity:    Error,
		Description: "Users and groups that entrypoint scripts name have an account in the image.",
		contract:    checkEntrypointMissingUser,
	}
}

func checkEntrypointMissingUser(p *pass) {
	users, groups := p.root().names("etc/passwd"), p.root().names("etc/group")
	if len(users) == 0 { // an image without accounts: whatever runs there does not ask
		return
	}
	made := p.makesAccounts()
	for s, c := range p.entrypointCalls() {
		for _, a := range accounts(c) {
			known, what := users, "user"
			if a.group {
				known, what = groups, "group"
			}
			if !known[a.name] && !isNumber(a.name) {
				p.report(made || !s.Reaches(c), s.Path, a.at, "%s %s has no account in the built setup; create it in setup, or with `user:`", what, a.name)
			}
		}
	}
}

// makesAccounts tells whether a container makes accounts when it starts.
func (p *pass) makesAccounts() bool {
	for _, c := range p.entrypointCalls() {
		switch c.Name {
		case "useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod":
			return true
		}
	}
	return p.entrypointWrites("/etc/passwd") || p.entrypointWrites("/etc/group")
}

type account struct {
	name  string
	group bool
	at    spec.Range
}

// accounts are the users and groups that a command names.
func accounts(c *shell.Call) []account {
	var out []account
	add := func(w shell.Word, name string, group bool) {
		if isLiteral(w) && name != "" && !strings.ContainsAny(name, "*") {
			out = append(out, account{name, group, span(w.Pos, w.End)})
		}
	}
	owner := func(w shell.Word) {
		user, group, _ := strings.Cut(strings.Replace(w.Value, ".", ":", 1), ":")
		add(w, user, false)
		add(w, group, true)
	}
	if user, group, _ := strings.Cut(c.User, ":"); c.User != "" {
		at := span(c.Pos, c.End)
		out = append(out, account{user, false, at})
		if group != "" {
			out = append(out, account{group, true, at})
		}
	}
	switch c.Name {
	case "chown":
		if w := operands(c, "--from"); len(w) > 1 && !slices.ContainsFunc(c.Args, func(w shell.Word) bool { return strings.HasPrefix(w.Value, "--reference") }) {
			owner(w[0])
		}
	case "chgrp":
		if w := operands(c); len(w) > 1 {
			add(w[0], w[0].Value, true)
		}
	case "install":
		for i, w := range c.Args {
			if i+1 < len(c.Args) && (w.Value == "-o" || w.Value == "--owner" || w.Value == "-g" || w.Value == "--group") {
				add(c.Args[i+1], c.Args[i+1].Value, strings.Contains(w.Value, "g"))
			}
		}
	}
	return out
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
