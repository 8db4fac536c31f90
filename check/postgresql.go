package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
)

// hasPostgreSQL tells whether a server of PostgreSQL is in the image, as far as
// can be told: it is what the base is called after, setup installs or makes it,
// or something in the image starts it.
func (t *tree) hasPostgreSQL() bool {
	if slices.ContainsFunc(referenceParts(t.in.Graph.Base.Name), isServerName) {
		return true
	}
	for _, pkg := range t.in.Graph.RuntimePackages() {
		if isServerPackage(pkg.Spec) {
			return true
		}
	}
	if slices.ContainsFunc(t.in.Graph.Image.Cmd, isServer) || slices.ContainsFunc(t.in.Graph.Image.Entrypoint, isServer) {
		return true
	}
	for _, u := range t.setup {
		if t.in.dockerfile != nil && t.rootOf(u) != t.in.Graph.Base.Name {
			continue // of a stage that the image is not made on
		}
		for _, c := range u.calls() {
			if isServer(c.Name) || installsPackages(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return isServerPackage(w.Value) }) {
				return true
			}
		}
	}
	for _, c := range calls(t.entrypoint) {
		if isServer(c.Name) {
			return true
		}
	}
	return false
}

// hasServerPackage tells whether the server is in a package where a program of
// setup runs, or came with a base that is called after it, with all the libraries
// that it needs.
func (t *tree) hasServerPackage(u *unit) bool {
	if slices.ContainsFunc(referenceParts(t.rootOf(u)), isServerName) || slices.ContainsFunc(t.in.Graph.RuntimePackages(), func(pkg graph.Package) bool { return isServerPackage(pkg.Spec) }) {
		return true
	}
	for _, c := range calls(t.setup) {
		if installsPackages(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return isServerPackage(w.Value) }) {
			return true
		}
	}
	return false
}

// isServer tells whether a program is the server, or only works with one.
func isServer(name string) bool {
	switch name[strings.LastIndex(name, "/")+1:] {
	case "postgres", "postmaster", "pg_ctl", "initdb", "pg_createcluster", "pg_ctlcluster", "patroni":
		return true
	}
	return false
}

// isServerName tells whether a word in an image's name says that a server is in
// it.
func isServerName(word string) bool {
	return slices.ContainsFunc([]string{"postgres", "postgresql", "postgis", "timescaledb", "spilo", "patroni", "pgvector", "citus"}, func(name string) bool {
		return isNumbered(word, name)
	})
}

// isServerPackage tells whether a package of a distribution is the server:
// postgresql, postgresql-15, postgresql15-server, percona-postgresql-16. Those of
// clients, libraries, headers and extensions have other words in their names.
func isServerPackage(spec string) bool {
	name, _, _ := strings.Cut(spec, "=")
	name = strings.TrimSuffix(strings.TrimPrefix(name, "percona-"), "-server")
	rest, ok := strings.CutPrefix(name, "postgresql")
	return ok && strings.Trim(rest, "0123456789-*.") == "" && !strings.ContainsAny(rest, " ")
}
