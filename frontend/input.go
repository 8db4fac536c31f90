package frontend

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/suggest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

const epochArg = "SOURCE_DATE_EPOCH"

// input is what one platform's image is made from.
type input struct {
	platform ocispecs.Platform
	options  spec.Options
	file     *spec.File
	graph    *graph.Graph
	context  llb.State
	// now is the time that max_age counts by.
	now time.Time
	// files are what of the build context was sent.
	files *contextFS
	// source is the build file as vertices point at it.
	source *llb.SourceMap
}

// read loads the build file for each platform, transfers what they need of the
// build context, and resolves their graphs.
func (r *request) read(ctx context.Context) ([]input, error) {
	inputs, err := r.load()
	if err != nil {
		return nil, err
	}
	if err := r.readLock(ctx); err != nil {
		return nil, err
	}
	now := r.now
	if now.IsZero() {
		now = time.Now()
	}
	if epoch, err := r.epoch(ctx); err != nil {
		return nil, err
	} else if epoch != nil {
		now = *epoch
	}
	if _, question := r.client.BuildOpts().Opts["requestid"]; !question && !r.offline {
		for _, in := range inputs {
			r.ahead(ctx, in)
		}
	}
	state, tree, err := r.readContext(ctx, contextOptions(inputs)...)
	if err != nil {
		return nil, err
	}
	if !r.offline {
		go tree.walkAhead()
	}
	for i := range inputs {
		in := &inputs[i]
		in.context, in.files, in.source = *state, tree, r.source.SourceMap
		if r.lenient {
			in.file.DropMissing(tree)
		}
		if err := in.file.Discover(tree); err != nil {
			return nil, err
		}
		if !r.offline {
			go tree.readAhead(in.reads())
		}
		in.now = now
		if in.graph, err = r.resolveGraph(*in, in.file); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// resolveGraph resolves the graph of a platform's build file, or of one that was
// made of it.
func (r *request) resolveGraph(in input, f *spec.File) (*graph.Graph, error) {
	return graph.New(f, in.files, graph.Options{
		Platform:   platforms.Format(in.platform),
		Predefined: in.options.Predefined,
		Now:        in.now,
		Pins:       r.lock.pins(platforms.Format(in.platform)),
		BasePins:   r.lock.basePins(platforms.Format(in.platform)),
		Sources:    r.lock.sources(),
	})
}

// reads lists what is read of the context in any case: by the graph, or by
// the rules.
func (in *input) reads() []string {
	var out []string
	for _, s := range slices.Concat(in.file.Setup.Scripts, in.file.Setup.FinalCleanup) {
		out = append(out, s.Path.Value)
	}
	e := in.file.Entrypoint
	if e.Script != nil {
		out = append(out, e.Script.Value)
	}
	for _, t := range slices.Concat(e.RuntimeScripts, e.UtilityScripts) {
		out = append(out, t.Value)
	}
	for _, c := range e.ConfigurationFiles {
		out = append(out, c.Source.Value)
	}
	return out
}

// load reads the build file once for each platform, since its text may use
// TARGETARCH and the like.
func (r *request) load() ([]input, error) {
	targets := r.client.TargetPlatforms
	if len(targets) == 0 {
		targets = []ocispecs.Platform{r.client.BuildPlatforms[0]}
	}
	name := path.Base(r.source.Filename)
	var inputs []input
	for _, p := range targets {
		opt := spec.Options{
			BuildArgs:  r.client.BuildArgs,
			Predefined: predefined(r.client.BuildPlatforms[0], p, r.client.Target, r.client.BuildArgs),
		}
		f, err := spec.Load(name, r.source.Data, opt)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, input{platform: p, options: opt, file: f})
	}
	return inputs, nil
}

// predefined are the args that BuildKit defines for every build file.
func predefined(build, target ocispecs.Platform, stage string, args map[string]string) map[string]string {
	if stage == "" {
		stage = graph.ImageState
	}
	out := map[string]string{
		"BUILDPLATFORM":  platforms.Format(build),
		"BUILDOS":        build.OS,
		"BUILDARCH":      build.Architecture,
		"BUILDVARIANT":   build.Variant,
		"TARGETPLATFORM": platforms.Format(target),
		"TARGETOS":       target.OS,
		"TARGETARCH":     target.Architecture,
		"TARGETVARIANT":  target.Variant,
		"TARGETSTAGE":    stage,
	}
	for name := range out {
		if v, ok := args[name]; ok {
			out[name] = v
		}
	}
	if v, ok := args[epochArg]; ok {
		out[epochArg] = v
	}
	return out
}

// readContext solves the build context, limited to what is asked for, and returns
// it with its files. The state that is read here is the one that the build uses,
// so the client sends everything once.
func (r *request) readContext(ctx context.Context, opts ...llb.LocalOption) (*llb.State, *contextFS, error) {
	state, err := r.client.MainContext(ctx, opts...)
	if err != nil {
		return nil, nil, err
	}
	def, err := state.Marshal(ctx, llb.WithCaps(r.client.BuildOpts().Caps))
	if err != nil {
		return nil, nil, err
	}
	res, err := r.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return nil, nil, errors.Wrap(err, "cannot read the build context")
	}
	ref, err := res.SingleRef()
	if err != nil {
		return nil, nil, err
	}
	return state, newContextFS(ctx, ref), nil
}

// contextOptions limit a local context to what the build files need.
func contextOptions(inputs []input) []llb.LocalOption {
	var globs, paths []string
	for _, in := range inputs {
		g, p := in.file.ContextPatterns()
		globs, paths = append(globs, g...), append(paths, p...)
	}
	slices.Sort(globs)
	slices.Sort(paths)
	opts := []llb.LocalOption{llb.FollowPaths(slices.Compact(paths))}
	if len(globs) > 0 {
		opts = append(opts, llb.IncludePatterns(slices.Compact(globs)))
	}
	return opts
}

// portableContext is a local build context without the session that it was
// read in.
func (r *request) portableContext(ctx context.Context, inputs []input) (llb.State, error) {
	opts := contextOptions(inputs)
	excludes, err := r.client.DockerIgnorePatterns(ctx)
	if err != nil {
		return llb.State{}, err
	}
	if len(excludes) > 0 {
		opts = append(opts, llb.ExcludePatterns(excludes))
	}
	return *dockerui.DefaultMainContext(opts...), nil
}

// warnUndeclared warns of build args that do nothing, as the Dockerfile
// frontend does.
func (r *request) warnUndeclared(ctx context.Context, inputs []input) {
	names := inputs[0].file.Undeclared(inputs[0].options)
	if len(names) == 0 {
		return
	}
	r.source.Warn(ctx, "One or more build-args were not consumed: "+strings.Join(names, ", "), client.WarnOpts{
		Detail: [][]byte{[]byte("Declare them under args in " + r.source.Filename + ", or leave them out.")},
	})
}

// trimNode takes the state's name off a script's node name.
func trimNode(name string) string {
	return strings.TrimPrefix(name, graph.SetupState+"/")
}

func unknownTarget(name string, targets []string) error {
	err := errors.Errorf("target %q is none of %s", name, strings.Join(targets, ", "))
	return suggest.WrapError(err, name, targets, true)
}
