package main

import (
	"context"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/pgstrata/pgstrata/frontend"
)

func newLLBCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "llb [OPTIONS] [PATH]",
		Short: "Write the LLB definition to standard output, building nothing",
		Example: `  pgstrata llb . | buildctl build --local context=. --output type=local,dest=rootfs
  pgstrata llb --target setup . | buildctl debug dump-llb --dot | dot -Tsvg >setup.svg`,
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
			var def *pb.Definition
			_, err = o.run(cmd.Context(), opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
				var err error
				def, err = frontend.Definition(ctx, c)
				return gateway.NewResult(), err
			}, func(*client.SolveStatus) {})
			if err != nil {
				return err
			}
			// Not llb.WriteTo, which writes maps in any order.
			data, err := proto.MarshalOptions{Deterministic: true}.Marshal(def)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}
