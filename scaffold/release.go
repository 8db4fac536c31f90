package scaffold

import (
	"fmt"
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

// args are the defaults of the build file's arguments that depend on the release. What is compiled does not.
func (r release) args(from string) map[string]string {
	if from == Source {
		return map[string]string{"DEBIAN_RELEASE": r.name}
	}
	return map[string]string{
		"POSTGRESQL_VERSION": `"` + r.postgresql + `"`,
		"PATRONI_VERSION":    `"` + r.patroni + `"`,
	}
}
