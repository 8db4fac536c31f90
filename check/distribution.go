package check

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// distribution is what an image's base is, as far as rules ask: which sh, which
// package manager, which C library.
type distribution string

// The distributions whose differences matter here; "" is one that is not known.
const (
	debian distribution = "debian" // and Ubuntu
	alpine distribution = "alpine" // busybox and musl
	redHat distribution = "redhat" // RHEL and its rebuilds, Fedora, Amazon's, Oracle's
	suse   distribution = "suse"
)

// names are how an image of a distribution is called: parts of a reference that
// begin so.
func (d distribution) names() []string {
	switch d {
	case debian:
		return []string{"debian", "ubuntu", "bookworm", "bullseye", "trixie", "buster", "stretch", "noble", "jammy", "focal", "bionic", "xenial"}
	case alpine:
		return []string{"alpine"}
	case redHat:
		return []string{"rockylinux", "rocky", "almalinux", "alma", "fedora", "centos", "oraclelinux", "amazonlinux", "rhel", "ubi", "redhat"}
	case suse:
		return []string{"opensuse", "suse", "sles", "sle"}
	}
	return nil
}

// sh is the shell that /bin/sh is: dash, ash or bash; "" if not known.
func (d distribution) sh() string {
	switch d {
	case debian:
		return "dash"
	case alpine:
		return "ash"
	case redHat, suse:
		return "bash"
	}
	return ""
}

// packager is the distribution that a command installs packages of, "" for none.
func packager(c *shell.Call) distribution {
	if c.Is(programs.Apt) {
		return debian
	}
	switch c.Name {
	case "dpkg-reconfigure":
		return debian
	case "apk":
		return alpine
	case "dnf", "microdnf", "yum", "tdnf":
		return redHat
	case "zypper":
		return suse
	}
	return ""
}

// distributionOf is what a program of setup runs on.
func (t *tree) distributionOf(u *unit) distribution { return t.distributions[t.rootOf(u)] }

// distribution is that of the image itself.
func (t *tree) distribution() distribution { return t.distributions[t.in.Graph.Base.Name] }

// rootOf is the image that a program of setup runs on, however many stages lie
// between.
func (t *tree) rootOf(u *unit) string {
	if d := t.in.dockerfile; d != nil && u.node != nil {
		return d.roots[u.node.Path]
	}
	return t.in.Graph.Base.Name
}

// newDistributions finds out what the bases are. A package manager that runs
// unconditionally is the best witness, the image's name the next, and one that
// runs under a condition the last: a script may know several distributions.
func (t *tree) newDistributions() map[string]distribution {
	sure, maybe := map[string][]distribution{}, map[string][]distribution{}
	for _, u := range t.setup {
		root := t.rootOf(u)
		for _, c := range u.calls() {
			if d := packager(c); d != "" && c.MayNotRun() {
				maybe[root] = append(maybe[root], d)
			} else if d != "" {
				sure[root] = append(sure[root], d)
			}
		}
	}
	one := func(list []distribution) distribution {
		if list = slices.Compact(slices.Sorted(slices.Values(list))); len(list) == 1 {
			return list[0]
		}
		return ""
	}
	out := map[string]distribution{}
	for _, root := range t.roots() {
		out[root] = cmp.Or(one(sure[root]), named(root), one(maybe[root]))
	}
	return out
}

// roots are the images that anything is built on.
func (t *tree) roots() []string {
	out := []string{t.in.Graph.Base.Name}
	for _, u := range t.setup {
		out = append(out, t.rootOf(u))
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// named is the distribution that an image's reference speaks of. What Docker's
// official images are built on where their tag names nothing else is Debian,
// but for a few.
func named(ref string) distribution {
	parts := referenceParts(ref)
	for _, d := range []distribution{alpine, debian, redHat, suse} {
		for _, part := range parts {
			if slices.ContainsFunc(d.names(), func(name string) bool { return isNumbered(part, name) }) {
				return d
			}
		}
	}
	if repository, _, _ := strings.Cut(ref, ":"); !strings.Contains(repository, "/") {
		switch repository {
		case "postgres", "python", "node", "golang", "ruby", "rust", "elixir", "erlang", "php", "perl", "gcc", "buildpack-deps", "redis", "mariadb", "mongo", "nginx", "httpd", "openjdk", "tomcat", "haproxy":
			return debian
		}
	}
	return ""
}

// referenceParts are the words of an image reference.
func referenceParts(ref string) []string {
	ref, _, _ = strings.Cut(ref, "@")
	return strings.FieldsFunc(strings.ToLower(ref), func(r rune) bool { return strings.ContainsRune("/:-_.", r) })
}

// isNumbered tells whether a word is a name, with a version perhaps: ubi9.
func isNumbered(word, name string) bool {
	rest, ok := strings.CutPrefix(word, name)
	return ok && strings.Trim(rest, "0123456789") == ""
}

// replacesSh tells whether setup makes /bin/sh another shell than the base has.
func (t *tree) replacesSh() bool {
	for _, c := range calls(t.setup) {
		switch c.Name {
		case "ln", "cp", "mv", "dpkg-divert", "update-alternatives", "install":
			if slices.ContainsFunc(c.Args, func(w shell.Word) bool {
				return path.Clean(w.Value) == "/bin/sh" || path.Clean(w.Value) == "/usr/bin/sh"
			}) {
				return true
			}
		case "dpkg-reconfigure":
			if c.HasArg("dash") {
				return true
			}
		}
	}
	return false
}
