package frontend

import (
	"context"
	"slices"
	"sync"

	"github.com/containerd/platforms"
	intoto "github.com/in-toto/in-toto-golang/in_toto"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	solverresult "github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/release"
	"github.com/pgstrata/pgstrata/sbom"
)

// sourcesFile is the name of the document that lists sources.
const sourcesFile = "sources.spdx.json"

// builtTargets are what each platform's target was built from, by platform.
type builtTargets struct {
	mu   sync.Mutex
	list map[string]builtTarget
}

type builtTarget struct {
	in    input
	state llb.State
}

func (b *builtTargets) add(in input, t *target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.list == nil {
		b.list = map[string]builtTarget{}
	}
	b.list[platforms.FormatAll(platforms.Normalize(in.platform))] = builtTarget{in, t.state.State}
}

// haveSources tells whether a script of a target lists a source.
func (b *builtTargets) haveSources(r *request) bool {
	for _, one := range b.list {
		if slices.ContainsFunc(r.compiledBy(one.in.graph), func(s *graph.Script) bool { return len(s.Sources) > 0 }) {
			return true
		}
	}
	return false
}

// attestSources adds, where the client asks for an SBOM and scripts have sources,
// what was compiled: beside the scanner's list of what is in the image, which the
// daemon leaves to whoever gives one.
func (r *request) attestSources(ctx context.Context, rb *dockerui.ResultBuilder, built *builtTargets) error {
	if r.client.SBOM == nil || !built.haveSources(r) {
		return nil
	}
	scanner, err := r.scanner(ctx)
	if err != nil || scanner == nil {
		return err
	}
	return rb.EachPlatform(ctx, func(ctx context.Context, id string, _ ocispecs.Platform) error {
		built.mu.Lock()
		b, ok := built.list[id]
		built.mu.Unlock()
		if !ok {
			return nil
		}
		scan, err := scanner(ctx, id, b.state, nil)
		if err != nil {
			return err
		}
		own, err := r.sourceAttestation(ctx, b.in, r.compiledBy(b.in.graph))
		if err != nil {
			return err
		}
		for _, a := range []solverresult.Attestation[*llb.State]{scan, own} {
			solved, err := r.attested(ctx, a)
			if err != nil {
				return err
			}
			rb.AddAttestation(id, *solved)
		}
		return nil
	})
}

// compiledBy are the scripts whose work a target has.
func (r *request) compiledBy(g *graph.Graph) []*graph.Script {
	switch name := r.client.Target; name {
	case "", graph.ImageState, graph.SetupState:
		return slices.Concat(g.Scripts, g.Cleanup)
	default:
		if s := g.Script(trimNode(name)); s != nil {
			return []*graph.Script{s}
		}
	}
	return nil
}

// sourceAttestation is the document that lists the sources of scripts.
func (r *request) sourceAttestation(ctx context.Context, in input, scripts []*graph.Script) (out solverresult.Attestation[*llb.State], err error) {
	g := *in.graph
	g.Sources = nil
	for _, s := range in.graph.Sources {
		one := *s
		if one.Pin == "" && one.Context == "" {
			if pin, err := r.pin(ctx, in, &one); err == nil { // what it is, is then not said
				one.Pin = pin.Pin
			}
		}
		g.Sources = append(g.Sources, &one)
	}
	data, err := sbom.Sources(&g, scripts, in.now, release.Current().Name()).JSON()
	if err != nil {
		return out, err
	}
	st := llb.Scratch().File(llb.Mkfile("/"+sourcesFile, 0o644, data), llb.WithCustomName("[internal] list of sources"))
	return solverresult.Attestation[*llb.State]{
		Kind:     gatewaypb.AttestationKind_InToto,
		Metadata: map[string][]byte{solverresult.AttestationReasonKey: []byte(solverresult.AttestationReasonSBOM)},
		Ref:      &st,
		Path:     "/" + sourcesFile,
		InToto:   solverresult.InTotoAttestation{PredicateType: intoto.PredicateSPDX},
	}, nil
}
