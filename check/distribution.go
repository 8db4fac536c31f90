package check

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// Distribution is what an image's base is, as far as rules ask: which sh, which
// package manager, which C library.
type Distribution string

// The distributions whose differences matter here; "" is one that is not known.
const (
	Debian Distribution = "debian" // and Ubuntu
	Alpine Distribution = "alpine" // busybox and musl
	RedHat Distribution = "redhat" // RHEL and its rebuilds, Fedora, Amazon's, Oracle's
	Suse   Distribution = "suse"
)

// Names are how an image of a distribution is called: parts of a reference that
// begin so.
func (d Distribution) Names() []string {
	switch d {
	case Debian:
		return []string{"debian", "ubuntu", "bookworm", "bullseye", "trixie", "buster", "stretch", "noble", "jammy", "focal", "bionic", "xenial"}
	case Alpine:
		return []string{"alpine"}
	case RedHat:
		return []string{"rockylinux", "rocky", "almalinux", "alma", "fedora", "centos", "oraclelinux", "amazonlinux", "rhel", "ubi", "redhat"}
	case Suse:
		return []string{"opensuse", "suse", "sles", "sle"}
	}
	return nil
}

// Shell is the shell that /bin/sh is: dash, ash or bash; "" if not known.
func (d Distribution) Shell() string {
	switch d {
	case Debian:
		return "dash"
	case Alpine:
		return "ash"
	case RedHat, Suse:
		return "bash"
	}
	return ""
}

// Packager is the distribution that a command installs packages of, "" for none.
func Packager(c *shell.Call) Distribution {
	if c.Is(programs.Apt) {
		return Debian
	}
	switch c.Name {
	case "dpkg-reconfigure":
		return Debian
	case "apk":
		return Alpine
	case "dnf", "microdnf", "yum", "tdnf":
		return RedHat
	case "zypper":
		return Suse
	}
	return ""
}

// DistributionOf is what a program of setup runs on.
func (t *Tree) DistributionOf(u *Unit) Distribution { return t.distributions[t.RootOf(u)] }

// Distribution is that of the image itself.
func (t *Tree) Distribution() Distribution { return t.distributions[t.Input.Graph.Base.Name] }

// RootOf is the image that a program of setup runs on, however many stages lie
// between.
func (t *Tree) RootOf(u *Unit) string {
	if d := t.Input.Dockerfile; d != nil && u.Node != nil {
		return d.Roots[u.Node.Path]
	}
	return t.Input.Graph.Base.Name
}

// newDistributions finds out what the bases are. A package manager that runs
// unconditionally is the best witness, the image's name the next, and one that
// runs under a condition the last: a script may know several distributions.
func (t *Tree) newDistributions() map[string]Distribution {
	sure, maybe := map[string][]Distribution{}, map[string][]Distribution{}
	for _, u := range t.Setup {
		root := t.RootOf(u)
		for _, c := range u.Calls() {
			if d := Packager(c); d != "" && c.MayNotRun() {
				maybe[root] = append(maybe[root], d)
			} else if d != "" {
				sure[root] = append(sure[root], d)
			}
		}
	}
	one := func(list []Distribution) Distribution {
		if list = slices.Compact(slices.Sorted(slices.Values(list))); len(list) == 1 {
			return list[0]
		}
		return ""
	}
	out := map[string]Distribution{}
	for _, root := range t.roots() {
		out[root] = cmp.Or(one(sure[root]), NamedDistribution(root), one(maybe[root]))
	}
	return out
}

// roots are the images that anything is built on.
func (t *Tree) roots() []string {
	out := []string{t.Input.Graph.Base.Name}
	for _, u := range t.Setup {
		out = append(out, t.RootOf(u))
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// NamedDistribution is the distribution that an image's reference speaks of. What
// Docker's official images are built on where their tag names nothing else is
// Debian, but for a few.
func NamedDistribution(ref string) Distribution {
	parts := ReferenceParts(ref)
	for _, d := range []Distribution{Alpine, Debian, RedHat, Suse} {
		for _, part := range parts {
			if slices.ContainsFunc(d.Names(), func(name string) bool { return IsNumbered(part, name) }) {
				return d
			}
		}
	}
	if repository, _, _ := strings.Cut(ref, ":"); !strings.Contains(repository, "/") {
		switch repository {
		case "postgres", "python", "node", "golang", "ruby", "rust", "elixir", "erlang", "php", "perl", "gcc", "buildpack-deps", "redis", "mariadb", "mongo", "nginx", "httpd", "openjdk", "tomcat", "haproxy":
			return Debian
		}
	}
	return ""
}

// ReferenceParts are the words of an image reference.
func ReferenceParts(ref string) []string {
	ref, _, _ = strings.Cut(ref, "@")
	return strings.FieldsFunc(strings.ToLower(ref), func(r rune) bool { return strings.ContainsRune("/:-_.", r) })
}

// IsNumbered tells whether a word is a name, with a version perhaps: ubi9.
func IsNumbered(word, name string) bool {
	rest, ok := strings.CutPrefix(word, name)
	return ok && strings.Trim(rest, "0123456789") == ""
}

// ReplacesSh tells whether setup makes /bin/sh another shell than the base has.
func (t *Tree) ReplacesSh() bool {
	for _, c := range Calls(t.Setup) {
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

// IsServerName tells whether a word in an image's name says that a server is in
// it.
func IsServerName(word string) bool {
	return slices.ContainsFunc([]string{"postgres", "postgresql", "postgis", "timescaledb", "spilo", "patroni", "pgvector", "citus"}, func(name string) bool {
		return IsNumbered(word, name)
	})
}

// IsServerPackage tells whether a package of a distribution is the server:
// postgresql, postgresql-15, postgresql15-server, percona-postgresql-16. Those of
// clients, libraries, headers and extensions have other words in their names.
func IsServerPackage(spec string) bool {
	name, _, _ := strings.Cut(spec, "=")
	name = strings.TrimSuffix(strings.TrimPrefix(name, "percona-"), "-server")
	rest, ok := strings.CutPrefix(name, "postgresql")
	return ok && strings.Trim(rest, "0123456789-*.") == "" && !strings.ContainsAny(rest, " ")
}
