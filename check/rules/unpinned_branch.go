package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func unpinnedBranch() check.Rule {
	return check.Rule{
		Name:        "UnpinnedBranch",
		Severity:    check.Warning,
		Description: "Source code comes from a tag or a commit, not from a branch that moves.",
		Check:       checkUnpinnedBranch,
		Dockerfile:  checkUnpinnedBranch,
	}
}

func checkUnpinnedBranch(p *check.Pass) {
	for _, u := range p.Setup {
		for s, c := range u.Calls() {
			switch {
			case c.Name == "git" && check.Subcommand(c, "-C", "-c") == "clone":
				clone(p, u, s, c)
			case check.IsDownloader(c):
				for _, w := range remoteURLs(c) {
					if part := movingPart(w.Value); part != "" && !isLegal(w.Value) && !asksForNewest(c) {
						p.Word(s, w, "%s names what is newest at the time: the next build may get something else; name a release", part)
					}
				}
			case slices.Contains([]string{"pip", "pip3", "uv", "npm", "go", "cargo", "gem"}, c.Name):
				for _, w := range c.Args {
					if movingPackage(w.Value) {
						p.Word(s, w, "%s is whatever is newest at the time; name a release or a commit behind @", w.Text)
					}
				}
			}
		}
	}
}

// clone judges one git clone. A checkout anywhere in the program pins it.
func clone(p *check.Pass, u *check.Unit, s *shell.Script, c *shell.Call) {
	for i, w := range c.Args {
		branch, ok := strings.CutPrefix(w.Value, "--branch=")
		if w.Value == "-b" || w.Value == "--branch" {
			branch, ok = c.Arg(i+1), true
		}
		if ok {
			if isMoving(branch) && !asksForNewest(c) {
				p.Call(s, c, "%s is a branch that moves: the next build may get something else; name a tag, or check out a commit%s", branch, declared(p, "git and a ref that the lock file pins"))
			}
			return
		}
	}
	for _, other := range u.Calls() {
		if other.Name == "git" && slices.ContainsFunc(other.Args, func(w shell.Word) bool {
			return w.Is("checkout") || w.Is("switch") || w.Is("reset") || w.Is("fetch")
		}) {
			return
		}
	}
	p.Call(s, c, "the clone is of the newest commit: the next build may get something else; name a tag with --branch, or check out a commit%s", declared(p, "git and a ref that the lock file pins"))
}

// asksForNewest tells whether a condition around a call asks whether somebody
// wants what is newest: then it is no surprise.
func asksForNewest(c *shell.Call) bool {
	return slices.ContainsFunc(c.Guards, func(g shell.Guard) bool {
		return slices.ContainsFunc(slices.Concat(words(g.Text), g.Patterns), isMoving)
	})
}

// isLegal tells whether an address is of a text that is only carried along.
func isLegal(url string) bool {
	base := strings.ToLower(path.Base(url))
	return strings.Contains(base, "license") || strings.Contains(base, "copying") || strings.Contains(base, "notice")
}

func isMoving(ref string) bool {
	switch strings.TrimPrefix(ref, "refs/heads/") {
	case "main", "master", "develop", "devel", "trunk", "HEAD", "latest", "nightly", "dev":
		return true
	}
	return false
}

// movingPart is the part of an address that names a branch, or the latest
// release.
func movingPart(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, rest, _ := strings.Cut(rest, "/")
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, ".tar")
		name = strings.TrimSuffix(name, ".zip")
		before := ""
		if i > 0 {
			before = parts[i-1]
		}
		switch {
		case i > 1 && host == "raw.githubusercontent.com" && i == 2 && isMoving(part),
			isMoving(name) && slices.Contains([]string{"archive", "heads", "tarball", "zipball", "raw", "blob"}, before),
			part == "latest" && before == "releases":
			return part
		}
	}
	return ""
}

// movingPackage tells whether a package manager is told to take what is newest.
func movingPackage(v string) bool {
	name, ref, ok := strings.Cut(strings.TrimPrefix(v, "git+ssh://git@"), "@")
	if strings.HasPrefix(v, "git+") {
		return !ok || isMoving(ref)
	}
	return ok && name != "" && isMoving(ref) && !strings.HasPrefix(v, "-")
}
