// Command floor is the least that a frontend image can do. It answers with an empty image and reads nothing; or, where the
// build argument IMAGE names one, with that image and the context's entrypoint script copied into it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), build); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func build(ctx context.Context, c client.Client) (*client.Result, error) {
	opts := c.BuildOpts()
	image := opts.Opts["build-arg:IMAGE"]
	if image == "" {
		return client.NewResult(), nil
	}
	ref, digest, config, err := c.ResolveImageConfig(ctx, image, sourceresolver.Opt{})
	if err != nil {
		return nil, err
	}
	const script = "entrypoint.d/entrypoint.sh"
	files := llb.Local("context", llb.SessionID(opts.SessionID), llb.FollowPaths([]string{script}))
	layer := llb.Scratch().File(llb.Copy(files, script, "/entrypoint.sh"))
	def, err := llb.Merge([]llb.State{llb.Image(ref + "@" + digest.String()), layer}).Marshal(ctx, llb.WithCaps(opts.LLBCaps))
	if err != nil {
		return nil, err
	}
	res, err := c.Solve(ctx, client.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return nil, err
	}
	res.AddMeta(exptypes.ExporterImageConfigKey, config)
	return res, nil
}
