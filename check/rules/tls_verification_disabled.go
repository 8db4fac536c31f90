package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

func tlsVerificationDisabled() check.Rule {
	return check.Rule{
		Name:        "TLSVerificationDisabled",
		Severity:    check.Warning,
		Description: "Nobody between the build and a server can change what is downloaded.",
		Check:       checkTLSVerificationDisabled,
		Dockerfile:  checkTLSVerificationDisabled,
	}
}

func checkTLSVerificationDisabled(p *check.Pass) {
	for s, c := range p.AllCalls() {
		if check.IsDownloader(c) && (asksItself(c) || takesNothing(c) || withoutTLS(c)) {
			continue
		}
		w, ok := unverified(c)
		switch {
		case ok && check.Packager(c) == check.Debian && !strings.Contains(w.Value, "Verify-Peer"):
			p.Word(s, w, "%s takes packages that no key vouches for: anybody on the way can change what arrives; install the archive's key, and leave the option out", w.Text)
		case ok && check.IsDownloader(c) && !schemeKnown(c):
			p.MayCall(s, c, "%s turns off the check of who answers, if the address is one with TLS: anybody on the way may change what arrives; install ca-certificates, or name the authority's certificate", w.Text)
		case ok:
			p.Word(s, w, "%s turns off the check of who answers: anybody on the way can change what arrives; install ca-certificates, or name the authority's certificate", w.Text)
		}
	}
	for u := range p.Units() {
		for s, a := range u.Assigns() {
			if disablesVerification(a.Name, a.Value.Value) {
				p.At(s.Path, check.Span(a.Pos, a.End), "%s turns off the check of who answers: anybody on the way can change what arrives", a.Name)
			}
		}
	}
	for _, pair := range p.Input.File.Image.Env {
		if disablesVerification(pair.Key.Value, pair.Value.Value) {
			p.File(pair.Key.At, "%s turns off the check of who answers, in every container", pair.Key)
		}
	}
}

// unverified returns the word that turns verification off.
func unverified(c *shell.Call) (shell.Word, bool) {
	if c.Is(programs.Apt) {
		if w, ok := check.HasFlag(c, 0, "", "--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"); ok {
			return w, true
		}
		return wordWith(c, "Verify-Peer=false", "AllowInsecureRepositories=true", "AllowUnauthenticated=true")
	}
	switch c.Name {
	case "curl":
		return check.HasFlag(c, 'k', curlValued, "--insecure", "--proxy-insecure")
	case "wget", "aria2c":
		w, ok := check.HasFlag(c, 0, "", "--no-check-certificate", "--check-certificate")
		_, value, _ := strings.Cut(w.Value, "=")
		return w, ok && !slices.Contains([]string{"true", "on", "yes", "1", "quiet"}, value)
	case "pip", "pip3", "uv":
		return check.HasFlag(c, 0, "", "--trusted-host", "--allow-insecure-host")
	case "git":
		if w, ok := setTo(c, "http.sslverify", "false"); ok {
			return w, true
		}
		return wordWith(c, "http.sslVerify=false", "http.sslverify=false")
	case "npm", "yarn":
		if w, ok := setTo(c, "strict-ssl", "false"); ok {
			return w, true
		}
		return wordWith(c, "strict-ssl=false")
	case "echo", "printf":
		return wordWith(c, "[trusted=yes]", "trusted=yes]")
	}
	return shell.Word{}, false
}

// setTo is the word of a command `config KEY VALUE` that sets a key to a value.
func setTo(c *shell.Call, key, value string) (shell.Word, bool) {
	for i, w := range c.Args[:max(len(c.Args)-1, 0)] {
		if strings.EqualFold(w.Value, key) && c.Args[i+1].Is(value) && c.HasArg("config") {
			return w, true
		}
	}
	return shell.Word{}, false
}

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

func disablesVerification(name, value string) bool {
	switch name {
	case "GIT_SSL_NO_VERIFY":
		return value != "" && value != "0" && value != "false"
	case "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY":
		return value == "0"
	case "PIP_TRUSTED_HOST":
		return value != ""
	}
	return false
}

// asksItself tells whether all addresses of a downloader are the container's own.
func asksItself(c *shell.Call) bool {
	own := false
	for _, w := range c.Args {
		if _, rest, ok := strings.Cut(w.Value, "://"); ok {
			if !isLocal(rest) || strings.HasPrefix(rest, "*") {
				return false
			}
			own = true
		}
	}
	return own
}

// takesNothing tells whether a downloader only asks whether somebody answers: it
// keeps nothing of what arrives.
func takesNothing(c *shell.Call) bool {
	for i, w := range c.Args {
		if w.Is("/dev/null") && i > 0 && (c.Args[i-1].Is("--output") || c.Args[i-1].Is("--output-document") || strings.HasPrefix(c.Args[i-1].Value, "-") && strings.HasSuffix(strings.ToLower(c.Args[i-1].Value), "o")) {
			return true
		}
	}
	_, head := check.HasFlag(c, 'I', curlValued, "--head", "--spider", "-o/dev/null", "-O/dev/null", "--output=/dev/null")
	return head && c.Name != "aria2c"
}

// schemeKnown tells whether one of a downloader's addresses says by which protocol it is
// reached, rather than a variable that only the run knows.
func schemeKnown(c *shell.Call) bool {
	return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
		for _, text := range []string{w.Value, w.Text} {
			switch scheme, _, _ := strings.Cut(text, "://"); strings.Trim(scheme, `"'`) {
			case "http", "https", "ftp", "ftps":
				return true
			}
		}
		return false
	})
}

// withoutTLS tells whether all addresses of a downloader are without TLS, so that
// there is nothing to verify.
func withoutTLS(c *shell.Call) bool {
	plain := false
	for _, w := range c.Args {
		if scheme, _, ok := strings.Cut(cmp.Or(w.Value, w.Text), "://"); ok {
			if strings.Trim(scheme, `"'`) != "http" {
				return false
			}
			plain = true
		}
	}
	return plain
}
