package frontend

import (
	"context"
	"maps"
	"sync"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// gateway is a client that asks for each local source once: a build file that
// turns out to be a Dockerfile is read again by BuildKit's own frontend, which
// must not send it, or show it, a second time.
type gateway struct {
	client.Client

	mu      sync.Mutex
	sources map[digest.Digest]*client.Result
}

func newGateway(c client.Client) *gateway {
	return &gateway{Client: c, sources: map[digest.Digest]*client.Result{}}
}

// Solve implements client.Client.
func (g *gateway) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	key := localSource(req)
	if key == "" {
		return g.Client.Solve(ctx, req)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if res := g.sources[key]; res != nil {
		return res, nil
	}
	res, err := g.Client.Solve(ctx, req)
	if err == nil {
		g.sources[key] = res
	}
	return res, err
}

// localSource names the request, when it is for a local source alone, without
// what makes each such request differ.
func localSource(req client.SolveRequest) digest.Digest {
	if req.Definition == nil || len(req.Definition.Def) != 2 { // the source, and the result that points to it
		return ""
	}
	op := &pb.Op{}
	if err := op.UnmarshalVT(req.Definition.Def[0]); err != nil {
		return ""
	}
	src := op.GetSource()
	if src == nil || src.Attrs[pb.AttrLocalUniqueID] == "" {
		return ""
	}
	attrs := maps.Clone(src.Attrs)
	delete(attrs, pb.AttrLocalUniqueID)
	src.Attrs = attrs
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(op)
	if err != nil {
		return ""
	}
	return digest.FromBytes(data)
}
