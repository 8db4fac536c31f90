package frontend

import (
	"context"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// askStages asks the stages below the steps of drivers whether they hold anything
// beside the copied files that a driver would run, or that decides what it runs.
// What depends on a place where there is more stays whole.
func (d *dockerfileBuild) askStages(ctx context.Context) error {
	for d.rewrites() {
		found := false
		for idx := range d.platforms {
			line, file, err := d.beside(ctx, idx)
			if err != nil {
				return d.failed(ctx, idx, err)
			}
			if file != "" {
				found = true
				for _, opt := range d.meanings { // the decisions are told once, for all platforms
					opt.Whole[line] = file
				}
			}
		}
		if !found {
			return nil
		}
		if err := d.rewrite(); err != nil {
			return err
		}
	}
	return nil
}

// unask rewrites the Dockerfile without the answers of any stage.
func (d *dockerfileBuild) unask() error {
	for i := range d.meanings {
		d.meanings[i].Unasked = true
	}
	return d.rewrite()
}

// failed is the error of what comes before the steps of a driver: what is wrong
// with the Dockerfile as it is written, or else with a step. What was done to it
// is told all the same.
func (d *dockerfileBuild) failed(ctx context.Context, idx int, err error) error {
	if _, err := d.original(ctx, d.compiler(idx).platform, idx); err != nil {
		return err
	}
	if err := d.tellDecisions(ctx); err != nil {
		return err
	}
	return err
}

// beside tells which RUN, by its line, stays whole on a platform, and for which file:
// the first of them, as those below it are built on it.
func (d *dockerfileBuild) beside(ctx context.Context, idx int) (line int, file string, err error) {
	c := d.compiler(idx)
	for _, s := range d.platforms[idx].Squashes {
		if len(s.Alone) > 0 {
			ref, err := c.lower(ctx, s)
			if err != nil {
				return 0, "", err
			}
			if file, err = holds(ctx, ref, s.Alone); err != nil || file != "" {
				return s.Line, file, err
			}
		}
		if err := c.squash(ctx, s); err != nil {
			return 0, "", err
		}
	}
	return 0, "", nil
}

// lower solves the stage below the steps of a RUN.
func (c *compiler) lower(ctx context.Context, s dockerfile.Squash) (client.Reference, error) {
	res, err := c.convert(ctx, c.rewritten.Text, s.Lower)
	if err != nil {
		return nil, err
	}
	def, err := res.State.Marshal(ctx)
	if err != nil {
		return nil, err
	}
	out := def.ToPB()
	relate(out, c.rewritten)
	solved, err := c.gateway.Solve(ctx, client.SolveRequest{Definition: out, Evaluate: true, CacheImports: c.client.CacheImports})
	if err != nil {
		return nil, err
	}
	return solved.SingleRef()
}

// holds names what a root has beside the files that may be there, "" for nothing.
func holds(ctx context.Context, ref client.Reference, list []dockerfile.Alone) (string, error) {
	if ref == nil {
		return "", nil
	}
	names := map[string][]string{} // by directory
	for _, a := range list {
		dir := path.Dir(a.Pattern)
		if _, known := names[dir]; !known {
			entries, err := ref.ReadDir(ctx, client.ReadDirRequest{Path: dir})
			if err != nil && !isMissing(err) {
				return "", err
			}
			names[dir] = []string{}
			for _, e := range entries {
				names[dir] = append(names[dir], path.Base(e.Path))
			}
		}
		if more := a.Beside(names[dir]); len(more) > 0 {
			return more[0], nil
		}
	}
	return "", nil
}

// isMissing reports whether an error of the daemon says that there is no such
// directory.
func isMissing(err error) bool {
	return grpcerrors.Code(err) == codes.NotFound || strings.Contains(err.Error(), "no such file or directory") || strings.Contains(err.Error(), "not a directory")
}
