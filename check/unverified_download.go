package check

import (
	"slices"

	"github.com/pgstrata/pgstrata/shell"
)

func unverifiedDownload() Rule {
	return Rule{
		Name:        "UnverifiedDownload",
		Severity:    Warning,
		Description: "A file from the network is compared with a checksum or signature that does not come along with it.",
		check:       checkUnverifiedDownload,
		dockerfile:  checkUnverifiedDownload,
	}
}

func checkUnverifiedDownload(p *pass) {
	for _, u := range p.setup {
		if u.verifies() {
			continue
		}
		for s, c := range u.calls() {
			if isDownloader(c) && len(remoteURLs(c)) > 0 {
				p.mayCall(s, c, "nothing in this script compares what %s downloads with a checksum: it may be another file tomorrow; add `echo \"$SHA256  FILE\" | sha256sum --check`", c.Name)
			}
		}
	}
}

// verifies tells whether a program checks files at all. Which ones cannot be
// told apart, so one check speaks for all.
func (u *unit) verifies() bool {
	for _, c := range u.calls() {
		switch c.Name {
		case "sha256sum", "sha512sum", "sha384sum", "sha1sum", "shasum", "b2sum", "gpg", "gpgv", "gpgv2", "sqv", "cosign", "minisign", "signify", "rhash":
			return true
		case "openssl":
			return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Is("dgst") || w.Is("cms") || w.Is("smime") })
		}
	}
	return false
}
