package frontend

import (
	"context"
	"maps"
	"sync"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// gateway is a client that asks each question once: a build file that turns out
// to be a Dockerfile is read again by BuildKit's own frontend, which must not
// send it, or show it, a second time.
type gateway struct {
	client.Client

	mu      sync.Mutex
	sources map[digest.Digest]*localContent
	images  map[string]*imageConfig
}

type localContent struct {
	asked  sync.Once
	result *client.Result
	err    error
}

type imageConfig struct {
	asked  sync.Once
	known  bool // guarded by the gateway's lock; then nothing changes any more
	ref    string
	digest digest.Digest
	config []byte
	err    error
}

func newGateway(c client.Client) *gateway {
	return &gateway{Client: c, sources: map[digest.Digest]*localContent{}, images: map[string]*imageConfig{}}
}

// BuildOpts implements client.Client. The syntax line, or the build arg in its
// place, has had its effect: it is why this code runs.
func (g *gateway) BuildOpts() client.BuildOpts {
	opts := g.Client.BuildOpts()
	opts.Opts = maps.Clone(opts.Opts)
	if opts.Opts == nil {
		opts.Opts = map[string]string{}
	}
	if _, ok := opts.Opts["cmdline"]; !ok {
		opts.Opts["cmdline"] = "pgstrata"
	}
	return opts
}

// ResolveImageConfig implements client.Client.
func (g *gateway) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	key := imageKey(ref, opt)
	if key == "" {
		return g.Client.ResolveImageConfig(ctx, ref, opt)
	}
	g.mu.Lock()
	known := g.images[key]
	if known == nil {
		known = &imageConfig{}
		g.images[key] = known
	}
	g.mu.Unlock()
	known.asked.Do(func() { // whoever else asks meanwhile waits
		known.ref, known.digest, known.config, known.err = g.Client.ResolveImageConfig(ctx, ref, opt)
		g.mu.Lock()
		defer g.mu.Unlock()
		known.known = true
	})
	return known.ref, known.digest, known.config, known.err
}

// imageKey names a question for an image in a registry; "" for any other.
func imageKey(ref string, opt sourceresolver.Opt) string {
	if opt.OCILayoutOpt != nil || opt.ImageOpt == nil || opt.ImageOpt.Platform == nil {
		return ""
	}
	p := opt.ImageOpt.Platform
	return ref + "\x00" + opt.ImageOpt.ResolveMode + "\x00" + p.OS + "/" + p.Architecture + "/" + p.Variant + "/" + p.OSVersion
}

// Solve implements client.Client.
func (g *gateway) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	key := localSource(req)
	if key == "" {
		return g.Client.Solve(ctx, req)
	}
	g.mu.Lock()
	known := g.sources[key]
	if known == nil {
		known = &localContent{}
		g.sources[key] = known
	}
	g.mu.Unlock()
	known.asked.Do(func() {
		if known.result, known.err = g.Client.Solve(ctx, req); known.err != nil { // whoever asks later may have more luck
			g.mu.Lock()
			defer g.mu.Unlock()
			delete(g.sources, key)
		}
	})
	return known.result, known.err
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
