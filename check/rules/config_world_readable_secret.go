package rules

import (
	"bytes"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
)

func configWorldReadableSecret() check.Rule {
	return check.Rule{
		Name:        "ConfigWorldReadableSecret",
		Severity:    check.Warning,
		Description: "A configuration file that holds a secret is closed to other users.",
		Check:       checkConfigWorldReadableSecret,
		Dockerfile:  checkConfigWorldReadableSecret,
	}
}

func checkConfigWorldReadableSecret(p *check.Pass) {
	for _, class := range p.Input.Graph.Entrypoint {
		if class.Name != "configuration" {
			continue
		}
		for _, f := range class.Files {
			if f.Mode&0o004 == 0 || check.IsForCI(f.Target) {
				continue
			}
			if what := holdsSecret(p, f); what != "" {
				p.File(f.At, "%s holds %s, and mode %04o lets every user of the container read it; %s, and better keep secrets out of the image", f.Target, what, f.Mode, p.Advice("set mode: \"0640\"", "add --chmod=0640"))
			}
		}
	}
}

// holdsSecret says what secret a configuration file holds, or "".
func holdsSecret(p *check.Pass, f graph.File) string {
	switch base := path.Base(f.Target); {
	case base == ".pgpass" || base == "pgpass":
		return "passwords"
	case path.Ext(base) == ".key" && len(bytes.TrimSpace(p.Text(f.Source))) > 0 && !bytes.Contains(p.Text(f.Source), []byte("PUBLIC KEY")):
		return "a private key"
	}
	configuration := check.IsConfiguration(f.Target) // a program's text speaks of secrets, and holds none
	comment := false
	for _, line := range check.TextLines(p.Text(f.Source)) {
		if isPrivateKey(line) {
			return "a private key"
		}
		begins := strings.HasPrefix(strings.TrimSpace(line), "/*")
		inside := comment || begins
		comment = inside && !strings.Contains(line, "*/")
		if !configuration || inside || isCommentLine(line) {
			continue
		}
		key, value, ok := keyValue(line)
		if ok && secretName(key) && !isPlaceholder(value) && !isNoSecret(value) && !namesItself(value) {
			return "a value of " + key
		}
		if _, rest, ok := strings.Cut(value, "password="); ok {
			if word := strings.Fields(rest + " "); len(word) > 0 && !isPlaceholder(word[0]) && !isNoSecret(word[0]) {
				return "a password"
			}
		}
	}
	return ""
}

// namesItself tells whether a value is a word for a secret, such as strongPassword:
// examples and templates have it.
func namesItself(value string) bool {
	lower := strings.ToLower(value)
	return strings.Contains(lower, "password") && strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz_-") == ""
}
