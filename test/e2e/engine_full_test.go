//go:build full

package e2e

import (
	"fmt"
	"testing"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The newest engine that runs here, with and without the containerd image
// store: between them they are what most users have.
func TestNewestDockerEngine(t *testing.T) {
	env := testenv.Shared(t)
	for _, store := range []bool{false, true} {
		t.Run(fmt.Sprintf("containerd store %v", store), func(t *testing.T) {
			assertBuildsOn(t, env, env.NewestEngine(t, store))
		})
	}
}
