package frontend

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// options resolves what compilation needs besides the graph.
func (r *request) options(ctx context.Context, in input) (compile.Options, error) {
	caps := r.client.BuildOpts().LLBCaps
	opt := compile.Options{
		Config:      r.client.Config,
		Caps:        &caps,
		Platform:    in.platform,
		Context:     in.context,
		Source:      in.source,
		IgnoreCache: r.client.IsNoCache,
	}
	var err error
	if opt.Epoch, err = r.epoch(ctx); err != nil {
		return opt, err
	}
	if opt.Base, err = r.base(ctx, in, in.graph.Base); err != nil {
		return opt, err
	}
	if err := r.sources(ctx, in, &opt); err != nil {
		return opt, err
	}
	if ref := in.graph.Toolchain.Base; ref.Name != "" {
		b, err := r.base(ctx, in, ref)
		if err != nil {
			return opt, err
		}
		opt.ToolchainBase = &b
	}
	opt.ScriptBases = map[string]compile.Base{}
	for _, s := range in.graph.Scripts {
		if _, known := opt.ScriptBases[s.Base.Name]; known || s.Base.Name == "" {
			continue
		}
		if opt.ScriptBases[s.Base.Name], err = r.base(ctx, in, s.Base); err != nil {
			return opt, err
		}
	}
	return opt, nil
}

// epoch reads SOURCE_DATE_EPOCH: seconds since 1970, or `context` for the time
// of a git or http context.
func (r *request) epoch(ctx context.Context) (*time.Time, error) {
	v := r.client.BuildArgs[epochArg]
	switch v {
	case "":
		return nil, nil
	case "context":
		if r.offline {
			return nil, nil
		}
		return r.client.ResolveMainContextSourceDateEpoch(ctx)
	}
	t, err := parseEpoch(v)
	return &t, err
}

// parseEpoch reads seconds since 1970. An image's dates have years of four
// digits.
func parseEpoch(v string) (time.Time, error) {
	const lastSecond = 253402300799 // of the year 9999
	seconds, err := strconv.ParseInt(v, 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return time.Time{}, errors.Errorf("%s is a number of seconds since 1970 (or context), not %q", epochArg, v)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// base resolves a base image, or what a named context puts in its place.
func (r *request) base(ctx context.Context, in input, ref graph.Ref) (compile.Base, error) {
	b, err := r.resolve(ctx, in, ref)
	if err == nil && r.client.Target != graph.EntrypointState { // which needs no base
		err = foreign(b.Image.Platform, in.platform)
	}
	if err != nil {
		err = &spec.Error{File: in.graph.File, At: ref.At, Msg: "base " + ref.Name + ": " + err.Error()}
	}
	return b, err
}

// foreign reports an image of another platform than the one that is built for:
// a registry gives an image of one platform to whoever asks for it. An image
// that names none, such as one that is made from a directory, is taken as it is.
func foreign(image, target ocispecs.Platform) error {
	image, target = platforms.Normalize(image), platforms.Normalize(target)
	if image.OS == "" || image.Architecture == "" || image.OS == target.OS && image.Architecture == target.Architecture {
		return nil
	}
	return errors.Errorf("it is an image for %s, and the build is for %s; take a base that there is for that platform, or build with --platform %[1]s",
		platforms.Format(image), platforms.Format(target))
}

// warnTriggers tells of a base's ONBUILD instructions, which are for Dockerfiles.
func (r *request) warnTriggers(ctx context.Context, in input, base compile.Base) {
	triggers := base.Image.Config.OnBuild
	if len(triggers) == 0 || !r.isFirst(in) {
		return
	}
	r.source.Warn(ctx, "base "+in.graph.Base.Name+" has ONBUILD instructions, which a build file does not carry out: "+strings.Join(triggers, "; "), client.WarnOpts{
		Level:      1,
		SourceInfo: r.infoOf(in, in.graph.File),
		Range:      []*pb.Range{compile.Range(in.graph.Base.At)},
		Detail:     [][]byte{[]byte("do what they do in a setup script")},
	})
}

func (r *request) resolve(ctx context.Context, in input, ref graph.Ref) (compile.Base, error) {
	var out compile.Base
	named, err := reference.ParseNormalizedNamed(ref.Name)
	if err != nil {
		return out, err
	}
	named = reference.TagNameOnly(named)
	nc, err := r.client.NamedContext(named.String(), dockerui.ContextOpt{
		Platform:      &in.platform,
		ResolveMode:   r.client.ImageResolveMode.String(),
		CaptureDigest: &out.Digest,
	})
	if err != nil {
		return out, err
	}
	if nc == nil {
		return r.pull(ctx, in, named, ref)
	}
	st, img, err := nc.Load(ctx)
	if err != nil {
		return out, err
	}
	out.State = st.Platform(in.platform)
	if img != nil {
		out.Image = *img
	}
	return out, nil
}

// ahead asks for the base images of a build while its context is read. The
// answers are the gateway's to keep; mistakes are told to whoever asks next.
func (r *request) ahead(ctx context.Context, in input) {
	in.source = r.source.SourceMap
	bases := []spec.Text{in.file.Base, in.file.Setup.Base}
	for _, s := range in.file.Setup.Scripts {
		bases = append(bases, s.Base)
	}
	for _, base := range bases {
		if base.Value == "" {
			continue
		}
		go func() {
			var err error
			defer recovered(&err)
			named, err := reference.ParseNormalizedNamed(base.Value)
			if err != nil {
				return
			}
			named = reference.TagNameOnly(named)
			nc, err := r.client.NamedContext(named.String(), dockerui.ContextOpt{Platform: &in.platform})
			if err == nil && nc == nil {
				_, _ = r.pull(ctx, in, named, graph.Ref{Name: base.Value})
			}
		}()
	}
}

// pull resolves an image in its registry, through the client's source
// policies, and pins it to its digest.
func (r *request) pull(ctx context.Context, in input, named reference.Named, at graph.Ref) (compile.Base, error) {
	var out compile.Base
	if locked := r.lock.base(at.Name); locked != "" {
		var err error
		if named, err = reference.WithDigest(named, digest.Digest(locked)); err != nil {
			return out, err
		}
	}
	label := "internal"
	if r.client.MultiPlatformRequested {
		label = platforms.Format(in.platform) + " internal"
	}
	ref, dgst, config, err := r.gateway.ResolveImageConfig(ctx, named.String(), sourceresolver.Opt{
		LogName: "[" + label + "] load metadata for " + named.String(),
		ImageOpt: &sourceresolver.ResolveImageOpt{
			Platform:    &in.platform,
			ResolveMode: r.client.ImageResolveMode.String(),
		},
	})
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(config, &out.Image); err != nil {
		return out, errors.Wrap(err, "its configuration is not JSON")
	}
	pinned, err := pin(ref, dgst)
	if err != nil {
		return out, err
	}
	out.Digest, out.Assumed = dgst, dgst == ""
	st := llb.Image(pinned,
		llb.Platform(in.platform),
		r.client.ImageResolveMode,
		baseName(r, in, pinned),
		in.source.Location([]*pb.Range{compile.Range(at.At)}),
	)
	out.State, err = st.WithImageConfig(config)
	return out, err
}

// pin adds a digest to a reference that has none.
func pin(ref string, dgst digest.Digest) (string, error) {
	if dgst == "" || strings.Contains(ref, "@") {
		return ref, nil
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	canonical, err := reference.WithDigest(named, dgst)
	if err != nil {
		return "", err
	}
	return canonical.String(), nil
}

func baseName(r *request, in input, pinned string) llb.ConstraintsOpt {
	label := graph.BaseState
	if r.client.MultiPlatformRequested {
		label = platforms.Format(in.platform) + " " + label
	}
	return llb.WithCustomName("[" + label + "] " + pinned)
}
