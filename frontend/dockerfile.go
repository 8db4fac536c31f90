package frontend

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// splitArg turns the reading of a Dockerfile's scripts off.
const splitArg = "PGSTRATA_SPLIT"

// serveDockerfile answers a request whose build file is a Dockerfile. BuildKit's
// own frontend does, unless there is something to take apart, or the question is
// one that it does not know.
func (r *request) serveDockerfile(ctx context.Context) (*client.Result, error) {
	f, err := dockerfile.Parse(r.source.Filename, r.source.Data)
	if err != nil {
		return builder.Build(ctx, r.gateway) // it says so itself, with an excerpt
	}
	d := &dockerfileBuild{request: r, file: f}
	id, question := r.client.BuildOpts().Opts["requestid"]
	switch id {
	case PlanRequest:
		return d.answerPlan(ctx)
	case lint.RequestLint:
		return d.answerLint(ctx)
	case subrequests.RequestSubrequestsDescribe:
		return r.describe(ctx)
	}
	if question || r.splitOff() && r.tell == nil {
		return builder.Build(ctx, r.gateway)
	}
	if err := d.readFor(ctx, r.splitOff()); err != nil {
		return nil, err
	}
	if d.client != nil {
		return d.build(ctx)
	}
	if !r.splitOff() {
		if err := d.tellDecisions(ctx); err != nil {
			return nil, err
		}
	}
	d.tellWhole(ctx)
	return builder.Build(ctx, r.gateway)
}

func (r *request) splitOff() bool {
	switch strings.ToLower(r.client.BuildArgs[splitArg]) {
	case "off", "0", "false", "no":
		return true
	}
	return false
}

// dockerfileBuild builds a Dockerfile that was rewritten.
type dockerfileBuild struct {
	*request
	file *dockerfile.File
	// client sees what stands in for squashed stages, in the place of the
	// request's own; nil when nothing is rewritten.
	client *dockerui.Client
	// rewritten has an entry for each platform.
	rewritten []*dockerfile.Rewritten
	// tree are the files of the build context, nil where none is needed; origin
	// is the source that they come from.
	tree   *contextFS
	origin string
}

// platforms are those to build for, the client's own unless it asks for others.
func (d *dockerfileBuild) platforms() []ocispecs.Platform {
	if len(d.request.client.TargetPlatforms) > 0 {
		return d.request.client.TargetPlatforms
	}
	return d.request.client.BuildPlatforms[:1]
}

// meaning is what the Dockerfile's meaning depends on besides its text and
// context.
func (d *dockerfileBuild) meaning(p ocispecs.Platform) dockerfile.Options {
	rc := d.request.client
	return dockerfile.Options{
		Args: rc.BuildArgs, Predefined: predefined(rc.BuildPlatforms[0], p, rc.Target, rc.BuildArgs),
		Target: rc.Target, Platform: platforms.Format(p),
	}
}

// read reads the build context and rewrites the Dockerfile for each platform.
func (d *dockerfileBuild) read(ctx context.Context) error {
	rc := d.request.client
	target := d.file.Target(rc.Target)
	if target == nil {
		return nil // BuildKit's frontend says so
	}
	var options []dockerfile.Options
	for _, p := range d.platforms() {
		options = append(options, d.meaning(p))
	}
	var local []llb.LocalOption
	if paths, all := d.file.ContextPaths(options[0]); !all {
		if len(paths) == 0 {
			return nil // nothing is copied, so there are no scripts to read
		}
		local = append(local, llb.FollowPaths(paths))
	}
	st, tree, err := d.context(ctx, local)
	if err != nil {
		return err
	}
	d.tree, d.origin = tree, origin(ctx, st)
	changed, onbuild := false, false
	for i, p := range d.platforms() {
		opt := options[i]
		opt.Context = tree
		opt.Base = func(name string) *ocispecs.ImageConfig {
			img := d.baseConfig(ctx, name, p)
			if img == nil {
				return nil
			}
			onbuild = onbuild || len(img.Config.OnBuild) > 0
			return &img.Config.ImageConfig
		}
		out, err := dockerfile.Rewrite(d.file, opt)
		if err != nil {
			return err
		}
		d.rewritten = append(d.rewritten, out)
		changed = changed || out.Changed
	}
	if !changed || onbuild {
		return nil
	}
	return d.newClient(st)
}

// newClient makes the client that the rewritten Dockerfile is built with. It
// has the context that was read.
func (d *dockerfileBuild) newClient(context llb.State) error {
	g := d.gateway
	g.setInput(dockerui.DefaultLocalNameContext, context)
	var stages map[string][]string
	if len(d.rewritten) > 0 {
		stages = d.rewritten[0].Stages
	}
	var err error
	d.client, err = dockerui.NewClient(&withStages{Client: g, stages: stages})
	return err
}

// context solves the build context, and returns it with its files.
func (d *dockerfileBuild) context(ctx context.Context, opts []llb.LocalOption) (llb.State, *contextFS, error) {
	state, err := d.request.client.MainContext(ctx, opts...)
	if err != nil {
		return llb.State{}, nil, err
	}
	def, err := state.Marshal(ctx, llb.WithCaps(d.request.client.BuildOpts().Caps))
	if err != nil {
		return llb.State{}, nil, err
	}
	res, err := d.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return llb.State{}, nil, errors.Wrap(err, "cannot read the build context")
	}
	ref, err := res.SingleRef()
	if err != nil {
		return llb.State{}, nil, err
	}
	return *state, newContextFS(ctx, ref), nil
}

// baseConfig is a base image's configuration; nil when it cannot be told. An
// image that cannot be resolved is an error of the build itself.
func (d *dockerfileBuild) baseConfig(ctx context.Context, name string, p ocispecs.Platform) *dockerspec.DockerOCIImage {
	rc := d.request.client
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil
	}
	nc, err := rc.NamedContext(name, dockerui.ContextOpt{Platform: &p, ResolveMode: rc.ImageResolveMode.String()})
	if err != nil {
		return nil
	}
	if nc != nil {
		_, img, err := nc.Load(ctx)
		if err != nil {
			return nil
		}
		return img
	}
	_, _, config, err := d.gateway.ResolveImageConfig(ctx, reference.TagNameOnly(named).String(), sourceresolver.Opt{
		LogName:  "[internal] load metadata for " + reference.TagNameOnly(named).String(),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p, ResolveMode: rc.ImageResolveMode.String()},
	})
	img := &dockerspec.DockerOCIImage{}
	if err != nil || json.Unmarshal(config, img) != nil {
		return nil
	}
	return img
}

// withStages is a client that also names the stages that one stage became,
// where it is asked to build that without cache.
type withStages struct {
	client.Client
	stages map[string][]string
}

// BuildOpts implements client.Client.
func (w *withStages) BuildOpts() client.BuildOpts {
	opts := w.Client.BuildOpts()
	names := opts.Opts["no-cache"]
	if names == "" {
		return opts
	}
	opts.Opts = maps.Clone(opts.Opts)
	for _, name := range strings.Split(names, ",") {
		for stage, parts := range w.stages {
			if strings.EqualFold(stage, name) {
				opts.Opts["no-cache"] += "," + strings.Join(parts, ",")
			}
		}
	}
	return opts
}

// convert turns a Dockerfile to LLB by BuildKit's own compiler.
func (d *dockerfileBuild) convert(ctx context.Context, text []byte, bc *dockerui.Client, target string, p *ocispecs.Platform) (*dockerfile2llb.Result, error) {
	config := bc.Config
	config.Target = target
	config.BuildArgs = maps.Clone(config.BuildArgs)
	return dockerfile2llb.Dockerfile2LLB(ctx, text, dockerfile2llb.ConvertOpt{
		Config: config, Client: bc, SourceMap: d.source.SourceMap, MetaResolver: d.gateway, TargetPlatform: p,
	})
}
