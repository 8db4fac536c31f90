package boot

import (
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// fresh is a tree that pgstrata init writes.
type fresh struct {
	example
	flags   []string
	patroni bool
}

// A tree of PostgreSQL alone. With Patroni it is the example, which
// TestBoot asks everything.
func TestBootInit(t *testing.T) {
	bootFresh(t, fresh{
		example: example{name: "init-postgresql", base: "debian:bookworm-slim", version: "PostgreSQL 15."},
		flags:   []string{"--postgresql"},
	})
}

// bootFresh makes a tree and asks its image what a user would ask first.
func bootFresh(t *testing.T, f fresh) {
	t.Run(f.name, func(t *testing.T) {
		env := testenv.Shared(t)
		pgstrata, dir := testenv.Program(t, "pgstrata"), filepath.Join(t.TempDir(), "tree")
		out := env.Run(t, pgstrata, append(append([]string{"init"}, f.flags...), dir)...)
		require.Zero(t, out.Code, out.Stderr)
		out = env.Run(t, pgstrata, "check", dir)
		require.Zero(t, out.Code, out.Stdout, out.Stderr)
		lint(t, env, dir)

		img := newImageOf(t, f.example, dir)
		trace := img.build(t, dir, map[string]string{"target": "test"})
		assert.True(t, trace.Ran("[test] a server starts, answers and stops"), "%s", trace)
		tests := map[string]func(*testing.T, *image){
			"server": testServer, "health": testHealth, "data survives": testDataSurvives,
			"maintenance": testMaintenance, "trust": testTrust, "locale": testLocale,
		}
		if f.patroni {
			tests["node of a cluster"] = testNodeOfACluster
			tests["refusals"] = testRefusals
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, img)
			})
		}
	})
}

// lint runs shellcheck on the scripts of a tree, as `make lint` does on the
// examples'.
func lint(t *testing.T, env *testenv.Env, dir string) {
	t.Helper()
	arguments := []string{"--external-sources", "--source-path=SCRIPTDIR"}
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if filepath.Ext(name) == ".sh" {
			arguments = append(arguments, name)
		}
		return err
	})
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(arguments, func(a string) bool { return filepath.Base(a) == "entrypoint.sh" }))
	out := env.Run(t, "shellcheck", arguments...)
	assert.Zero(t, out.Code, out.Stdout)
}
