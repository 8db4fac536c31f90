package corpus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/tonistiigi/fsutil"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// prover builds specimens both ways, on one daemon.
type prover struct {
	env      *testenv.Env
	frontend gateway.BuildFunc
	images   *images
	built    *atomic.Int64
}

func newProver(env *testenv.Env) *prover {
	return &prover{env: env, frontend: frontend.Build, images: &images{layers: map[v1.Hash][]entry{}}, built: new(atomic.Int64)}
}

// outcome is what came of one build.
type outcome struct {
	trace *testenv.Trace
	image *image // nil when it failed
	err   error
}

// end is 0 for a build that succeeded, the exit code of the program that
// failed, and -1 when none was run.
func (o *outcome) end() int {
	if code := exitCode(o.err); o.err == nil || code > 0 {
		return code
	}
	return -1
}

// verdict is what the comparison of two builds comes to.
type verdict struct {
	decisions  []string // what pgstrata told of the Dockerfile
	mismatches []string // what is not as it has to be
	traces     string   // of both builds
	ends       [2]int   // how the builds ended, see outcome.end
}

// prove builds a specimen by dockerfile.v0 and through pgstrata. The error is
// one of the test itself.
func (p *prover) prove(ctx context.Context, s *specimen) (*verdict, error) {
	dir, err := os.MkdirTemp("", "corpus-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := s.write(dir); err != nil {
		return nil, err
	}
	for _, image := range s.images {
		if err := p.prebuild(ctx, dir, image); err != nil {
			return nil, err
		}
	}
	want, err := p.build(ctx, s, dir, "dockerfile.v0")
	if err != nil {
		return nil, err
	}
	got, err := p.build(ctx, s, dir, "")
	if err != nil {
		return nil, err
	}
	v := &verdict{
		decisions:  decisions(got.trace),
		mismatches: s.judge(want, got),
		traces:     "dockerfile.v0:\n" + want.trace.String() + "pgstrata:\n" + got.trace.String(),
		ends:       [2]int{want.end(), got.end()},
	}
	if len(v.mismatches) == 0 && want.err == nil {
		err = p.warm(ctx, s, dir, v)
	}
	return v, err
}

// build builds a specimen, by the frontend of that name or by pgstrata.
func (p *prover) build(ctx context.Context, s *specimen, dir, name string) (*outcome, error) {
	image := fmt.Sprintf("corpus/%d", p.built.Add(1))
	r := testenv.Request{Context: dir, Options: maps.Clone(s.options), Image: image}
	r.Frontend = name
	if name == "" {
		r.Func = p.frontend
	}
	for name, folder := range s.contexts {
		files, err := fsutil.NewFS(filepath.Join(dir, folder))
		if err != nil {
			return nil, err
		}
		r.Options["context:"+name] = "local:" + name
		if r.LocalMounts == nil {
			r.LocalMounts = map[string]fsutil.FS{}
		}
		r.LocalMounts[name] = files
	}
	if len(s.secrets) > 0 {
		r.Session = append(r.Session, secretsprovider.FromMap(s.secrets))
	}
	res, failure := p.env.Daemon.Build(ctx, r)
	if res == nil || ctx.Err() != nil {
		return nil, errors.Join(failure, ctx.Err())
	}
	out := &outcome{trace: res.Trace, err: failure}
	if failure == nil {
		var err error
		if out.image, err = p.images.read(p.env.Registry.Ref(image)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *prover) prebuild(ctx context.Context, dir string, image prebuilt) error {
	r := testenv.Request{Context: dir, Image: "corpus/" + image.name, Options: map[string]string{"filename": image.dockerfile}}
	r.Frontend = "dockerfile.v0"
	_, err := p.env.Daemon.Build(ctx, r)
	return err
}
