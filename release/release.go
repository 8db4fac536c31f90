// Package release tells which release a program of pgstrata belongs to.
package release

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Release is what a program was built as, and from what. In a build that is no
// release, Version is empty.
type Release struct {
	Version  string // a semantic version with its "v", such as v1.2.3
	Revision string // the commit, whole; empty where nobody knows
}

// The linker sets them in Dockerfile.frontend alone, whose build has no
// version control to read them from.
//
//nolint:gochecknoglobals // there is no other way for the linker to tell
var version, revision string

// Current returns the release of the running program: what the linker was told,
// else what the Go command noted of the version control or of the module.
func Current() Release {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return fromBuildInfo(info)
	}
	return Release{Version: version, Revision: revision}
}

// fromBuildInfo takes neither a commit between two tags nor a changed tree for
// a release.
func fromBuildInfo(info *debug.BuildInfo) Release {
	r := Release{Revision: Setting(info, "vcs.revision")}
	if v := info.Main.Version; semver.IsValid(v) && semver.Build(v) == "" && !module.IsPseudoVersion(v) {
		r.Version = v
	}
	return r
}

// Setting is what the Go command noted of a build under a key, such as
// vcs.revision; "" where it noted nothing.
func Setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// Name tells the version: "pgstrata v1.2.3".
func (r Release) Name() string { return "pgstrata " + cmp.Or(r.Version, "development") }

// String tells version and revision, for messages.
func (r Release) String() string {
	return fmt.Sprintf("%s, revision %s", r.Name(), cmp.Or(r.Revision, "unknown"))
}

// Image is the name of the frontend image for the first line of a build file:
// that of the same major version, whose later releases read the same files.
// Outside of a release it is the one that hack/up builds on this machine.
func (r Release) Image() string {
	if r.Version == "" {
		return "localhost:5000/pgstrata:dev"
	}
	return "ghcr.io/pgstrata/pgstrata:" + strings.TrimPrefix(semver.Major(r.Version), "v")
}
