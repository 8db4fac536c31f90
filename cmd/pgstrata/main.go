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
	"github.com/spf13/pflag"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/release"
	"github.com/pgstrata/pgstrata/spec"
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
	for _, s := range errdefs.Sources(err) {
		_ = s.Print(stderr) // the message below says the same without the excerpt
	}
	fmt.Fprintln(stderr, "pgstrata:", err)
	if what := advice(err, cmd.Flags().Lookup("addr") != nil); what != "" {
		fmt.Fprintln(stderr, "pgstrata:", what)
	}
	return 1
}

// explainUsage makes mistakes in a command line name what is right.
func explainUsage(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return fmt.Errorf("%w: the command is %s", err, c.UseLine())
			}
			return nil
		}
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if !errors.As(err, &unknown) {
			return err
		}
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("%w%s", err, strings.ReplaceAll(spec.Meant(unknown.GetSpecifiedName(), names), "mean ", "mean --"))
	})
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
		explainUsage(c)
	}
	complete(cmd)
	return cmd
}
