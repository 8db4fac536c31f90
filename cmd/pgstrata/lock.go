package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/worktree"
)

func newLockCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "lock [OPTIONS] [PATH]",
		Short: "Write the digests of bases and the versions of packages to a file beside the build file",
		Example: `  pgstrata lock .
  pgstrata lock --no-cache-filter toolchain,setup .      # the newest that the archive has
  pgstrata build --locked .`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := o.context(args)
			if err != nil {
				return err
			}
			opt, err := o.solveOpt(dir)
			if err != nil {
				return err
			}
			opt.FrontendAttrs["requestid"] = frontend.LockRequest
			var text []byte
			_, err = o.run(cmd.Context(), opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
				res, err := frontend.Build(ctx, c)
				if err != nil {
					return nil, err
				}
				text = res.Metadata["result.txt"]
				return gateway.NewResult(), nil
			}, func(*client.SolveStatus) {})
			if err != nil {
				return err
			}
			return os.WriteFile(o.file+lock.Suffix, text, 0o644) //nolint:gosec // it is to be committed
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
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
