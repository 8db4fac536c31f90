// Package bench builds one tree in several ways, side by side, each on a fresh daemon of its own: with a Dockerfile as
// such projects write it, with the best Dockerfile that is known, and with pgstrata. It makes the edits of a working day,
// one after another, and measures what each of them costs.
//
// `make bench` runs it. docs/benchmarks.md tells what it does and what came out.
package bench

// Contender is one way to build the tree.
type Contender struct {
	Key  string // in the results, and as the image's name
	Name string
	File string   // the build file
	Args []string // further arguments of docker buildx build
	// Whole tells that all of setup is one step, which every edit runs again.
	Whole bool
	// Frontend is the name of the process that the daemon starts for it; "" where a frontend does the work that is in the
	// daemon or in the program that builds.
	Frontend string
	// Direct tells that pgstrata build builds it, and not docker buildx build.
	Direct bool
	// Unannotated tells that its build file has no outputs, so that all scripts are a chain; Observed, that pgstrata
	// observe --write has made a graph of that.
	Unannotated, Observed bool
}

// The names of frontends' processes.
const (
	frontendProcess = "pgstrata-frontend"
	dockerProcess   = "dockerfile-frontend"
	floorProcess    = "floor"
)

// The keys of the contenders that goals speak of.
const (
	Naive    = "naive"
	Best     = "best"
	Rival    = "rival"
	Pgstrata = "pgstrata"
	Direct   = "direct"
	Adopted  = "adopted"
	Chain    = "chain"
	Observed = "observed"
	Floor    = "floor"
	OneFile  = "onefile"
)

// Contenders are compared in every row.
func Contenders() []Contender {
	return []Contender{
		{Key: Naive, Name: "naive Dockerfile", File: "Dockerfile.naive", Whole: true},
		{Key: Best, Name: "best Dockerfile", File: "Dockerfile.best"},
		{
			Key: Rival, Name: "best Dockerfile, docker/dockerfile", File: "Dockerfile.best", Frontend: dockerProcess,
			Args: []string{"--build-arg=BUILDKIT_SYNTAX=localhost:5000/" + rivalImage},
		},
		{Key: Pgstrata, Name: "pgstrata", File: "Dockerfile", Frontend: frontendProcess},
		{Key: Direct, Name: "pgstrata build", File: "Dockerfile", Direct: true},
		{
			Key: Adopted, Name: "naive Dockerfile through pgstrata", File: "Dockerfile.naive", Frontend: frontendProcess,
			Args: []string{"--build-arg=BUILDKIT_SYNTAX=" + frontendImage},
		},
		{Key: Chain, Name: "unannotated tree", File: "Dockerfile", Frontend: frontendProcess, Unannotated: true},
		{Key: Observed, Name: "unannotated tree, observed", File: "Dockerfile", Frontend: frontendProcess, Unannotated: true, Observed: true},
	}
}

const (
	frontendImage = "localhost:5000/pgstrata:dev"
	floorImage    = "floor:dev"
	rivalImage    = "dockerfile:1"
	finished      = "finished" // an image that pgstrata has built
)

// Floors are no way to build anything, but what is measured beside a row that no build can beat. The first is an empty
// solve: a frontend image that answers at once, with an empty image; what it takes is the client's, the registry's and the
// daemon's. The second copies the entrypoint script onto a finished image, and that is all it knows.
func Floors() []Contender {
	return []Contender{
		{Key: Floor, Name: "empty solve", File: "Dockerfile.floor", Frontend: floorProcess},
		{Key: OneFile, Name: "one file copied", File: "Dockerfile.floor", Frontend: floorProcess, Args: []string{"--build-arg=IMAGE=localhost:5000/" + finished + ":latest"}},
	}
}
