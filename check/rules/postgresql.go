package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
)

// hasPostgreSQL tells whether a server of PostgreSQL is in the image, as far as
// can be told: it is what the base is called after, setup installs or makes it,
// or something in the image starts it.
func hasPostgreSQL(t *check.Tree) bool {
	if slices.ContainsFunc(check.ReferenceParts(t.Input.Graph.Base.Name), check.IsServerName) {
		return true
	}
	for _, pkg := range t.Input.Graph.RuntimePackages() {
		if check.IsServerPackage(pkg.Spec) {
			return true
		}
	}
	if slices.ContainsFunc(t.Input.Graph.Image.Cmd, isServer) || slices.ContainsFunc(t.Input.Graph.Image.Entrypoint, isServer) {
		return true
	}
	for _, u := range t.Setup {
		if t.Input.Dockerfile != nil && t.RootOf(u) != t.Input.Graph.Base.Name {
			continue // of a stage that the image is not made on
		}
		for _, c := range u.Calls() {
			if isServer(c.Name) || check.InstallsPackages(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return check.IsServerPackage(w.Value) }) {
				return true
			}
		}
	}
	for _, c := range check.Calls(t.Entrypoint) {
		if isServer(c.Name) {
			return true
		}
	}
	return false
}

// hasServerPackage tells whether the server is in a package where a program of
// setup runs, or came with a base that is called after it, with all the libraries
// that it needs.
func hasServerPackage(t *check.Tree, u *check.Unit) bool {
	if slices.ContainsFunc(check.ReferenceParts(t.RootOf(u)), check.IsServerName) || slices.ContainsFunc(t.Input.Graph.RuntimePackages(), func(pkg graph.Package) bool { return check.IsServerPackage(pkg.Spec) }) {
		return true
	}
	for _, c := range check.Calls(t.Setup) {
		if check.InstallsPackages(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return check.IsServerPackage(w.Value) }) {
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

// inherits tells whether a file leaves to its base what the container starts:
// then nothing here says as whom, or how it stops.
func inherits(p *check.Pass) bool {
	if p.Input.Dockerfile == nil {
		img := p.Input.Graph.Image
		if len(img.Entrypoint) > 0 { // what a program of the image starts, nobody has read
			return !slices.ContainsFunc(img.Entrypoint, func(word string) bool {
				_, own := p.Targets[word]
				return own || isServer(word)
			})
		}
		return len(img.Cmd) == 0 || slices.ContainsFunc(check.ReferenceParts(p.Input.Graph.Base.Name), check.IsServerName)
	}
	return p.Input.File.Entrypoint.Script.Value == ""
}
