//go:build full

package pictures

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The reports that the documentation shows: the example's first build, and the
// one after an edit of Patroni's script and of the entrypoint.
func TestReportOfTheExample(t *testing.T) {
	b := newBuilder(t, testenv.Example(t, "postgresql"))
	push := []string{"--push", "--tag", b.env.Registry.Ref("pictures:example")}
	out := b.build(push...)
	require.Zero(t, out.Code, out.Stderr)
	for id, state := range open(t, b.file, 1280, 1000).drawn() {
		if id == "base" { // nobody saw whether it was there
			assert.Equal(t, "unknown", state)
			continue
		}
		assert.Equal(t, "miss", state, id)
	}

	for _, file := range []string{"setup/scripts/03-install-patroni.sh", "entrypoint.d/entrypoint.sh"} {
		edit(t, filepath.Join(b.dir, file))
	}
	out = b.build(push...)
	require.Zero(t, out.Code, out.Stderr)
	p := open(t, b.file, 1280, 1000)
	states := p.drawn()
	assert.Equal(t, "hit", states["setup/02-install-postgresql"])
	assert.Equal(t, "invalidated", states["setup/03-install-patroni"])
	assert.Equal(t, "invalidated", states["setup/99-cleanup"])
	assert.Equal(t, "hit", states["entrypoint/runtime"])
	assert.Equal(t, "invalidated", states["entrypoint/entrypoint"])
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.readable(scheme)
		p.shoot("body", "report-"+scheme+".png")
	}
	p.alone()
}

// edit adds a comment to a script.
func edit(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("# edited\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
