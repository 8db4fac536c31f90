//go:build explore

package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"
	"sync"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	bk "github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	dfb "github.com/moby/buildkit/frontend/dockerfile/builder"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/testenv"
)

type timed struct {
	client.Client
	start time.Time
	mu *sync.Mutex
	out *[]string
}

func (c timed) note(s time.Time, what string) {
	c.mu.Lock()
	*c.out = append(*c.out, fmt.Sprintf("%6.1f +%5.1f %s", s.Sub(c.start).Seconds()*1000, time.Since(s).Seconds()*1000, what))
	c.mu.Unlock()
}

func (c timed) Solve(ctx context.Context, r client.SolveRequest) (*client.Result, error) {
	s := time.Now()
	n := 0
	if r.Definition != nil { n = len(r.Definition.Def) }
	res, err := c.Client.Solve(ctx, r)
	c.note(s, fmt.Sprintf("solve %d ops eval=%v", n, r.Evaluate))
	if err == nil && res.Ref != nil { res.Ref = timedRef{res.Ref, c} }
	return res, err
}
func (c timed) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	s := time.Now()
	a, b, d, err := c.Client.ResolveImageConfig(ctx, ref, opt)
	c.note(s, "resolve "+ref)
	return a, b, d, err
}

type timedRef struct {
	client.Reference
	c timed
}

func (r timedRef) ReadFile(ctx context.Context, q client.ReadRequest) ([]byte, error) {
	s := time.Now()
	d, err := r.Reference.ReadFile(ctx, q)
	r.c.note(s, "read "+q.Filename)
	return d, err
}
func (r timedRef) ReadDir(ctx context.Context, q client.ReadDirRequest) (d []*fsStat, err error) {
	s := time.Now()
	d, err = r.Reference.ReadDir(ctx, q)
	r.c.note(s, "readdir "+q.Path)
	return d, err
}
func (r timedRef) StatFile(ctx context.Context, q client.StatRequest) (d *fsStat, err error) {
	s := time.Now()
	d, err = r.Reference.StatFile(ctx, q)
	r.c.note(s, "stat "+q.Path)
	return d, err
}

func TestCalls(t *testing.T) {
	env := testenv.New(t)
	dir := testenv.Tree(t, small("pgstrata:dev"))
	for i := range 6 {
		testenv.Write(t, filepath.Join(dir, "entrypoint.d/entrypoint.sh"), fmt.Sprintf("#!/bin/sh\n# %d\nexec \"$@\"\n", i))
		for name, fn := range map[string]client.BuildFunc{"pgstrata": frontend.Build, "dockerfile": dfb.Build} {
			var out []string
			r := testenv.Request{Context: dir}
			if name == "dockerfile" {
				r.Options = map[string]string{"filename": "Dockerfile.b"}
			}
			start := time.Now()
			var inner time.Time
			var dur time.Duration
			r.Func = func(ctx context.Context, c client.Client) (*client.Result, error) {
				inner = time.Now()
				defer func() { dur = time.Since(inner) }()
				res, err := fn(ctx, timed{c, inner, new(sync.Mutex), &out})
				if err == nil {
					if r, ok := res.Ref.(timedRef); ok { res.Ref = r.Reference }
					for k, v := range res.Refs { if r, ok := v.(timedRef); ok { res.Refs[k] = r.Reference } }
				}
				return res, err
			}
			_, err := env.Daemon.Build(t.Context(), r)
			require.NoError(t, err)
			if i > 3 {
				fmt.Println(name, "total", time.Since(start), "before", inner.Sub(start), "frontend", dur)
				for _, l := range out {
					fmt.Println(l)
				}
			}
		}
	}
	_ = bk.ExporterOCI
}
