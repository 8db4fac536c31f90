package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

func archSpecificDownload() Rule {
	return Rule{
		Name:        "ArchSpecificDownload",
		Severity:    Warning,
		Description: "What is downloaded fits every platform that the image is built for.",
		check:       checkArchSpecificDownload,
		dockerfile:  checkArchSpecificDownload,
	}
}

func checkArchSpecificDownload(p *pass) {
	for _, u := range p.setup {
		for s, c := range u.calls() {
			if !isDownloader(c) || slices.ContainsFunc(c.Guards, asksArch) {
				continue
			}
			for _, w := range remoteURLs(c) {
				if arch := u.fixedArch(w.Text, 0); arch != "" {
					p.word(s, w, "the address says %s, so an image for another platform gets programs that cannot run; use $TARGETARCH, or a case over it", arch)
				}
			}
		}
	}
}

// fixedArch is the architecture that a word names in so many letters, itself
// or through a variable that is set once and for all. The word's value cannot
// tell: it has been made for the platform of this check.
func (u *unit) fixedArch(text string, depth int) string {
	for _, arch := range []string{"x86_64", "amd64", "x86-64", "x64", "aarch64", "arm64", "ppc64le", "s390x", "riscv64"} {
		if hasToken(text, arch) {
			return arch
		}
	}
	if depth == 3 || !strings.Contains(text, "$") {
		return ""
	}
	for _, a := range u.assigns() {
		if a.Name == "" || slices.ContainsFunc(a.Guards, asksArch) ||
			!strings.Contains(text, "$"+a.Name) && !strings.Contains(text, "${"+a.Name) {
			continue
		}
		if arch := u.fixedArch(a.Value.Text, depth+1); arch != "" {
			return arch
		}
	}
	return ""
}

// hasToken tells whether a name occurs and is no part of a longer word.
func hasToken(s, token string) bool {
	for rest := s; ; {
		i := strings.Index(rest, token)
		if i < 0 {
			return false
		}
		end := i + len(token)
		if (i == 0 || !isAlphanumeric(rest[i-1])) && (end == len(rest) || !isAlphanumeric(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

func isAlphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// asksArch tells whether a condition is about the architecture.
func asksArch(g shell.Guard) bool {
	if g.IsLoop() {
		return false
	}
	text := strings.ToLower(g.Text)
	return strings.Contains(text, "arch") || strings.Contains(text, "uname") || strings.Contains(text, "machine") || strings.Contains(text, "platform") ||
		strings.Contains(text, "amd64") || strings.Contains(text, "x86_64")
}
