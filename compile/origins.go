package compile

import (
	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/graph"
)

// OriginsFile is what [Origins] writes: a line for each package of the image that came
// from a repository of the build file. Its words are the repository, and the package's
// name, version, architecture, SHA-256, the repository's URI, and the file below it.
const OriginsFile = "origins"

// Origins returns a state that tells which packages of the image came from the
// repositories of the build file. The package database does not know; apt's lists do,
// as they were when the packages were installed.
func Origins(g *graph.Graph, opt Options, states *States) llb.State {
	c := &compiler{graph: g, opt: opt, mergeDiff: canMergeDiff(opt.Caps)}
	var words []string
	for _, r := range g.Toolchain.Repositories {
		for _, uri := range r.URIs {
			words = append(words, r.Name, uri)
		}
	}
	opts := append(c.builtin("package-origins.sh", words...), c.repositoryMounts()...)
	opts = append(opts,
		llb.AddMount("/run/pgstrata/image", states.Setup.State, llb.Readonly),
		llb.AddMount(cache.ListsDir, states.Toolchain.lists, llb.Readonly),
		llb.AddMount("/run/pgstrata/lists", states.lists, llb.Readonly),
		llb.Network(noNetwork), c.name("internal", "origins of packages"))
	return states.Toolchain.Run(opts...).AddMount(resultMount, llb.Scratch())
}
