package scaffold

import (
	"fmt"
	"slices"
	"strings"
)

// release is what a release of Debian has, as packages.
type release struct {
	name       string
	postgresql string // the major version
	patroni    string // the version, without Debian's revision
}

// releases are newest last. The versions are those of Debian's archive; bookworm's own Patroni loses commits, so it gets
// trixie's.
func releases() []release {
	return []release{
		{name: "bookworm", postgresql: "15", patroni: "4.0.7"},
		{name: "trixie", postgresql: "17", patroni: "4.0.7"},
	}
}

// Releases are the names of the releases that a tree can be for.
func Releases() []string {
	var out []string
	for _, r := range releases() {
		out = append(out, r.name)
	}
	return out
}

func releaseOf(name string) (release, error) {
	for _, r := range releases() {
		if r.name == name {
			return r, nil
		}
	}
	return release{}, fmt.Errorf("release %q is not known; there is %s", name, strings.Join(Releases(), ", "))
}

// majors are the major versions that PostgreSQL's own repository has.
func majors() []string { return []string{"13", "14", "15", "16", "17", "18"} }

// checkMajor reports a version that the packages are not there for.
func (r release) checkMajor(o Options) error {
	switch {
	case o.Major == "" || o.Major == r.postgresql && o.From == Packages || o.From == PGDG && slices.Contains(majors(), o.Major):
		return nil
	case o.From == PGDG:
		return fmt.Errorf("PostgreSQL's own repository has %s, not %q", strings.Join(majors(), ", "), o.Major)
	case o.From == Source:
		return fmt.Errorf("what is compiled is PostgreSQL 15: the build argument POSTGRESQL_VERSION names another")
	}
	return fmt.Errorf("%s of Debian has PostgreSQL %s; other versions are in PostgreSQL's own repository: --from %s", r.name, r.postgresql, PGDG)
}
