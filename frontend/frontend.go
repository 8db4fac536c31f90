// Package frontend is pgstrata as BuildKit sees it: a function that reads a
// build file and its context through a gateway client and answers with a
// solved image for each platform.
//
// The same function runs in the frontend image and in `pgstrata build`.
package frontend

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/release"
)

// Build is the frontend. It answers subrequests (targets, outline, lint, convertllb)
// and builds; it has the type of a client.BuildFunc.
func Build(ctx context.Context, c client.Client) (*client.Result, error) {
	return build(ctx, c, nil)
}

func build(ctx context.Context, c client.Client, tell func(Resolved)) (res *client.Result, err error) {
	defer recovered(&err)
	r, err := newRequest(ctx, c)
	if err != nil {
		return nil, err
	}
	r.tell = tell
	if r.keeps() {
		r.kept = newKeeper()
		r.tell = r.kept.tell
	}
	if r.kind == dockerfile.Dockerfile {
		res, err = r.serveDockerfile(ctx)
	} else {
		res, err = r.serve(ctx)
		err = r.locate(err)
	}
	if err == nil {
		r.kept.keep(res)
	}
	return res, err
}

// Definition returns the definition that Build would solve for the first
// platform, of a local build context. It names the build context, but no session: whoever solves it
// gives the context with its own.
func Definition(ctx context.Context, c client.Client) (_ *pb.Definition, err error) {
	defer recovered(&err)
	r, err := newRequest(ctx, c)
	if err != nil {
		return nil, err
	}
	if r.kind == dockerfile.Dockerfile {
		return r.dockerfileDefinition(ctx)
	}
	def, err := r.definition(ctx)
	if err != nil {
		return nil, r.locate(err)
	}
	return def.ToPB(), nil
}

// request is one build request.
type request struct {
	client  *dockerui.Client
	gateway *gateway
	source  *dockerui.Source
	kind    dockerfile.Kind
	// tell is told of each platform's build before it runs; may be nil.
	tell func(Resolved)
	// kept makes the records that the daemon keeps, nil where it keeps none.
	kept *keeper
	lock lockFile
	// offline tells that a folder answers in the daemon's place, and now is the
	// time of the build; zero for the clock's.
	offline bool
	// lenient leaves out of a build file's lists what the context does not have.
	lenient bool
	now     time.Time
}

// keeps reports whether the daemon is to keep the build's records: where a client is
// told, that one does. What is not read for the build is not read for a record.
func (r *request) keeps() bool {
	_, question := r.client.BuildOpts().Opts["requestid"]
	return r.tell == nil && !question && (r.kind != dockerfile.Dockerfile || !r.splitOff())
}

func newRequest(ctx context.Context, c client.Client) (*request, error) {
	g := newGateway(c)
	bc, err := dockerui.NewClient(g)
	if err != nil {
		return nil, errors.Wrap(err, "this BuildKit daemon cannot run pgstrata")
	}
	src, err := bc.ReadEntrypoint(ctx, "yaml", besides(c.BuildOpts().Opts), firstLine(c.BuildOpts().Opts))
	if err != nil {
		return nil, err
	}
	kind, err := dockerfile.Detect(src.Filename, src.Data)
	if err != nil {
		return nil, err
	}
	if kind == dockerfile.Dockerfile {
		src.Language = "Dockerfile"
	}
	return &request{client: bc, gateway: g, source: src, kind: kind}, nil
}

// firstLine names the vertex that a build's progress begins with, so that it tells
// which frontend made the build.
func firstLine(opts map[string]string) llb.ConstraintsOpt {
	name := cmp.Or(opts["filename"], dockerui.DefaultDockerfileName)
	return dockerui.WithInternalName(fmt.Sprintf("load build definition from %s, by %s", name, release.Current().Name()))
}

func (r *request) definition(ctx context.Context) (*llb.Definition, error) {
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	in := inputs[0]
	if in.context, err = r.portableContext(ctx, inputs); err != nil {
		return nil, err
	}
	in.source = llb.NewSourceMap(nil, r.source.Filename, r.source.Language, r.source.Data)
	t, err := r.compile(ctx, in, llb.LocalUniqueID(dockerui.DefaultLocalNameContext))
	if err != nil {
		return nil, err
	}
	return t.definition, nil
}

// recovered turns a panic into an error: a user sees what to report, never a
// stack in place of a message.
func recovered(err *error) { //nolint:gocritic // a deferred function can change the error in no other way
	if p := recover(); p != nil {
		*err = errors.Errorf("pgstrata failed with a bug of its own, please report it: %v\n%s\n%s", p, release.Current(), debug.Stack())
	}
}

func (r *request) serve(ctx context.Context) (*client.Result, error) {
	if r.verifies() {
		return nil, errors.Errorf("%s compares the two ways to build a Dockerfile; %s is a build file", VerifyArg, r.source.Filename)
	}
	if res, ok, err := r.serveOwn(ctx); ok {
		return res, err
	}
	if res, ok, err := r.client.HandleSubrequest(ctx, r.handler()); ok || err != nil {
		return res, err
	}
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	r.warnUndeclared(ctx, inputs)
	if err := r.checkLock(ctx, inputs); err != nil {
		return nil, err
	}
	b := r.checkedBuild(ctx, inputs[0])
	rb, err := r.client.Build(ctx, func(ctx context.Context, _ *ocispecs.Platform, idx int) (_ *dockerui.BuildResult, err error) {
		defer recovered(&err)
		return b.build(ctx, inputs[idx])
	})
	if err != nil {
		return nil, err
	}
	if err := r.attestSources(ctx, rb, b.built); err != nil {
		return nil, err
	}
	return rb.Finalize()
}

// checkedBuild is a request to build, while the rules read what is built.
type checkedBuild struct {
	*request
	// findings waits for the rules. It returns what they read of the first
	// platform's input, and the error where that ends the build.
	findings func() (*check.Checker, error)
	// built are the targets that were built.
	built *builtTargets
}

// checkedBuild starts the rules. They take as long as all else that is done before
// anything is built.
func (r *request) checkedBuild(ctx context.Context, first input) *checkedBuild {
	b := &checkedBuild{request: r, built: &builtTargets{}, findings: sync.OnceValues(func() (_ *check.Checker, err error) {
		defer recovered(&err)
		return r.warnFindings(ctx, first)
	})}
	go b.findings() //nolint:errcheck // whoever needs it is told
	return b
}

// build builds one platform's target. Where setup has a base of its own and a
// library turns out to be missing on the image's, the build file may ask for
// isolated scripts to run on the latter.
func (b *checkedBuild) build(ctx context.Context, in input) (_ *dockerui.BuildResult, err error) {
	t, err := b.compile(ctx, in)
	if _, wrong := b.findings(); wrong != nil {
		return nil, wrong
	}
	if err != nil {
		return nil, err
	}
	if err := b.withheld(ctx, in, t); err != nil {
		return nil, err
	}
	defer func() { err = b.explain(ctx, in, t, err) }()
	b.warnTriggers(ctx, in, t.options.Base)
	b.prime(ctx, in, t)
	res, err := b.solve(ctx, t)
	var exit *gwpb.ExitError
	mayRebuild := t.options.ToolchainBase != nil && in.graph.Toolchain.Rebuild
	if !mayRebuild || !errors.As(err, &exit) || exit.ExitCode != compile.MissingLibraryExit {
		return b.checked(ctx, in, t, res, err)
	}
	b.source.Warn(ctx, "libraries are missing on "+in.graph.Base.Name+": isolated scripts run on it, not on "+in.graph.Toolchain.Base.Name, client.WarnOpts{
		Range: []*pb.Range{compile.Range(in.graph.Toolchain.Base.At)},
	})
	in.graph.Toolchain.Base = graph.Ref{}
	if t, err = b.compile(ctx, in); err != nil {
		return nil, err
	}
	res, err = b.solve(ctx, t)
	return b.checked(ctx, in, t, res, err)
}

// target is what one platform's request comes down to.
type target struct {
	state     compile.State
	states    *compile.States
	image     *dockerspec.DockerOCIImage
	baseImage *dockerspec.DockerOCIImage
	env       []string // of a container of the finished image
	options   compile.Options
	// definition is the state's; nil until it is written.
	definition *llb.Definition
}

// compile resolves and compiles one platform's graph and picks the target.
func (r *request) compile(ctx context.Context, in input, opts ...llb.ConstraintsOpt) (*target, error) {
	opt, err := r.options(ctx, in)
	if err != nil {
		return nil, err
	}
	states, err := compile.Graph(in.graph, opt)
	if err != nil {
		return nil, err
	}
	t := &target{options: opt, states: states, env: states.Config.Config.Env}
	if opt.Base.Image.OS != "" { // a named context may have no image
		base := opt.Base.Image
		t.baseImage = &base
	}
	switch name := r.client.Target; name {
	case "", graph.ImageState:
		t.state, t.image = states.Image, states.Config
	case graph.SetupState:
		t.state, t.image = states.Setup, compile.SetupConfig(opt, states.Setup)
	case graph.EntrypointState:
		t.state, t.image, t.baseImage = states.Entrypoint, compile.EmptyConfig(opt, states.Entrypoint), nil
	case graph.SymbolsState:
		if !in.graph.Symbols {
			return nil, errors.Errorf("target symbols needs isolated scripts and `debug_symbols: apart` under setup in %s", in.graph.File)
		}
		t.state, t.image, t.baseImage = states.Symbols, compile.EmptyConfig(opt, states.Symbols), nil
	case graph.TestState:
		if len(in.graph.Tests) == 0 {
			return nil, errors.Errorf("target test needs tests in %s, and there are none", in.graph.File)
		}
		t.state, t.image, t.baseImage = states.Tests, compile.EmptyConfig(opt, states.Tests), nil
	case graph.CachesTarget:
		if err := r.caches(ctx, in, t); err != nil {
			return nil, err
		}
	default:
		st, ok := states.Outputs[trimNode(name)]
		if !ok {
			return nil, unknownTarget(name, in.graph.Targets())
		}
		t.state, t.image, t.baseImage = st, compile.EmptyConfig(opt, st), nil
	}
	if err := r.marshal(ctx, t, opts...); err != nil {
		return nil, err
	}
	if r.tell != nil && r.client.Target != graph.CachesTarget { // which is no build that a record tells of
		r.tell(r.resolved(ctx, in, t))
	}
	return t, nil
}

// marshal writes a target's definition.
func (r *request) marshal(ctx context.Context, t *target, opts ...llb.ConstraintsOpt) (err error) {
	opts = append(opts, llb.WithCaps(r.client.BuildOpts().LLBCaps), llb.Platform(t.options.Platform))
	t.definition, err = t.state.Marshal(ctx, opts...)
	return errors.Wrap(err, "cannot write the LLB definition")
}

// solve hands a target to the daemon, and waits for its end.
func (r *request) solve(ctx context.Context, t *target) (*dockerui.BuildResult, error) {
	ref, err := r.reference(ctx, t)
	if err != nil {
		return nil, err
	}
	return &dockerui.BuildResult{
		Reference: ref,
		Image:     t.image,
		BaseImage: t.baseImage,
		Epoch:     t.options.Epoch,
	}, nil
}

// reference is the daemon's handle of a target's state; nil for an empty one.
func (r *request) reference(ctx context.Context, t *target) (client.Reference, error) {
	if t.definition == nil {
		if err := r.marshal(ctx, t); err != nil {
			return nil, err
		}
	}
	res, err := r.gateway.Solve(ctx, client.SolveRequest{
		Evaluate:     true,
		Definition:   t.definition.ToPB(),
		CacheImports: r.client.CacheImports,
	})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}
