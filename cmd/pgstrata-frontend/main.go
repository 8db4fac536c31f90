// Command pgstrata-frontend is the process inside the frontend image: BuildKit
// starts it for a build file whose first line names that image, and talks to
// it over its standard input and output.
package main

import (
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"

	"github.com/pgstrata/pgstrata/frontend"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		fmt.Fprintln(os.Stderr, "pgstrata:", err)
		os.Exit(1)
	}
}
