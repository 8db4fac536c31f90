package frontend

import (
	"context"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/subrequests/convertllb"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// handler answers the questions that docker buildx build --call asks.
func (r *request) handler() dockerui.RequestHandler {
	return dockerui.RequestHandler{
		Outline:     r.outline,
		ListTargets: r.targets,
		Lint:        r.lint,
		ConvertLLB:  r.convertLLB,
	}
}

// targets lists what --target accepts.
func (r *request) targets(ctx context.Context) (*targets.List, error) {
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	g := inputs[0].graph
	list := &targets.List{Sources: [][]byte{r.source.Data}}
	for _, name := range g.Targets() {
		t := targets.Target{
			Name:        name,
			Default:     name == graph.ImageState,
			Description: describeTarget(name),
			Location:    r.pbLocation(spec.Range{}),
		}
		if name == graph.ImageState || name == graph.SetupState {
			t.Base = g.Base.Name
		}
		if s := g.Script(trimNode(name)); s != nil {
			t.Location = r.pbLocation(s.At)
		}
		list.Targets = append(list.Targets, t)
	}
	return list, nil
}

func describeTarget(name string) string {
	switch name {
	case graph.ImageState:
		return "the whole image"
	case graph.SetupState:
		return "the image without its entrypoint files"
	case graph.EntrypointState:
		return "the entrypoint files alone"
	case graph.SymbolsState:
		return "the debug symbols of what isolated scripts have made"
	case graph.TestState:
		return "run the tests in the image"
	case graph.CachesTarget:
		return "what the cache mounts hold, to fill those of another daemon"
	}
	return "the outputs of one setup script"
}

// outline lists args, secrets, ssh and caches.
func (r *request) outline(ctx context.Context) (*outline.Outline, error) {
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	in := inputs[0]
	out := &outline.Outline{Name: r.client.Target, Sources: [][]byte{r.source.Data}}
	for _, a := range in.file.Args {
		out.Args = append(out.Args, outline.Arg{
			Name:        a.Name.Value,
			Value:       a.Value.Value,
			Description: a.Description,
			Location:    r.pbLocation(a.Name.At),
		})
	}
	secrets, caches, ssh := map[string]bool{}, map[string]bool{}, false
	for _, s := range slices.Concat(in.graph.Scripts, in.graph.Cleanup) {
		for _, secret := range s.Secrets {
			if !secrets[secret.ID] {
				out.Secrets = append(out.Secrets, outline.Secret{Name: secret.ID, Required: !secret.Optional, Location: r.pbLocation(s.At)})
			}
			secrets[secret.ID] = true
		}
		for _, c := range s.Caches {
			if !caches[c.ID] {
				out.Cache = append(out.Cache, outline.CacheMount{ID: c.ID, Location: r.pbLocation(s.At)})
			}
			caches[c.ID] = true
		}
		if s.SSH && !ssh {
			out.SSH = append(out.SSH, outline.SSH{Name: "default", Required: true, Location: r.pbLocation(s.At)})
			ssh = true
		}
	}
	return out, nil
}

// convertLLB returns the definition as JSON.
func (r *request) convertLLB(ctx context.Context) (*convertllb.Result, error) {
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	t, err := r.compile(ctx, inputs[0])
	if err != nil {
		return nil, err
	}
	def := t.definition
	out := &convertllb.Result{
		Def:      map[digest.Digest]*pb.Op{},
		Metadata: map[digest.Digest]llb.OpMetadata{},
		Source:   def.Source,
	}
	for _, dt := range def.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, errors.Wrap(err, "cannot read the definition back")
		}
		dgst := digest.FromBytes(dt)
		out.Def[dgst] = op
		out.Metadata[dgst] = def.Metadata[dgst]
	}
	return out, nil
}

// pbLocation is never nil: buildx reads it without asking.
func (r *request) pbLocation(at spec.Range) *pb.Location {
	if at == (spec.Range{}) {
		at.Start.Line, at.End.Line = 1, 1
	}
	return &pb.Location{Ranges: []*pb.Range{compile.Range(at)}}
}
