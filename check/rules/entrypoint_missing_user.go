package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func entrypointMissingUser() check.Rule {
	return check.Rule{
		Name:        "EntrypointMissingUser",
		Severity:    check.Error,
		Description: "Users and groups that entrypoint scripts name have an account in the image.",
		Contract:    checkEntrypointMissingUser,
	}
}

func checkEntrypointMissingUser(p *check.Pass) {
	users, groups := p.Root().Names("etc/passwd"), p.Root().Names("etc/group")
	if len(users) == 0 { // an image without accounts: whatever runs there does not ask
		return
	}
	made := makesAccounts(p)
	for s, c := range p.EntrypointCalls() {
		for _, a := range accounts(c) {
			known, what := users, "user"
			if a.group {
				known, what = groups, "group"
			}
			if !known[a.name] && !isNumber(a.name) {
				p.Report(made || !s.Reaches(c), s.Path, a.at, "%s %s has no account in the built setup; create it in setup, or with `user:`", what, a.name)
			}
		}
	}
}

// makesAccounts tells whether a container makes accounts when it starts.
func makesAccounts(p *check.Pass) bool {
	for _, c := range p.EntrypointCalls() {
		switch c.Name {
		case "useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod":
			return true
		}
	}
	return entrypointWrites(p.Tree, "/etc/passwd") || entrypointWrites(p.Tree, "/etc/group")
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
			out = append(out, account{name, group, check.Span(w.Pos, w.End)})
		}
	}
	owner := func(w shell.Word) {
		user, group, _ := strings.Cut(strings.Replace(w.Value, ".", ":", 1), ":")
		add(w, user, false)
		add(w, group, true)
	}
	if user, group, _ := strings.Cut(c.User, ":"); c.User != "" {
		at := check.Span(c.Pos, c.End)
		out = append(out, account{user, false, at})
		if group != "" {
			out = append(out, account{group, true, at})
		}
	}
	switch c.Name {
	case "chown":
		if w := check.Operands(c, "--from"); len(w) > 1 && !slices.ContainsFunc(c.Args, func(w shell.Word) bool { return strings.HasPrefix(w.Value, "--reference") }) {
			owner(w[0])
		}
	case "chgrp":
		if w := check.Operands(c); len(w) > 1 {
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
