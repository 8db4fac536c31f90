package frontend

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/stretchr/testify/assert"
)

// broken is a daemon that makes whoever asks it for more than the build file
// and the context panic.
type broken struct {
	*offlineClient
	answers int
}

// Solve implements client.Client.
func (b *broken) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	b.answers--
	if b.answers < 0 {
		panic("something that nobody thought of")
	}
	return b.offlineClient.Solve(ctx, req)
}

// A panic reaches the user as an error that says what to do, wherever it
// happens.
func TestPanicsAreErrors(t *testing.T) {
	files := fstest.MapFS{"Dockerfile": {Data: []byte("base: debian:bookworm-slim\n")}, "config/a": {}}
	for answers := range 4 { // build file, .dockerignore, context, and in the platform's own goroutine
		d := &broken{offlineClient: newDaemon(nil, files), answers: answers}
		_, err := Build(t.Context(), d)
		assert.ErrorContains(t, err, "pgstrata failed with a bug of its own, please report it: something that nobody thought of", "%d", answers)
		_, err = Definition(t.Context(), &broken{offlineClient: newDaemon(nil, files)})
		assert.ErrorContains(t, err, "please report it")
	}
}
