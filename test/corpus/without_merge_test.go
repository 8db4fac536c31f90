package corpus

import (
	"context"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/frontend"
)

// withoutMerge is a prover to whose frontend the daemon seems to be one that
// can neither merge nor diff.
func (p *prover) withoutMerge() *prover {
	other := *p
	other.frontend = func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		return frontend.Build(ctx, lesser{c})
	}
	return &other
}

// lesser is a client of such a daemon.
type lesser struct{ gateway.Client }

// BuildOpts implements gateway.Client.
func (c lesser) BuildOpts() gateway.BuildOpts {
	opts := c.Client.BuildOpts()
	caps := pb.Caps.All()
	for i := range caps {
		if id := caps[i].ID; id == string(pb.CapMergeOp) || id == string(pb.CapDiffOp) {
			caps[i].Enabled = false
		}
	}
	opts.LLBCaps = pb.Caps.CapSet(caps)
	return opts
}
