package frontend

import (
	"context"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/attestations/sbom"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	solverresult "github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// scanTargets are what each platform's SBOM is made of, by platform.
type scanTargets struct {
	mu   sync.Mutex
	list map[string]*dockerfile2llb.Result
}

func (s *scanTargets) add(p *ocispecs.Platform, res *dockerfile2llb.Result) {
	platform := platforms.DefaultSpec()
	if p != nil {
		platform = *p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.list = map[string]*dockerfile2llb.Result{}
	}
	s.list[platforms.FormatAll(platforms.Normalize(platform))] = res
}

// attest adds the SBOM that the client asks for. The daemon would scan the final
// image by itself; a Dockerfile may ask for its context and its other stages to
// be scanned too.
func (d *dockerfileBuild) attest(ctx context.Context, rb *dockerui.ResultBuilder, scan *scanTargets) error {
	if d.client.SBOM == nil {
		return nil
	}
	scanner, err := d.scanner(ctx)
	if err != nil || scanner == nil {
		return err
	}
	return rb.EachPlatform(ctx, func(ctx context.Context, id string, _ ocispecs.Platform) error {
		scan.mu.Lock()
		target := scan.list[id]
		scan.mu.Unlock()
		if target == nil {
			return nil
		}
		var opts []llb.ConstraintsOpt
		if target.IsIgnoreCache {
			opts = append(opts, llb.IgnoreCache)
		}
		attestation, err := scanner(ctx, id, target.SBOM.Core, target.SBOM.Extras, opts...)
		if err != nil {
			return err
		}
		solved, err := d.attested(ctx, attestation)
		if err != nil {
			return err
		}
		rb.AddAttestation(id, *solved)
		return nil
	})
}

// scanner is the scanner of images that the client asks for; nil for none.
func (r *request) scanner(ctx context.Context) (sbom.Scanner, error) {
	platform := r.client.BuildPlatforms[0]
	return sbom.CreateSBOMScanner(ctx, r.gateway, r.client.SBOM.Generator, platform, sourceresolver.Opt{
		ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: r.client.ImageResolveMode.String(), Platform: &platform},
	}, r.client.SBOM.Parameters)
}

// attested has the daemon make what an attestation says.
func (r *request) attested(ctx context.Context, a solverresult.Attestation[*llb.State]) (*client.Attestation, error) {
	return solverresult.ConvertAttestation(&a, func(st *llb.State) (client.Reference, error) {
		def, err := st.Marshal(ctx)
		if err != nil {
			return nil, err
		}
		return r.solved(ctx, def.ToPB())
	})
}
