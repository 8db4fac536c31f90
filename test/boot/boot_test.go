// Package boot builds the example images with the frontend, runs them on
// Docker's engine, and asks the containers what a user would ask.
package boot

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// example is a folder of examples/, built with some build args. All of them
// have the same entrypoint, so all of them answer the same.
type example struct {
	name    string // of the test
	folder  string // below examples/
	args    map[string]string
	base    string // as the build file names it
	version string // what SELECT version() begins with

	// An arg, and the steps of setup that run again when it changes, the first
	// that uses it before all others.
	arg   string
	again []string
}

func TestBoot(t *testing.T) {
	boot(t, example{
		name: "postgresql", folder: "postgresql", base: "debian:bookworm-slim", version: "PostgreSQL 15.",
		arg: "PATRONI_VERSION", again: []string{"03-install-patroni.sh", "04-filesystem.sh", "99-cleanup.sh"},
	})
}

// boot asks an example everything.
func boot(t *testing.T, e example) {
	t.Run(e.name, func(t *testing.T) {
		img := newImage(t, e)
		// In parallel, for they wait most of the time.
		for _, tc := range []struct {
			name string
			test func(*testing.T, *image)
		}{
			{"cluster fails over", testClusterFailsOver},
			{"first node begins anew", testFirstNodeBeginsAnew},
			{"single server becomes a cluster", testSingleServerBecomesCluster},
			{"backup", testBackup},
			{"backup of a cluster", testBackupOfACluster},
			{"pooler", testPooler},
			{"what runs again", testWhatRunsAgain},
			{"package manager works", testPackageManagerWorks},
			{"test target passes", testTestTargetPasses},
			{"node of a cluster", testNodeOfACluster},
			{"server", testServer},
			{"health", testHealth},
			{"data survives", testDataSurvives},
			{"habits", testHabits},
			{"foreign variables", testForeignVariables},
			{"trust", testTrust},
			{"refusals", testRefusals},
			{"maintenance", testMaintenance},
			{"layers", testLayers},
			{"configuration", testConfiguration},
			{"locale", testLocale},
		} {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				tc.test(t, img)
			})
		}
	})
}

// image is an example that was built, and is there for Docker's engine.
type image struct {
	example
	*testenv.Image
	ref    string // for docker run
	env    *testenv.Env
	docker *testenv.Docker
}

// newImage builds an example by the frontend image that its first line names,
// and loads it into Docker's engine.
func newImage(t *testing.T, e example) *image {
	t.Helper()
	return newImageOf(t, e, testenv.Example(t, e.folder))
}

// newImageOf does the same with the tree in a folder.
func newImageOf(t *testing.T, e example, dir string) *image {
	t.Helper()
	env := testenv.Shared(t)
	img := &image{example: e, env: env, docker: env.Docker(t), ref: env.Registry.Ref("boot/" + e.name)}
	img.build(t, dir, nil) // another test may have built it before
	img.Image = env.Registry.Image(t, "boot/"+e.name)
	out := img.docker.CLI(t, "pull", img.ref)
	require.Zero(t, out.Code, out.Stderr)
	return img
}

// build builds a tree as the example is built, with more options. Without
// any, the result is the image.
func (i *image) build(t *testing.T, dir string, options map[string]string) *testenv.Trace {
	t.Helper()
	trace, err := i.attempt(t, dir, options)
	require.NoError(t, err, "%s", trace)
	return trace
}

func (i *image) attempt(t *testing.T, dir string, options map[string]string) (*testenv.Trace, error) {
	t.Helper()
	request := testenv.Request{Syntax: i.env.Frontend(t), Context: dir, Options: map[string]string{}}
	if options == nil {
		request.Image = "boot/" + i.name
	}
	for name, value := range i.args {
		request.Options["build-arg:"+name] = value
	}
	maps.Copy(request.Options, options)
	result, err := i.env.Daemon.Build(t.Context(), request)
	return result.Trace, err
}
