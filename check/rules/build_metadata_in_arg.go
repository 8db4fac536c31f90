package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
)

func buildMetadataInArg() check.Rule {
	return check.Rule{
		Name:        "BuildMetadataInArg",
		Severity:    check.Warning,
		Description: "Dates, revisions and numbers of builds are labels: in a setup script they end all caching.",
		Check:       checkBuildMetadataInArg,
		Dockerfile:  checkBuildMetadataInArg,
	}
}

func checkBuildMetadataInArg(p *check.Pass) {
	for _, a := range p.Input.File.Args {
		if !isBuildMetadata(a.Name.Value) || choosesSource(a.Name.Value, a.Value.Value) {
			continue
		}
		var readers []string
		for _, u := range p.Setup {
			if slices.ContainsFunc(u.Node.Env, func(v graph.Var) bool { return v.Name == a.Name.Value }) {
				readers = append(readers, u.Node.Path)
			}
		}
		if len(readers) > 0 {
			p.File(a.Name.At, "%s has another value in each build, so %s and all that comes after never come from the cache; put it into %s alone", a.Name, strings.Join(readers, ", "), p.Advice("image.labels", "LABEL"))
		}
	}
}

// isBuildMetadata tells whether a name speaks of the build, and of nothing
// that is built: BUILD_DATE and GIT_COMMIT do, PGVECTOR_COMMIT does not.
func isBuildMetadata(name string) bool {
	what := false
	for part := range strings.SplitSeq(strings.ToUpper(name), "_") {
		switch part {
		case "DATE", "TIME", "TIMESTAMP", "COMMIT", "SHA", "REF", "REVISION", "NUMBER", "ID", "BRANCH", "HASH", "CREATED", "PIPELINE", "JOB", "RUN", "URL":
			what = true
		case "BUILD", "GIT", "VCS", "CI", "SOURCE", "IMAGE", "SHORT", "GITHUB", "GITLAB", "DRONE", "JENKINS":
		case "EPOCH": // SOURCE_DATE_EPOCH: the way to make builds repeatable
			return false
		default:
			return false
		}
	}
	return what
}

// choosesSource tells whether the default of such an arg says that it chooses
// what is built: a commit, a branch, an address. The time of a build has none
// that would.
func choosesSource(name, value string) bool {
	for part := range strings.SplitSeq(strings.ToUpper(name), "_") {
		if slices.Contains([]string{"DATE", "TIME", "TIMESTAMP", "CREATED", "NUMBER", "PIPELINE", "JOB", "RUN"}, part) {
			return false
		}
	}
	if strings.Contains(value, "/") { // an address, a path
		return true
	}
	switch strings.ToLower(value) {
	case "", "unknown", "none", "dev", "local", "n/a", "na", "snapshot", "dirty", "latest", "head", "null":
		return false
	}
	return !isPlaceholder(value)
}
