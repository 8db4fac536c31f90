package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/worktree"
)

func newLockCommand() *cobra.Command {
	var (
		o      options
		update []string
	)
	cmd := &cobra.Command{
		Use:   "lock [OPTIONS] [PATH]",
		Short: "Write the digests of bases and sources and the versions of packages to a file beside the build file",
		Long: `Write the digests of bases and sources and the versions of packages to a file
beside the build file. What is locked already stays, unless --update names it.`,
		Example: `  pgstrata lock .
  pgstrata lock --update .                               # all that has moved
  pgstrata lock --update=debian:bookworm-slim,pgvector . # that base image and that source
  pgstrata build --locked .`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := o.context(args)
			if err != nil {
				return err
			}
			if len(update) > 0 {
				o.buildArgs = append(o.buildArgs, frontend.UpdateArg+"="+strings.Join(update, ","))
			}
			opt, err := o.solveOpt(dir)
			if err != nil {
				return err
			}
			answer, err := o.ask(cmd.Context(), opt, frontend.LockRequest)
			if err != nil {
				return err
			}
			return os.WriteFile(o.file+lock.Suffix, answer["result.txt"], 0o644) //nolint:gosec // it is to be committed
		},
	}
	o.addFlags(cmd.Flags())
	cmd.Flags().StringSliceVar(&update, "update", nil, "what is to be looked up anew: base images, sources and packages by name; all without a name")
	cmd.Flags().Lookup("update").NoOptDefVal = "*"
	return cmd
}

// ask puts a question of pgstrata's own to the frontend.
func (o *options) ask(ctx context.Context, opt client.SolveOpt, question string) (answer map[string][]byte, err error) {
	opt.FrontendAttrs["requestid"] = question
	_, err = o.run(ctx, opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := frontend.Build(ctx, c)
		if err != nil {
			return nil, err
		}
		answer = res.Metadata
		return gateway.NewResult(), nil
	}, func(*client.SolveStatus) {})
	return answer, err
}

// lockOf reads the lock file beside a build file, nil where there is none.
func lockOf(beside worktree.Source, name string) (*lock.File, error) {
	data, err := worktree.Read(beside, name+lock.Suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return lock.Parse(data)
}
