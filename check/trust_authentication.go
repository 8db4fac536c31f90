package check

import (
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func trustAuthentication() Rule {
	return Rule{
		Name:        "TrustAuthentication",
		Severity:    Warning,
		Description: "Nobody is let into the database without a password or certificate.",
		check:       checkTrustAuthentication,
		dockerfile:  checkTrustAuthentication,
	}
}

func checkTrustAuthentication(p *pass) {
	const message = "trust lets in whoever reaches the port, as any user, superusers among them; use scram-sha-256, cert or peer"
	for f := range p.in.entrypointFiles() {
		for number, line := range textLines(p.text(f.Source)) {
			if column := trustLine(line); column > 0 {
				at := spec.Position{Line: number, Column: column}
				p.at(f.Source, spec.Range{Start: at, End: spec.Position{Line: number, Column: column + len("trust") - 1}}, message)
			}
		}
	}
	for s, c := range p.allCalls() {
		switch c.Name {
		case "initdb", "pg_ctl", "pg_createcluster", "pg_ctlcluster":
			if w, ok := trustOption(c); ok {
				p.word(s, w, message)
			}
		case "echo", "printf":
			for _, w := range c.Args {
				if trustLine(w.Value) > 0 {
					p.word(s, w, message)
				}
			}
		}
		for _, r := range c.Redirects {
			for number, line := range textLines([]byte(r.Body.Value)) {
				if trustLine(line) > 0 {
					at := spec.Position{Line: r.Body.Pos.Line + number - 1, Column: 1}
					p.at(s.Path, spec.Range{Start: at, End: at}, message)
				}
			}
		}
	}
	for _, pair := range p.in.File.Image.Env {
		if strings.HasSuffix(pair.Key.Value, "AUTH_METHOD") && pair.Value.Value == "trust" {
			p.file(pair.Value.At, message)
		}
	}
}

// trustOption is the option that makes initdb write trust into pg_hba.conf.
func trustOption(c *shell.Call) (shell.Word, bool) {
	for i, w := range c.Args {
		for _, option := range []string{"-A", "--auth", "--auth-host", "--auth-local"} {
			if w.Value == option && c.Arg(i+1) == "trust" {
				return c.Args[i+1], true
			}
			if w.Value == option+"=trust" || option == "-A" && w.Value == "-Atrust" {
				return w, true
			}
		}
	}
	return shell.Word{}, false
}

// trustLine tells whether a line is a rule of pg_hba.conf, or an entry of
// Patroni's pg_hba list, with method trust, and in which column the method is.
// Rules for the machine itself count too: in a container, that is every
// process.
func trustLine(line string) int {
	rule, _, _ := strings.Cut(line, "#")
	rule = strings.Trim(strings.TrimPrefix(strings.TrimSpace(rule), "- "), " \t\r'\"\\n")
	fields := strings.Fields(rule)
	if len(fields) < 4 || fields[len(fields)-1] != "trust" {
		return 0
	}
	switch fields[0] {
	case "local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc":
		return strings.LastIndex(line, "trust") + 1
	}
	return 0
}
