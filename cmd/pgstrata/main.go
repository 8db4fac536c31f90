// Command pgstrata builds and explains PostgreSQL images from the command
// line, with the same code that runs in the frontend image.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/release"
	"github.com/pgstrata/pgstrata/trace"
)

func main() {
	trace.Stub()
	if len(os.Args) > 1 && os.Args[1] == trace.Command { // in a step of a build that is observed
		os.Exit(trace.Main(os.Args[2:]))
	}
	os.Exit(run())
}

func run() (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "pgstrata: failed with a bug of its own, please report it: %v\n%s\n%s", p, release.Current(), debug.Stack())
			code = 1
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd, err := newCommand().ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFindings): // they have been printed
		return 1
	case errors.Is(err, errDiffer), errors.Is(err, errOutdated):
		return frontend.DifferExit
	}
	for _, s := range errdefs.Sources(err) {
		_ = s.Print(os.Stderr) // the message below says the same without the excerpt
	}
	fmt.Fprintln(os.Stderr, "pgstrata:", err)
	if what := advice(err, cmd.Flags().Lookup("addr") != nil); what != "" {
		fmt.Fprintln(os.Stderr, "pgstrata:", what)
	}
	return 1
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "pgstrata",
		Short:         "Build PostgreSQL images whose setup outlives every entrypoint edit",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       ownVersion(),
	}
	cmd.SetVersionTemplate("{{.Version}}")
	cmd.AddCommand(
		newAnalyzeCommand(),
		newBuildCommand(),
		newCheckCommand(),
		newCompareCommand(),
		newDigestsCommand(),
		newGraphCommand(),
		newInitCommand(),
		newLLBCommand(),
		newLockCommand(),
		newManCommand(),
		newMigrateCommand(),
		newObserveCommand(),
		newOutdatedCommand(),
		newPlanCommand(),
		newSchemaCommand(),
		newVersionCommand(),
	)
	for _, c := range cmd.Commands() {
		c.DisableFlagsInUseLine = true // where they stand is in Use
	}
	complete(cmd)
	return cmd
}
