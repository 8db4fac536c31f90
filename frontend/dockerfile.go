package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/narrow"
)

// splitArg turns the reading of a Dockerfile's scripts off.
const splitArg = "PGSTRATA_SPLIT"

// serveDockerfile answers a request whose build file is a Dockerfile. BuildKit's
// own frontend does, unless there is something to take apart, or the question is
// one that it does not know.
func (r *request) serveDockerfile(ctx context.Context) (*client.Result, error) {
	id, question := r.client.BuildOpts().Opts["requestid"]
	f, err := dockerfile.Parse(r.source.Filename, r.source.Data)
	if err != nil && id == PlanRequest {
		return nil, r.located(err)
	}
	if err != nil {
		return builder.Build(ctx, r.gateway) // it says so itself, with an excerpt
	}
	d := &dockerfileBuild{request: r, file: f}
	switch id {
	case PlanRequest:
		return d.answerPlan(ctx)
	case lint.RequestLint:
		return d.answerLint(ctx)
	case subrequests.RequestSubrequestsDescribe:
		return r.describe(ctx)
	case ObserveRequest:
		return d.answerObserve(ctx)
	}
	if question || r.splitOff() && r.tell == nil && !r.verifies() {
		return builder.Build(ctx, r.gateway)
	}
	if err := d.read(ctx, r.splitOff()); err != nil {
		return nil, err
	}
	err = d.askStages(ctx)
	if err == nil && (d.rewrites() || d.observed != nil) {
		var res *client.Result
		if res, err = d.build(ctx); err == nil {
			return res, nil
		}
	}
	if wrong := (unwritable{}); errors.As(err, &wrong) {
		return builder.Build(ctx, r.gateway) // it says so itself, with its warnings
	}
	if err != nil {
		return nil, err
	}
	if err := d.tellDecisions(ctx); err != nil { // why what is not rewritten stays as it is
		return nil, err
	}
	if r.verifies() {
		r.source.Warn(ctx, VerifyArg+": nothing was rewritten, so there is nothing to compare: BuildKit's own frontend builds "+r.source.Filename, client.WarnOpts{})
	}
	if r.kept != nil { // it takes as long as what BuildKit's frontend does before it builds
		r.kept.beside(func() error { return d.tellWhole(ctx) })
	} else {
		_ = d.tellWhole(ctx) // what is wrong with the build is for that to say
	}
	return builder.Build(ctx, r.gateway)
}

func (r *request) splitOff() bool { return isOff(r.client.BuildArgs[splitArg]) }

// isOff reports whether a build argument's value says no.
func isOff(value string) bool {
	switch strings.ToLower(value) {
	case "off", "0", "false", "no":
		return true
	}
	return false
}

// dockerfileBuild is a request whose build file is a Dockerfile.
type dockerfileBuild struct {
	*request
	file *dockerfile.File
	dockerfileReading
}

// dockerfileReading is what a Dockerfile comes to with its build context. Its
// zero value is that of a Dockerfile that has nothing to read.
type dockerfileReading struct {
	// whole says that BuildKit's own frontend builds the Dockerfile, as it is
	// written: there is nothing to rewrite, or nobody wants it.
	whole bool
	// onbuild says that it is so since a base image has triggers.
	onbuild bool
	// platforms has what was made of it for each platform, meanings what it
	// depends on.
	platforms []*dockerfile.Rewritten
	meanings  []dockerfile.Options
	// context is the build context, tree its files, both nil where none was
	// read; origin is the source that they come from.
	context *llb.State
	tree    *contextFS
	origin  string
	// observed is what was observed of the steps, nil where nothing was, or where it
	// does not count.
	observed *narrow.Record
}

// rewrites reports whether the rewritten Dockerfile is the one to build.
func (d *dockerfileReading) rewrites() bool { return len(d.platforms) > 0 && !d.whole }

// targets are the platforms to build for: the client's own unless it asks for
// others.
func (d *dockerfileBuild) targets() []ocispecs.Platform {
	if len(d.client.TargetPlatforms) > 0 {
		return d.client.TargetPlatforms
	}
	return d.client.BuildPlatforms[:1]
}

// meaning is what the Dockerfile's meaning depends on besides its text and
// context.
func (d *dockerfileBuild) meaning(p ocispecs.Platform) dockerfile.Options {
	rc := d.client
	return dockerfile.Options{
		Args: rc.BuildArgs, Predefined: predefined(rc.BuildPlatforms[0], p, rc.Target, rc.BuildArgs),
		Target: rc.Target, Platform: platforms.Format(p), NoExcludes: noExcludes(rc), NoDiff: !d.mergeDiff(), Whole: map[int]string{},
	}
}

// noExcludes reports whether the daemon's copies ignore exclude patterns, without
// a word.
func noExcludes(c *dockerui.Client) bool {
	caps := c.BuildOpts().LLBCaps
	return caps.Supports(pb.CapFileCopyIncludeExcludePatterns) != nil
}

// read reads the build context and rewrites the Dockerfile for each platform.
// Whole takes it as it is written all the same.
func (d *dockerfileBuild) read(ctx context.Context, whole bool) error {
	d.whole = whole
	if d.file.Target(d.client.Target) == nil {
		return nil // BuildKit's frontend says so
	}
	var files fs.FS = oneFile{} // of a Dockerfile that copies nothing
	follow, copies := d.followed()
	if copies {
		var err error
		if d.context, d.tree, err = d.readContext(ctx, follow...); err != nil {
			return err
		}
		d.origin = origin(ctx, *d.context)
		files = d.tree
	}
	for _, p := range d.targets() {
		opt := d.meaning(p)
		opt.Context = files
		opt.Base = func(name string) *ocispecs.ImageConfig {
			img := d.baseConfig(ctx, name, p)
			if img == nil {
				return nil
			}
			d.onbuild = d.onbuild || len(img.Config.OnBuild) > 0
			return &img.Config.ImageConfig
		}
		d.meanings = append(d.meanings, opt)
	}
	if err := d.rewrite(); err != nil {
		return err
	}
	d.whole = whole || d.whole || d.onbuild
	if !whole {
		return d.readRecord(ctx)
	}
	return nil
}

// rewrite rewrites the Dockerfile for each platform.
func (d *dockerfileBuild) rewrite() error {
	d.platforms = nil
	changed := false
	for _, opt := range d.meanings {
		out, err := dockerfile.Rewrite(d.file, opt)
		if err != nil {
			return err
		}
		d.platforms = append(d.platforms, out)
		changed = changed || out.Changed
	}
	d.whole = !changed && (!rewriteAll || d.tree == nil)
	return nil
}

// followed limits the build context to what the platforms copy of it; copies
// is false where none copies anything.
func (d *dockerfileBuild) followed() (opts []llb.LocalOption, copies bool) {
	var follow []string
	for _, p := range d.targets() {
		paths, all := d.file.ContextPaths(d.meaning(p))
		if all {
			return nil, true
		}
		follow = append(follow, paths...)
	}
	if len(follow) == 0 {
		return nil, false
	}
	slices.Sort(follow)
	return []llb.LocalOption{llb.FollowPaths(slices.Compact(follow))}, true
}

// baseConfig is a base image's configuration; nil when it cannot be told. An
// image that cannot be resolved is an error of the build itself.
func (d *dockerfileBuild) baseConfig(ctx context.Context, name string, p ocispecs.Platform) *dockerspec.DockerOCIImage {
	rc := d.client
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
