package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// curlValued are curl's short options that take a value; wget's differ in
// none that matters here.
const curlValued = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"

// remoteURLs are the addresses that a downloader is given, but for those of
// the container itself.
func remoteURLs(c *shell.Call) []shell.Word {
	var out []shell.Word
	for _, w := range c.Args {
		if _, rest, ok := strings.Cut(w.Value, "://"); ok && !isLocal(rest) {
			out = append(out, w)
		}
	}
	return out
}

// wordWith is the first word of a command that has one of some texts in it.
func wordWith(c *shell.Call, parts ...string) (shell.Word, bool) {
	for _, w := range c.Args {
		for _, part := range parts {
			if strings.Contains(w.Value, part) {
				return w, true
			}
		}
	}
	return shell.Word{}, false
}

// isLocal tells whether what follows a URL's scheme names the machine itself,
// or somebody that only running time knows.
func isLocal(rest string) bool {
	host, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = host[i+1:]
	}
	for _, local := range []string{"localhost", "127.", "[::1]", "0.0.0.0", "*"} {
		if strings.HasPrefix(host, local) {
			return true
		}
	}
	return false
}

// isInterpreter tells whether a command runs the program text that it reads.
func isInterpreter(name string) bool { return programs.Is(name, programs.ReadsProgram) }

// isLiteral tells whether a word is written out, with nothing to expand in it.
func isLiteral(w shell.Word) bool {
	return w.Known && w.Value != "" && !strings.ContainsAny(w.Text, "$`")
}

// secretName tells whether a variable or key with this name holds a secret.
// Its last words decide: POSTGRES_PASSWORD does, PASSWORD_ENCRYPTION and
// PASSWORD_FILE do not.
func secretName(name string) bool {
	parts := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	if len(parts) == 0 {
		return false
	}
	last, before := parts[len(parts)-1], ""
	if len(parts) > 1 {
		before = parts[len(parts)-2]
	}
	switch last {
	case "PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "SECRET", "TOKEN", "CREDENTIAL", "CREDENTIALS", "APIKEY", "PGPASSWORD", "PWORD":
		return true
	case "KEY":
		return slices.Contains([]string{"API", "ACCESS", "PRIVATE", "SECRET", "ENCRYPTION", "SIGNING"}, before)
	}
	return false
}

// isPlaceholder tells whether a value only stands for a secret.
func isPlaceholder(v string) bool {
	v = strings.Trim(v, `"' `)
	switch strings.ToLower(v) {
	case "", "true", "false", "null", "~", "none", "no", "yes", "scram-sha-256", "md5", "on", "off", "write", "read", "admin", "changeme", "change-me", "change_me", "changeit",
		"password", "passwd", "secret", "token", "example", "dummy", "placeholder", "redacted", "todo", "fixme", "undefined", "optional", "required", "string", "str":
		return true
	}
	lower := strings.ToLower(v)
	for _, start := range []string{"your", "my-", "changeme", "example", "not-", "not_", "wrong", "invalid", "incorrect", "fake", "replace", "insert", "env:", "file:", "vault:", "secret:", "!"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	if strings.HasPrefix(v, "@") && strings.HasSuffix(v, "@") || strings.HasPrefix(v, "__") && strings.HasSuffix(v, "__") || strings.Contains(strings.NewReplacer("-", "", "_", "").Replace(lower), "changeme") {
		return true
	}
	return strings.ContainsAny(v, "$%<{`") || strings.HasPrefix(v, "/") || strings.Trim(v, "*xX.-_") == "" || strings.Trim(v, "0-") == ""
}

// isNoSecret tells whether a value cannot be a secret, whatever its name says: a
// number as flags and counters have it, an expression of a program, a path, the
// name of a secret.
func isNoSecret(v string) bool {
	v = strings.Trim(v, `"' `)
	if lower := strings.ToLower(v); strings.Contains(lower, "_") && strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz_") == "" && (secretName(v) || strings.HasSuffix(lower, "_key")) {
		return true // the name of one: app_password
	}
	digits := strings.Trim(v, "0123456789") == ""
	return digits && len(v) < 4 || strings.ContainsAny(v, "()[]") || strings.ContainsAny(v, " ,;") || strings.HasPrefix(v, "./")
}

// isPrivateKey tells whether a line begins a private key.
func isPrivateKey(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "-----BEGIN ") && strings.HasSuffix(line, "PRIVATE KEY-----")
}

// isCommentLine tells whether a line of a configuration file says nothing.
func isCommentLine(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") || strings.HasPrefix(line, "//")
}

// words are the words of a shell's text, without what joins and quotes them.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\"'`()[]{};&|<>", r) })
}

// keyValue takes a line of a configuration file apart: `key = value`,
// `key: value`, `- key: value`.
func keyValue(line string) (key, value string, ok bool) {
	i := strings.IndexAny(line, "=:")
	if i < 0 {
		return "", "", false
	}
	key = strings.Trim(strings.TrimPrefix(strings.TrimSpace(line[:i]), "- "), ` "'`)
	value = strings.TrimSpace(line[i+1:])
	if comment := strings.Index(value, " #"); comment >= 0 {
		value = strings.TrimSpace(value[:comment])
	}
	return key, strings.Trim(value, `"',`), key != "" && !strings.ContainsAny(key, " #\t/")
}
