package frontend

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	intoto "github.com/in-toto/in-toto-golang/in_toto"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	solverresult "github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
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
	in     input
	target *target
}

func (b *builtTargets) add(in input, t *target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.list == nil {
		b.list = map[string]builtTarget{}
	}
	b.list[platforms.FormatAll(platforms.Normalize(in.platform))] = builtTarget{in, t}
}

// haveSources tells whether a script of a target lists a source, or the target has
// packages of a declared repository.
func (b *builtTargets) haveSources(r *request) bool {
	for _, one := range b.list {
		if r.installs(one.in.graph) || slices.ContainsFunc(r.compiledBy(one.in.graph), func(s *graph.Script) bool { return len(s.Sources) > 0 }) {
			return true
		}
	}
	return false
}

// installs tells whether a target may have packages of a declared repository.
func (r *request) installs(g *graph.Graph) bool {
	return len(g.Toolchain.Repositories) > 0 && slices.Contains([]string{"", graph.ImageState, graph.SetupState}, r.client.Target)
}

// attestSources adds, where the client asks for an SBOM, what was compiled and what
// came from declared repositories: beside the scanner's list of what is in the image,
// which the daemon leaves to whoever gives one.
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
		scan, err := scanner(ctx, id, b.target.state.State, nil)
		if err != nil {
			return err
		}
		own, err := r.sourceAttestation(ctx, b)
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

// installedFrom are the packages of a target that came from declared repositories.
func (r *request) installedFrom(ctx context.Context, b builtTarget) ([]sbom.Installed, error) {
	if !r.installs(b.in.graph) {
		return nil, nil
	}
	text, err := r.readFile(ctx, compile.Origins(b.in.graph, b.target.options, b.target.states), compile.OriginsFile)
	var out []sbom.Installed
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) != 7 {
			return nil, errors.Errorf("not a package's origin: %q", line)
		}
		one := sbom.Installed{Repository: w[0], Name: w[1], Version: w[2], Architecture: w[3], SHA256: w[4], URI: w[5], File: w[6]}
		if !slices.ContainsFunc(out, func(o sbom.Installed) bool { return o.Name == one.Name && o.Architecture == one.Architecture }) {
			out = append(out, one) // two repositories may have it; apt takes the first
		}
	}
	return out, err
}

// sourceAttestation is the document that lists the sources of scripts, and packages of
// declared repositories.
func (r *request) sourceAttestation(ctx context.Context, b builtTarget) (out solverresult.Attestation[*llb.State], err error) {
	in := b.in
	packages, err := r.installedFrom(ctx, b)
	if err != nil {
		return out, err
	}
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
	data, err := sbom.Sources(&g, r.compiledBy(in.graph), packages, in.now, release.Current().Name()).JSON()
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
