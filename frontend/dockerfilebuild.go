package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"

	"github.com/pgstrata/pgstrata/dockerfile"
	pgllb "github.com/pgstrata/pgstrata/llb"
)

// build builds the rewritten Dockerfile for each platform. The original is
// converted first: what is wrong with it, and what BuildKit warns of, is told of
// its own lines.
func (d *dockerfileBuild) build(ctx context.Context) (*client.Result, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.tellDecisions(ctx) })
	scan := &scanTargets{}
	rb, err := d.request.client.Build(ctx, func(ctx context.Context, p *ocispecs.Platform, idx int) (_ *dockerui.BuildResult, err error) {
		defer recovered(&err)
		base, err := d.original(ctx, p, idx)
		if err != nil {
			return nil, err
		}
		res, err := d.platform(ctx, p, idx)
		if err != nil {
			return nil, err
		}
		def, err := d.definition(ctx, res, d.rewritten[idx])
		if err != nil {
			return nil, err
		}
		if d.tell != nil {
			d.tell(d.resolved(idx, res, def))
		}
		solved, err := d.gateway.Solve(ctx, client.SolveRequest{Definition: def, CacheImports: d.client.CacheImports})
		if err != nil {
			return nil, err
		}
		ref, err := solved.SingleRef()
		if err != nil {
			return nil, err
		}
		scan.add(p, res)
		return &dockerui.BuildResult{Reference: ref, Image: res.Image, BaseImage: base, Epoch: res.Epoch}, nil
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

// original converts the Dockerfile as it is written, for its errors and
// warnings. It returns the configuration of the image that it builds on; nil
// where the layers of that image are not in the result.
func (d *dockerfileBuild) original(ctx context.Context, p *ocispecs.Platform, idx int) (*dockerspec.DockerOCIImage, error) {
	rc := d.request.client
	config := rc.Config
	config.BuildArgs = maps.Clone(config.BuildArgs)
	opt := dockerfile2llb.ConvertOpt{Config: config, Client: rc, SourceMap: d.source.SourceMap, MetaResolver: d.gateway, TargetPlatform: p}
	if idx == 0 {
		opt.Warn = func(rule, description, url, msg string, location []parser.Range) {
			at := 0
			if len(location) > 0 {
				at = location[0].Start.Line
			}
			d.source.Warn(ctx, linter.LintFormatShort(rule, msg, at), client.WarnOpts{
				Level: 1, Detail: [][]byte{[]byte(description)}, URL: url, Range: pbRanges(location),
			})
		}
	}
	res, err := dockerfile2llb.Dockerfile2LLB(ctx, d.source.Data, opt)
	if err == nil && len(d.rewritten[idx].Squashes) > 0 && !d.mergeDiff() {
		return nil, nil
	}
	if err == nil {
		return res.BaseImage, nil
	}
	return nil, d.located(err)
}

// located attaches the lines that an error of BuildKit's compiler speaks of.
func (d *dockerfileBuild) located(err error) error {
	var located *parser.LocationError
	if errors.As(err, &located) {
		for _, l := range located.Locations {
			err = errdefs.WithSource(err, &errdefs.Source{Info: d.sourceInfo(), Ranges: pbRanges(l)})
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

// platform converts the rewritten Dockerfile for one platform.
func (d *dockerfileBuild) platform(ctx context.Context, p *ocispecs.Platform, idx int) (*dockerfile2llb.Result, error) {
	rw := d.rewritten[idx]
	for _, s := range rw.Squashes {
		if err := d.squash(ctx, rw, s, p); err != nil {
			return nil, err
		}
	}
	return d.convert(ctx, rw.Text, d.client, "", p)
}

// squash makes a named context of a stage whose steps become one layer.
func (d *dockerfileBuild) squash(ctx context.Context, rw *dockerfile.Rewritten, s dockerfile.Squash, p *ocispecs.Platform) error {
	lower, err := d.convert(ctx, rw.Text, d.client, s.Lower, p)
	if err != nil {
		return err
	}
	upper, err := d.convert(ctx, rw.Text, d.client, s.Upper, p)
	if err != nil {
		return err
	}
	mergeDiff := d.mergeDiff()
	target := platforms.DefaultSpec()
	if p != nil {
		target = *p
	}
	label := s.Upper
	if d.client.MultiPlatformRequested {
		label = platforms.Format(target) + " " + label
	}
	name := func(text string) llb.ConstraintsOpt { return llb.WithCustomName("[" + label + "] " + text) }
	st := pgllb.Squash(lower.State, upper.State, mergeDiff, pgllb.Squashing{Flatten: name("flatten"), Diff: name("squash"), Merge: name("merge")}, llb.Platform(target))

	img := *upper.Image
	entry := ocispecs.History{CreatedBy: s.CreatedBy, Comment: "pgstrata"}
	if mergeDiff {
		img.History = append(slices.Clone(lower.Image.History), entry)
	} else {
		img.History = []ocispecs.History{entry}
	}
	config, err := json.Marshal(img)
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(map[string][]byte{exptypes.ExporterImageConfigKey: config})
	if err != nil {
		return err
	}
	key := s.Name + "-" + strings.ReplaceAll(platforms.FormatAll(platforms.Normalize(target)), "/", "-")
	d.gateway.setInput(key, st)
	opts := d.client.BuildOpts().Opts
	opts["context:"+s.Name+"::"+platforms.FormatAll(platforms.Normalize(target))] = "input:" + key
	opts["input-metadata:"+key] = string(metadata)
	return nil
}

// definition is a result as the daemon gets it. Its vertices point at the
// original's lines, and are named without the mounts that were added.
func (d *dockerfileBuild) definition(ctx context.Context, res *dockerfile2llb.Result, rw *dockerfile.Rewritten, opts ...llb.ConstraintsOpt) (*pb.Definition, error) {
	def, err := res.State.Marshal(ctx, opts...)
	if err != nil {
		return nil, errors.Wrap(err, "cannot write the LLB definition")
	}
	out := def.ToPB()
	for _, locations := range out.GetSource().GetLocations() {
		for _, l := range locations.Locations {
			for _, r := range l.Ranges {
				rw.Locate(r)
			}
		}
	}
	for _, meta := range out.Metadata {
		if name, ok := meta.Description["llb.customname"]; ok {
			for _, flags := range rw.Flags {
				name = strings.ReplaceAll(name, flags, "")
			}
			meta.Description["llb.customname"] = name
		}
	}
	return out, nil
}

// tellDecisions shows what was done to which line, as steps of their own.
func (d *dockerfileBuild) tellDecisions(ctx context.Context) error {
	if len(d.rewritten) == 0 || len(d.rewritten[0].Decisions) == 0 {
		return nil
	}
	st := llb.Scratch()
	for i, dec := range d.rewritten[0].Decisions {
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
