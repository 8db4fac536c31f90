// Command pgstrata-frontend is the process inside the frontend image: BuildKit
// starts it for a build file whose first line names that image, and talks to
// it over its standard input and output.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/trace"
)

// memory is where the garbage collector begins to work harder, in bytes: the
// process shares its machine with the daemon and what it builds.
const memory = 256 << 20

func main() {
	trace.Stub()
	if len(os.Args) > 1 && os.Args[1] == trace.Command { // in a step of a build that is observed
		os.Exit(trace.Main(os.Args[2:]))
	}
	debug.SetMemoryLimit(memory)
	if len(os.Args) >= 4 && os.Args[1] == frontend.CompareCommand { // in a step of a build that is verified
		code, err := frontend.CompareFolders(os.Stdout, os.Args[2], os.Args[3], os.Args[4:]...)
		if err != nil {
			fmt.Fprintln(os.Stderr, "pgstrata:", err)
		}
		os.Exit(code)
	}
	if len(os.Args) == 5 && os.Args[1] == frontend.DigestsCommand { // in a step that reads many files
		if err := frontend.WriteDigests(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, "pgstrata:", err)
			os.Exit(1)
		}
		return
	}
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		fmt.Fprintln(os.Stderr, "pgstrata:", err)
		os.Exit(1)
	}
}
