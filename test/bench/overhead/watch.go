package main

import (
	"context"
	"errors"
	"sync"
	"time"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
)

// watch is a client that refuses to solve what executes something: such a definition, for each platform, is all that is
// wanted. Build contexts and the like are solved.
type watch struct {
	gateway.Client
	want int // platforms

	start time.Time
	done  chan struct{} // closed when all definitions were seen

	mu              sync.Mutex
	took            time.Duration // 0 before
	seen            int
	vertices, bytes int
}

var errEnough = errors.New("the definition was seen")

// around is a frontend whose definitions are seen.
func (w *watch) around(build gateway.BuildFunc) gateway.BuildFunc {
	return func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		w.Client, w.start = c, time.Now()
		return build(ctx, w)
	}
}

// Solve implements client.Client.
func (w *watch) Solve(ctx context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	if !executes(req.Definition) {
		return w.Client.Solve(ctx, req)
	}
	w.mu.Lock()
	if w.seen < w.want {
		w.seen++
		for _, op := range req.Definition.Def {
			w.vertices++
			w.bytes += len(op)
		}
		if w.seen == w.want {
			w.took = time.Since(w.start)
			close(w.done)
		}
	}
	w.mu.Unlock()
	select { // an error now would keep the other platform's from coming
	case <-w.done:
		return nil, errEnough
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func executes(def *pb.Definition) bool {
	for _, data := range def.GetDef() {
		op := new(pb.Op)
		if err := op.UnmarshalVT(data); err != nil {
			return false
		}
		if op.GetExec() != nil {
			return true
		}
	}
	return false
}
