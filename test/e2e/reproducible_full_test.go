//go:build full

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The whole example, PostgreSQL and Patroni with all packages, is the same
// bytes on two fresh daemons.
func TestReproducibleExample(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Example(t, "postgresql")
	out := env.Run(t, testenv.Program(t, "pgstrata"), "lock", "--progress=plain", dir)
	require.Zero(t, out.Code, out.Stderr)
	options := func() map[string]string { return map[string]string{"build-arg:PGSTRATA_LOCKED": "1"} }
	one, two := reproducibly(t, dir, options()), reproducibly(t, dir, options())
	assertSameLayers(t, one, two)
	assert.Equal(t, one.Digest, two.Digest)
}
