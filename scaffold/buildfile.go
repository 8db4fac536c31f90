package scaffold

import (
	"fmt"
	"strings"

	"github.com/pgstrata/pgstrata/spec"
)

// exampleRelease is the release that the examples are for.
const exampleRelease = "bookworm"

// finish gives a build file its first lines, and the versions of a release.
func finish(text string, o Options, r release) (string, error) {
	file, err := spec.Load(buildFile, []byte(text), spec.Options{})
	if err != nil {
		return "", err
	}
	e := &editor{text: text}
	from, to := e.offsets(file.Base.At)
	e.replace(0, e.lineStart(from), header(o))
	if !strings.Contains(text[from:to], "${") {
		e.replace(from, to, "debian:"+r.name+"-slim")
	}
	values := r.args(o)
	for i := range file.Setup.Repositories {
		for _, suite := range file.Setup.Repositories[i].Suites {
			from, to := e.offsets(suite.At)
			e.replace(from, to, strings.Replace(text[from:to], exampleRelease, r.name, 1))
		}
	}
	for _, a := range file.Args {
		if value, ok := values[a.Name.Value]; ok {
			from, to := e.offsets(a.Value.At)
			e.replace(from, to, value)
		}
	}
	for _, l := range file.Image.Labels {
		if l.Key.Value == "org.opencontainers.image.source" { // the example's own
			e.dropLines(pair(l))
		}
	}
	return e.String(), nil
}

// header is what stands above the base.
func header(o Options) string {
	what := "PostgreSQL from Debian's packages."
	switch {
	case o.From == PGDG && o.Patroni:
		what = "PostgreSQL and Patroni from the packages of PostgreSQL's own repository."
	case o.From == PGDG:
		what = "PostgreSQL from the packages of its own repository."
	case o.From == Source && o.Patroni:
		what = "PostgreSQL, compiled from Debian's source packages, and Patroni."
	case o.From == Source:
		what = "PostgreSQL, compiled from Debian's source packages."
	case o.Patroni:
		what = "PostgreSQL and Patroni from Debian's packages."
	}
	return fmt.Sprintf(`# syntax=%s
# yaml-language-server: $schema=%s
#
# %s
#
# How to run the image: %s
# What can be written here: https://github.com/pgstrata/pgstrata/blob/main/docs/build-file.md

`, o.Syntax, SchemaFile, what, readme)
}

// pair is the place of a key and its value.
func pair(p spec.Pair) spec.Range { return spec.Range{Start: p.Key.At.Start, End: p.Value.At.End} }

// withoutPatroniInBuildFile drops the entries that are Patroni's.
func withoutPatroniInBuildFile(text string) (string, error) {
	file, err := spec.Load(buildFile, []byte(text), spec.Options{})
	if err != nil {
		return "", err
	}
	e := &editor{text: text}
	labels := strings.NewReplacer(" with Patroni", "", " and Patroni ${PATRONI_VERSION}", "", "-patroni${PATRONI_VERSION}", "", ", and Patroni on", ", on")
	for _, a := range file.Args {
		if isPatronis(a.Name.Value) {
			e.dropLines(spec.Range{Start: a.Name.At.Start, End: a.Value.At.End})
		}
	}
	for i := range file.Setup.Scripts {
		if s := &file.Setup.Scripts[i]; isPatronis(s.Path.Value) {
			e.dropLines(s.At)
		}
	}
	for i := range file.Entrypoint.ConfigurationFiles {
		if c := &file.Entrypoint.ConfigurationFiles[i]; isPatronis(c.Source.Value) {
			e.dropLines(c.At)
		}
	}
	for _, l := range file.Image.Labels {
		from, to := e.offsets(l.Value.At)
		e.replace(from, to, labels.Replace(text[from:to]))
	}
	for _, v := range file.Image.Env {
		if isPatronis(v.Key.Value) {
			e.dropLines(pair(v))
		}
	}
	return e.String(), nil
}
