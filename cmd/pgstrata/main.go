// Command pgstrata builds and explains PostgreSQL images from the command
// line, with the same code that runs in the frontend image.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
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
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program, with its arguments, and where it writes.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "pgstrata: failed with a bug of its own, please report it: %v\n%s\n%s", p, release.Current(), debug.Stack())
			code = 1
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFindings): // they have been printed
		return 1
	case errors.Is(err, errDiffer), errors.Is(err, errOutdated):
		return frontend.DifferExit
	}
	daemon := cmd.Flags().Lookup("addr") != nil
	for _, s := range errdefs.Sources(err) {
		_ = s.Print(stderr) // the message below says the same without the excerpt
		if place := placeOf(s); !daemon && !strings.Contains(err.Error(), place) {
			err = fmt.Errorf("%s: %w", place, err)
		}
	}
	fmt.Fprintln(stderr, "pgstrata:", err)
	if what := twoDashes(cmd, args); what != "" {
		fmt.Fprintln(stderr, "pgstrata:", what)
	}
	if what := advice(err, daemon); what != "" {
		fmt.Fprintln(stderr, "pgstrata:", what)
	}
	return 1
}

// placeOf is the file and line that an excerpt shows.
func placeOf(s *errdefs.Source) string {
	if len(s.Ranges) == 0 {
		return s.Info.GetFilename()
	}
	return fmt.Sprintf("%s:%d", s.Info.GetFilename(), s.Ranges[0].GetStart().GetLine())
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "pgstrata",
		Short:         "Build PostgreSQL images whose setup outlives every entrypoint edit",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       ownVersion(),
		Args:          explainCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
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
		explainUsage(c)
	}
	complete(cmd)
	return cmd
}
