package frontend_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/frontend"
)

// broken is a daemon that makes whoever asks it for more than the build file
// and the context panic.
type broken struct {
	*daemon
	answers int
}

// Solve implements client.Client.
func (b *broken) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	b.answers--
	if b.answers < 0 {
		panic("something that nobody thought of")
	}
	return b.daemon.Solve(ctx, req)
}

// A panic reaches the user as an error that says what to do, wherever it
// happens.
func TestPanicsAreErrors(t *testing.T) {
	files := fstest.MapFS{"Dockerfile": {Data: []byte("base: debian:bookworm-slim\n")}, "config/a": {}}
	for answers := range 4 { // build file, .dockerignore, context, and in the platform's own goroutine
		d := &broken{daemon: newDaemon(nil, files), answers: answers}
		_, err := frontend.Build(t.Context(), d)
		assert.ErrorContains(t, err, "pgstrata failed with a bug of its own, please report it: something that nobody thought of", "%d", answers)
		_, err = frontend.Definition(t.Context(), &broken{daemon: newDaemon(nil, files)})
		assert.ErrorContains(t, err, "please report it")
	}
}
