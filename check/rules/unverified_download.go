package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func unverifiedDownload() check.Rule {
	return check.Rule{
		Name:        "UnverifiedDownload",
		Severity:    check.Warning,
		Description: "A file from the network is compared with a checksum or signature that does not come along with it.",
		Check:       checkUnverifiedDownload,
		Dockerfile:  checkUnverifiedDownload,
	}
}

func checkUnverifiedDownload(p *check.Pass) {
	for _, u := range p.Setup {
		if verifies(u) {
			continue
		}
		for s, c := range u.Calls() {
			if check.IsDownloader(c) && slices.ContainsFunc(remoteURLs(c), isUnproven) && !isQuestion(c) && !takesNothing(c) {
				p.MayCall(s, c, "nothing in this script compares what %s downloads with a checksum: it may be another file tomorrow; add `echo \"$SHA256  FILE\" | sha256sum --check`%s", c.Name, declared(p, "a url and its checksum"))
			}
		}
	}
}

// verifies tells whether a program checks files at all. Which ones cannot be
// told apart, so one check speaks for all.
func verifies(u *check.Unit) bool {
	for _, c := range u.Calls() {
		switch c.Name {
		case "sha256sum", "sha512sum", "sha384sum", "sha1sum", "md5sum", "shasum", "b2sum", "gpg", "gpgv", "gpgv2", "sqv", "cosign", "minisign", "signify", "rhash", "rpmkeys", "debsig-verify":
			return true
		case "rpm":
			if c.HasArg("-K", "--checksig", "-Kv") {
				return true
			}
		case "openssl":
			return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Is("dgst") || w.Is("cms") || w.Is("smime") })
		}
	}
	return false
}

// isUnproven tells whether an address says nothing of the content: it names no
// commit, and no key or signature, with which others are checked.
func isUnproven(w shell.Word) bool {
	upper := strings.ToUpper(w.Text)
	if strings.Contains(upper, "COMMIT}") || strings.Contains(upper, "_COMMIT") || strings.Contains(upper, "_SHA") || slices.ContainsFunc(strings.FieldsFunc(w.Value, func(r rune) bool { return r == '/' || r == '.' || r == '-' }), isCommit) {
		return false
	}
	base := strings.ToLower(path.Base(strings.TrimSuffix(w.Value, `"`)))
	switch path.Ext(base) {
	case ".asc", ".gpg", ".sig", ".key", ".pub", ".md5", ".sha1", ".sha256", ".sha512", ".sha256sum":
		return false
	}
	return !strings.Contains(base, "gpg-key") && !strings.Contains(base, "gpgkey") && !isLegal(base)
}

// isCommit tells whether a word is the name of a commit.
func isCommit(word string) bool {
	return len(word) == 40 && strings.Trim(word, "0123456789abcdef") == ""
}

// isQuestion tells whether a command only asks a service something: its answer
// becomes a value of the script, and no file.
func isQuestion(c *shell.Call) bool {
	if c.Subst.Kind != shell.SubstCommand {
		return false
	}
	_, file := check.HasFlag(c, 'o', "", "--output", "-O", "--remote-name", "--output-document")
	return !file || c.HasArg("-O-", "-qO-", "-")
}

// declared offers a build file's declaration in the place of what a script does.
func declared(p *check.Pass, what string) string {
	return p.Advice(", or declare it under setup.sources, with "+what, "")
}
