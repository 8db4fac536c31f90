package frontend

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/graph"
)

// contract compares what the entrypoint scripts use with what setup has
// installed: the rules ask the solved setup state for files, and nothing is
// executed.
//
// To look into a state, the daemon has to have its layers. Those of a setup
// that was found in an imported cache are still in a registry, and a check
// must not pull them. Nobody tells a frontend which case it is. So where
// caches are imported, the contract is checked only if `# check=` (or the
// build argument BUILDKIT_DOCKERFILE_CHECK) asks for experimental rules.
//
// The whole image is made meanwhile.
func (b *checkedBuild) contract(ctx context.Context, in input, t *target, image client.Reference) error {
	config, err := b.lintConfig()
	if err != nil {
		return err
	}
	if !b.mayAsk(in.graph, config) {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	if caps := b.client.BuildOpts().Caps; image != nil && caps.Supports(gwpb.CapGatewayEvaluate) == nil {
		group.Go(func() error { return image.Evaluate(ctx) })
	}
	group.Go(func() error { return b.compare(ctx, in, t, config) })
	return group.Wait()
}

// compare asks the solved setup.
func (b *checkedBuild) compare(ctx context.Context, in input, t *target, config *linter.Config) error {
	files, err := b.setupFiles(ctx, t)
	if err != nil {
		return err
	}
	list := ""
	for _, v := range t.env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			list = value
		}
	}
	go files.listAhead(searched(list))
	reading, err := b.findings()
	if err != nil {
		return err
	}
	if !b.isFirst(in) {
		reading = rules.Read(b.checkInput(in, config))
	}
	findings := reading.Contract(files, list)
	if !b.isFirst(in) { // warnings are for the first platform
		findings = slices.DeleteFunc(findings, func(f check.Finding) bool { return f.Severity != check.Error })
	}
	return b.report(ctx, in, findings, config)
}

// searched are the directories that a check is going to look into.
func searched(list string) []string {
	dirs := []string{"etc"}
	for dir := range strings.SplitSeq(list, ":") {
		if path.IsAbs(dir) {
			dirs = append(dirs, strings.TrimPrefix(path.Clean(dir), "/"))
		}
	}
	return slices.DeleteFunc(dirs, func(dir string) bool { return !fs.ValidPath(dir) })
}

// checked is what solve returned, if the contract holds.
func (b *checkedBuild) checked(ctx context.Context, in input, t *target, res *dockerui.BuildResult, err error) (*dockerui.BuildResult, error) {
	if err == nil {
		err = b.verifyLock(ctx, in, t)
	}
	if err == nil {
		err = b.contract(ctx, in, t, res.Reference)
	}
	if err != nil {
		return nil, err
	}
	b.built.add(in, t)
	return res, nil
}

// mayAsk tells whether the setup state can be looked into, and whether anybody
// wants to know.
func (r *request) mayAsk(g *graph.Graph, config *linter.Config) bool {
	if config.SkipAll || !g.Runs() || len(g.Entrypoint) == 0 {
		return false
	}
	if t := r.client.Target; t != "" && t != graph.ImageState && t != graph.TestState {
		return false
	}
	return len(r.client.CacheImports) == 0 || config.ExperimentalAll || len(config.ExperimentalRules) > 0
}

// isFirst tells whether a platform is the one that warnings are for.
func (r *request) isFirst(in input) bool {
	all := r.client.TargetPlatforms
	return len(all) == 0 || platforms.Format(all[0]) == platforms.Format(in.platform)
}

// setupFiles solves the setup state, and waits for it.
func (r *request) setupFiles(ctx context.Context, t *target) (*contextFS, error) {
	ref, err := r.reference(ctx, &target{state: t.states.Setup, options: t.options})
	if err != nil {
		return nil, err
	}
	if ref == nil {
		return nil, errors.New("setup is empty")
	}
	return newContextFS(ctx, ref), nil
}
