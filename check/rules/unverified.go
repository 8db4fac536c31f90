package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// guard is a check that is made of what comes over the network.
type guard string

const (
	// answers is the check of who answers, by a certificate.
	answers guard = "answers"
	// signatures is the check of who made a package, by a key.
	signatures guard = "signatures"
)

// words say what it means that a text turns the check off.
func (g guard) words(by string) string {
	if g == signatures {
		return fmt.Sprintf("%s takes packages that no key vouches for: anybody on the way can change what arrives; install the archive's key, and leave this out", by)
	}
	return fmt.Sprintf("%s turns off the check of who answers: anybody on the way can change what arrives; install ca-certificates, or name the authority's certificate", by)
}

// unverified is the word of a command that turns a check off, and which; "" where
// none does.
func unverified(c *shell.Call) (shell.Word, guard) {
	if c.Is(programs.Apt) {
		if w, ok := check.HasFlag(c, 0, "", "--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories", "--allow-downgrade-to-insecure-repositories"); ok && !denied(w) {
			return w, signatures
		}
	}
	var w shell.Word
	ok, what := false, answers
	flags := func(letter byte, valued string, long ...string) { w, ok = check.HasFlag(c, letter, valued, long...) }
	switch name := c.Name; name {
	case "curl":
		flags('k', curlValued, "--insecure", "--proxy-insecure", "--doh-insecure")
	case "axel":
		flags('k', "snoHUNTl", "--insecure")
	case "wget", "aria2c":
		flags(0, "", "--no-check-certificate")
		if !ok {
			w, ok = set(c, "--check-certificate")
		}
	case "pip", "pip3", "uv", "pipx", "python", "python3":
		flags(0, "", "--trusted-host", "--allow-insecure-host")
		if ok && (isOwnHost(valueOf(c, w)) || strings.HasPrefix(name, "python") && !c.HasArg("pip")) {
			ok = false
		}
	case "npm", "yarn", "pnpm":
		flags(0, "", "--no-strict-ssl")
		if !ok {
			w, ok = set(c, "--strict-ssl")
		}
	case "skopeo", "podman", "buildah":
		w, ok = set(c, "--tls-verify")
	case "helm", "kubectl":
		flags(0, "", "--insecure-skip-tls-verify")
		ok = ok && !denied(w)
	case "svn":
		flags(0, "", "--trust-server-cert", "--trust-server-cert-failures")
	case "hg":
		flags(0, "", "--insecure")
	case "apk":
		what = signatures
		flags(0, "", "--allow-untrusted")
	case "zypper":
		what = signatures
		letter := byte('G')
		if !slices.Contains([]string{"addrepo", "ar", "modifyrepo", "mr"}, c.Verb()) {
			letter = 0
		}
		flags(letter, "pnctarB", "--no-gpg-checks", "--no-gpgcheck", "--gpgcheck-allow-unsigned", "--gpgcheck-allow-unsigned-package", "--allow-unsigned-rpm")
	case "debootstrap", "mmdebstrap":
		what = signatures
		flags(0, "", "--no-check-gpg")
	case "rpm":
		what = signatures
		flags(0, "", "--nosignature")
	default:
		if programs.Manager(name) == "dnf" || strings.HasPrefix(name, "yum") {
			what = signatures
			flags(0, "", "--nogpgcheck", "--nogpg", "--no-gpgchecks")
		}
	}
	if ok {
		return w, what
	}
	return givenSetting(c)
}

// set is the word of an option that is given a value that says no: --option=false,
// or --option false.
func set(c *shell.Call, option string) (shell.Word, bool) {
	w, ok := check.HasFlag(c, 0, "", option)
	return w, ok && saysNo(valueOf(c, w))
}

// denied tells whether an option is given a value that takes it back.
func denied(w shell.Word) bool {
	_, value, ok := strings.Cut(w.Value, "=")
	return ok && saysNo(value)
}

// valueOf is the value of an option: what follows its =, or the next word.
func valueOf(c *shell.Call, option shell.Word) string {
	if _, value, ok := strings.Cut(option.Value, "="); ok {
		return value
	}
	i := slices.IndexFunc(c.Args, func(w shell.Word) bool { return w.Pos == option.Pos })
	if i < 0 || i+1 == len(c.Args) {
		return ""
	}
	return c.Args[i+1].Value
}

// isOwnHost tells whether a host is the container itself.
func isOwnHost(host string) bool { return isLocal(host) && !strings.HasPrefix(host, "*") }

// saysNo tells whether a value of a setting turns it off.
func saysNo(value string) bool {
	switch strings.ToLower(strings.Trim(value, "\"';")) {
	case "0", "false", "no", "off", "never", "none", "quiet":
		return true
	}
	return false
}

// saysYes tells whether a value of a setting turns it on.
func saysYes(value string) bool {
	switch strings.ToLower(strings.Trim(value, "\"';")) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

// givenSetting is the word of a command that gives a program a setting which turns a
// check off: an option of apt or dnf, `git -c`, `npm config set`.
func givenSetting(c *shell.Call) (shell.Word, guard) {
	var kind string
	switch name := c.Name; {
	case c.Is(programs.Apt):
		kind = aptSettings
	case programs.Manager(name) == "dnf" || strings.HasPrefix(name, "yum"):
		kind = yumSettings
	case name == "git":
		kind = gitSettings
	case name == "npm" || name == "yarn" || name == "pnpm":
		kind = npmSettings
	case name == "pip" || name == "pip3":
		kind = pipSettings
	case name == "conda" || name == "mamba" || name == "micromamba":
		kind = condaSettings
	case name == "composer":
		kind = composerSettings
	case name == "bundle" || name == "gem":
		kind = gemSettings
	default:
		return shell.Word{}, ""
	}
	configures := c.HasArg("config", "config-manager", "set") || c.Name == "yum-config-manager"
	for i, w := range c.Args {
		text := w.Value
		for _, option := range []string{"--setopt=", "--option=", "-o"} {
			text = strings.TrimPrefix(text, option)
		}
		if what := settingOff(kind, text); what != "" {
			return w, what
		}
		if configures && i+1 < len(c.Args) {
			if what := settingOff(kind, w.Value+"="+c.Args[i+1].Value); what != "" {
				return w, what
			}
		}
	}
	return shell.Word{}, ""
}

// onlyFiles tells whether a package manager is given nothing but files that are
// there already.
func onlyFiles(c *shell.Call) bool {
	files := 0
	for _, w := range check.Operands(c, "-X", "--repository", "-t", "--virtual", "-o", "--option", "-p", "--root", "--installroot") {
		switch path.Ext(strings.TrimSuffix(w.Value, "*")) {
		case ".apk", ".rpm", ".deb":
			if strings.Contains(w.Value, "://") {
				return false
			}
			files++
		default:
			if files > 0 || w.Value != c.Verb() {
				return false
			}
		}
	}
	return files > 0
}

// disablesVerification tells whether a variable with a value turns the check of who
// answers off.
func disablesVerification(name, value string) bool {
	switch strings.ToUpper(name) {
	case "GIT_SSL_NO_VERIFY":
		return value != "" && value != "0" && value != "false"
	case "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY", "PERL_LWP_SSL_VERIFY_HOSTNAME", "BUNDLE_SSL_VERIFY_MODE":
		return value == "0"
	case "NPM_CONFIG_STRICT_SSL", "YARN_ENABLE_STRICT_SSL", "CONDA_SSL_VERIFY", "MAMBA_SSL_VERIFY":
		return saysNo(value)
	case "PIP_TRUSTED_HOST", "UV_INSECURE_HOST", "GOINSECURE":
		return value != "" && !isOwnHost(value)
	}
	return false
}
