package frontend

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// build builds the rewritten Dockerfile for each platform. The original is
// converted first: what is wrong with it, and what BuildKit warns of, is told of
// its own lines.
func (d *dockerfileBuild) build(ctx context.Context) (*client.Result, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.tellDecisions(ctx) })
	compiled := func(idx int, decisions []dockerfile.Decision) {
		if idx == 0 {
			group.Go(func() error { return d.tellAll(ctx, decisions) })
		}
	}
	scan := &scanTargets{}
	rb, err := d.client.Build(ctx, func(ctx context.Context, p *ocispecs.Platform, idx int) (_ *dockerui.BuildResult, err error) {
		defer recovered(&err)
		original, err := d.original(ctx, p, idx)
		if err != nil {
			return nil, err
		}
		c := d.compiler(idx)
		res, def, err := c.compile(ctx)
		if err != nil {
			return nil, err
		}
		seen, decisions, err := d.narrow(ctx, def)
		if err != nil {
			return nil, err
		}
		compiled(idx, decisions)
		if d.tell != nil {
			d.tell(d.resolved(idx, res, seen.Definition))
		}
		ref, err := d.solvedNarrow(ctx, seen, def)
		if err != nil {
			return nil, err
		}
		if d.verifies() {
			if err := c.verify(ctx, original, res.Image, ref); err != nil {
				return nil, err
			}
		}
		if len(seen.Given) > 0 && res.SBOM != nil { // what is scanned is what was built
			if res.SBOM.Core, err = stateOf(seen.Definition); err != nil {
				return nil, err
			}
		}
		scan.add(p, res)
		out := &dockerui.BuildResult{Reference: ref, Image: res.Image, BaseImage: original.BaseImage, Epoch: res.Epoch}
		if len(d.platforms[idx].Squashes) > 0 && !d.mergeDiff() { // the layers of that image are not in the result
			out.BaseImage = nil
		}
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	if err := d.attest(ctx, rb, scan); err != nil {
		return nil, err
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return rb.Finalize()
}

// unwritable is what is wrong with a Dockerfile as it is written.
type unwritable struct{ error }

// Unwrap returns the error itself.
func (u unwritable) Unwrap() error { return u.error }

// original converts the Dockerfile as it is written, for its errors and, where
// there are none, its warnings.
func (d *dockerfileBuild) original(ctx context.Context, p *ocispecs.Platform, idx int) (*dockerfile2llb.Result, error) {
	rc := d.client
	config := rc.Config
	config.BuildArgs = maps.Clone(config.BuildArgs)
	opt := dockerfile2llb.ConvertOpt{Config: config, Client: rc, SourceMap: d.source.SourceMap, MetaResolver: d.gateway, TargetPlatform: p}
	var warnings []func()
	opt.Warn = func(rule, description, url, msg string, location []parser.Range) {
		at := 0
		if len(location) > 0 {
			at = location[0].Start.Line
		}
		warnings = append(warnings, func() {
			d.source.Warn(ctx, linter.LintFormatShort(rule, msg, at), client.WarnOpts{
				Level: 1, Detail: [][]byte{[]byte(description)}, URL: url, Range: pbRanges(location),
			})
		})
	}
	res, err := dockerfile2llb.Dockerfile2LLB(ctx, d.source.Data, opt)
	if err != nil {
		return nil, unwritable{d.located(err)}
	}
	if idx == 0 {
		for _, warn := range warnings {
			warn()
		}
	}
	return res, nil
}

// solved is the daemon's handle of a definition; nil for an empty one.
func (r *request) solved(ctx context.Context, def *pb.Definition) (client.Reference, error) {
	res, err := r.gateway.Solve(ctx, client.SolveRequest{Definition: def, CacheImports: r.client.CacheImports})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// located attaches the lines that an error of BuildKit's compiler speaks of.
func (r *request) located(err error) error {
	var located *parser.LocationError
	if errors.As(err, &located) {
		for _, l := range located.Locations {
			err = errdefs.WithSource(err, &errdefs.Source{Info: r.sourceInfo(), Ranges: pbRanges(l)})
		}
	}
	return err
}

// mergeDiff reports whether the daemon can merge and diff.
func (d *dockerfileBuild) mergeDiff() bool {
	caps := d.client.BuildOpts().LLBCaps
	return caps.Supports(pb.CapMergeOp) == nil && caps.Supports(pb.CapDiffOp) == nil
}

func pbRanges(list []parser.Range) []*pb.Range {
	out := make([]*pb.Range, 0, len(list))
	for _, r := range list {
		out = append(out, &pb.Range{
			Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(r.Start.Character)},
			End:   &pb.Position{Line: int32(r.End.Line), Character: int32(r.End.Character)},
		})
	}
	return out
}

// decisions are what was done to which line on a platform.
func (d *dockerfileBuild) decisions(idx int) []dockerfile.Decision {
	switch {
	case d.splitOff() || idx >= len(d.platforms):
		return nil
	case d.onbuild && d.platforms[idx].Changed:
		return []dockerfile.Decision{{
			Line: d.file.Stages[0].From.Start, Kind: dockerfile.Whole,
			Text: "built as it is written: a base image has ONBUILD; to split it, write what that does into the Dockerfile",
		}}
	}
	return d.platforms[idx].Decisions
}

// tellDecisions shows what was done to which line, as steps of their own. What there
// was nothing to do for is no news.
func (d *dockerfileBuild) tellDecisions(ctx context.Context) error {
	return d.tellAll(ctx, slices.DeleteFunc(slices.Clone(d.decisions(0)), func(dec dockerfile.Decision) bool { return dec.Kind == dockerfile.Untouched }))
}

func (d *dockerfileBuild) tellAll(ctx context.Context, decisions []dockerfile.Decision) error {
	if len(decisions) == 0 {
		return nil
	}
	st := llb.Scratch()
	for i, dec := range decisions {
		text := fmt.Sprintf("%s:%d: %s", d.source.Filename, dec.Line, dec.Text)
		st = st.File(llb.Mkfile(fmt.Sprintf("/%d", i), 0o644, []byte(text)), llb.WithCustomName("[pgstrata] "+text))
	}
	def, err := st.Marshal(ctx)
	if err != nil {
		return err
	}
	_, err = d.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	return err
}
