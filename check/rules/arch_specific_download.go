package rules

import (
	"bytes"
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func archSpecificDownload() check.Rule {
	return check.Rule{
		Name:        "ArchSpecificDownload",
		Severity:    check.Warning,
		Description: "What is downloaded fits every platform that the image is built for.",
		Check:       checkArchSpecificDownload,
		Dockerfile:  checkArchSpecificDownload,
	}
}

func checkArchSpecificDownload(p *check.Pass) {
	if forOnePlatform(p) || !caresForPlatforms(p) {
		return
	}
	for _, u := range p.Setup {
		for s, c := range u.Calls() {
			if !check.IsDownloader(c) || isQuestion(c) || isSearched(u, c) || slices.ContainsFunc(c.Guards, asksArch) {
				continue
			}
			for _, w := range remoteURLs(c) {
				arch := fixedArch(u, w.Text, 0)
				switch {
				case arch == "" || forAll(w.Text):
				case namesFile(w.Text):
					p.Word(s, w, "the address says %s, so an image for another platform gets programs that cannot run; use $TARGETARCH, or a case over it", arch)
				default: // of a folder by that name, any file
					p.MayCall(s, c, "the address says %s, so an image for another platform may get programs that cannot run; use $TARGETARCH, or a case over it", arch)
				}
			}
		}
	}
}

// fixedArch is the architecture that a word names in so many letters, itself
// or through a variable that is set once and for all. The word's value cannot
// tell: it has been made for the platform of this check.
func fixedArch(u *check.Unit, text string, depth int) string {
	if asksForArch(text) {
		return ""
	}
	for _, arch := range archNames() {
		if hasToken(text, arch) {
			return arch
		}
	}
	if depth == 3 || !strings.Contains(text, "$") {
		return ""
	}
	found := ""
	for _, a := range u.Assigns() {
		if a.Name == "" || !refersTo(text, a.Name) {
			continue
		}
		if slices.ContainsFunc(a.Guards, asksArch) || asksForArch(a.Value.Text) {
			return "" // it depends
		}
		found = cmp.Or(found, fixedArch(u, a.Value.Text, depth+1))
	}
	return found
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
	text := strings.TrimSpace(strings.ToLower(g.Text))
	if (g.Kind == shell.GuardAnd || g.Kind == shell.GuardOr) && !strings.HasPrefix(text, "[") && !strings.HasPrefix(text, "test ") {
		return false // what came before it, whatever it speaks of
	}
	return strings.Contains(text, "arch") || strings.Contains(text, "uname") || strings.Contains(text, "machine") || strings.Contains(text, "platform") ||
		strings.Contains(text, "amd64") || strings.Contains(text, "x86_64")
}

// forAll tells whether an address is of something that runs on any processor,
// wherever it is kept.
func forAll(text string) bool {
	base := strings.ToLower(text[strings.LastIndex(text, "/")+1:])
	return strings.Contains(base, "noarch") || strings.Contains(base, "_all.deb") || strings.Contains(base, "gpg") || strings.Contains(base, ".asc") || strings.Contains(base, ".sig") || strings.Contains(base, "-release")
}

// isSearched tells whether what a command writes goes to one that looks for words
// in it: a list, and no program.
func isSearched(u *check.Unit, c *shell.Call) bool {
	for _, next := range u.Calls() {
		if c.Pipe.Stages > 1 && next.Pipe.Pos == c.Pipe.Pos && next.Pipe.Stage == c.Pipe.Stage+1 {
			return slices.Contains([]string{"grep", "egrep", "sed", "awk", "jq", "cut", "head", "tail", "sort"}, next.Name)
		}
	}
	return false
}

// namesFile tells whether an address says which file it is of, and not only where
// it is kept.
func namesFile(text string) bool {
	base := strings.Trim(text[strings.LastIndex(text, "/")+1:], `"'`)
	return strings.Trim(base, "$}") != "" && (!strings.HasPrefix(base, "$") || strings.Contains(base, "."))
}

// archNames are how processors are called in the names of files.
func archNames() []string {
	return []string{"x86_64", "amd64", "x86-64", "x64", "aarch64", "arm64", "ppc64le", "s390x", "riscv64"}
}

// asksForArch tells whether a text computes the architecture.
func asksForArch(text string) bool {
	return slices.ContainsFunc([]string{"uname", "$(arch", "`arch", "print-architecture", "print-arch", "TARGETARCH", "TARGETPLATFORM", "--eval"}, func(s string) bool {
		return strings.Contains(text, s)
	})
}

// refersTo tells whether a text expands a variable.
func refersTo(text, name string) bool {
	for rest := text; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		end := i + len(name)
		before := strings.TrimSuffix(rest[:i], "{")
		if strings.HasSuffix(before, "$") && (end == len(rest) || !isAlphanumeric(rest[end]) && rest[end] != '_') {
			return true
		}
		rest = rest[end:]
	}
}

// forOnePlatform tells whether the file is made for one platform: it says so
// itself, by its name or the platform of its base, or has a sibling for another.
func forOnePlatform(p *check.Pass) bool {
	namesArch := func(s string) bool {
		return slices.ContainsFunc(archNames(), func(arch string) bool { return hasToken(s, arch) })
	}
	d := p.Input.Dockerfile
	if d == nil {
		return false
	}
	if namesArch(p.Input.Graph.File) || slices.ContainsFunc(d.Platforms, namesArch) {
		return true
	}
	names, _ := fs.Glob(p.Input.Context, "*") // the pattern is a good one
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.Contains(strings.ToLower(name), "dockerfile") && namesArch(name)
	})
}

// caresForPlatforms tells whether anything of setup asks for the platform: else
// nobody says that the image is built for more than one.
func caresForPlatforms(p *check.Pass) bool {
	asks := func(text []byte) bool {
		return slices.ContainsFunc([]string{"BUILDPLATFORM", "TARGETARCH", "TARGETPLATFORM", "uname -m", "print-architecture", "$(arch", "`arch"}, func(s string) bool {
			return bytes.Contains(text, []byte(s))
		})
	}
	return asks(p.Input.Text) || slices.ContainsFunc(p.Setup, func(u *check.Unit) bool {
		return slices.ContainsFunc(u.Scripts, func(s *shell.Script) bool { return asks(p.Text(s.Path)) })
	})
}
