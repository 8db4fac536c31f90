package rules

import (
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func secretInScript() check.Rule {
	return check.Rule{
		Name:        "SecretInScript",
		Severity:    check.Warning,
		Description: "No script or configuration file holds a password or private key.",
		Check:       checkSecretInScript,
		Dockerfile:  checkSecretInScript,
	}
}

const secretAdvice = "whoever has the repository or the image has it too; read it from a build secret in setup, from a mounted file in a container"

func checkSecretInScript(p *check.Pass) {
	for u := range p.Units() {
		for s, a := range u.Assigns() {
			if secretName(a.Name) && !a.Append && isLiteral(a.Value) && !isPlaceholder(a.Value.Value) && !isNoSecret(a.Value.Value) {
				p.At(s.Path, check.Span(a.Pos, a.End), "%s is written out here: %s", a.Name, secretAdvice)
			}
		}
		for s, c := range u.Calls() {
			for i := range c.Args {
				if what := secretArgument(c, i); what != "" {
					p.Word(s, c.Args[i], "%s is written out here: %s", what, secretAdvice)
				}
			}
		}
	}
	seen := map[string]bool{}
	key := func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for number, line := range check.TextLines(p.Text(name)) {
			if isPrivateKey(line) {
				at := spec.Position{Line: number, Column: 1}
				p.At(name, spec.Range{Start: at, End: spec.Position{Line: number, Column: len(line)}}, "a private key is written out here: %s", secretAdvice)
			}
		}
	}
	for _, u := range p.Setup {
		for _, in := range u.Node.Inputs {
			if !in.Dir {
				key(in.Path)
			}
		}
	}
	for f := range p.Input.EntrypointFiles() {
		key(f.Source)
	}
}

// secretArgument says which secret a command's argument writes out, or "".
func secretArgument(c *shell.Call, i int) string {
	w := c.Args[i]
	if !isLiteral(w) {
		return ""
	}
	if option, value, ok := strings.Cut(w.Value, "="); ok && strings.HasPrefix(option, "-") && secretName(strings.TrimLeft(option, "-")) && !isPlaceholder(value) {
		return option
	}
	if (c.Name == "curl" || c.Name == "wget") && i > 0 && (c.Args[i-1].Value == "-u" || c.Args[i-1].Value == "--user") {
		if _, password, ok := strings.Cut(w.Value, ":"); ok && !isPlaceholder(password) {
			return "a password"
		}
	}
	if _, rest, ok := strings.Cut(w.Value, "://"); ok {
		authority, _, _ := strings.Cut(rest, "/")
		if login, _, ok := strings.Cut(authority, "@"); ok {
			if _, password, ok := strings.Cut(login, ":"); ok && !isPlaceholder(password) {
				return "a password"
			}
		}
	}
	if upper := strings.ToUpper(w.Value); strings.Contains(upper, "ROLE ") || strings.Contains(upper, "USER ") {
		if _, rest, ok := strings.Cut(upper, "PASSWORD '"); ok {
			if value, _, ok := strings.Cut(rest, "'"); ok && !isPlaceholder(value) {
				return "a role's password"
			}
		}
	}
	return ""
}
