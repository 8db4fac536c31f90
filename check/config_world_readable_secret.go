package check

import (
	"bytes"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
)

func configWorldReadableSecret() Rule {
	return Rule{
		Name:        "ConfigWorldReadableSecret",
		Severity:    Warning,
		Description: "A configuration file that holds a secret is closed to other users.",
		check:       checkConfigWorldReadableSecret,
		dockerfile:  checkConfigWorldReadableSecret,
	}
}

func checkConfigWorldReadableSecret(p *pass) {
	for _, class := range p.in.Graph.Entrypoint {
		if class.Name != "configuration" {
			continue
		}
		for _, f := range class.Files {
			if f.Mode&0o004 == 0 || isForCI(f.Target) {
				continue
			}
			if what := p.holdsSecret(f); what != "" {
				p.file(f.At, "%s holds %s, and mode %04o lets every user of the container read it; %s, and better keep secrets out of the image", f.Target, what, f.Mode, p.how("set mode: \"0640\"", "add --chmod=0640"))
			}
		}
	}
}

// holdsSecret says what secret a configuration file holds, or "".
func (p *pass) holdsSecret(f graph.File) string {
	switch base := path.Base(f.Target); {
	case base == ".pgpass" || base == "pgpass":
		return "passwords"
	case path.Ext(base) == ".key" && len(bytes.TrimSpace(p.text(f.Source))) > 0 && !bytes.Contains(p.text(f.Source), []byte("PUBLIC KEY")):
		return "a private key"
	}
	configuration := isConfiguration(f.Target) // a program's text speaks of secrets, and holds none
	comment := false
	for _, line := range textLines(p.text(f.Source)) {
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
