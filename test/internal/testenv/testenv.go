// Package testenv gives tests the real thing: a BuildKit daemon, a registry, Docker's engine to boot images with, and the
// frontend image built from the source under test.
//
// A package of tests shares one environment, which starts when the first test asks for it:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
//	func TestImage(t *testing.T) {
//		env := testenv.Shared(t)
//		result, err := env.Daemon.Build(t.Context(), testenv.Request{Syntax: env.Frontend(t), Context: dir, Image: "postgresql"})
//		...
//		result.Trace.Ran("02-install-postgresql.sh")
//		env.Image(t, "postgresql").Files()["/entrypoint.sh"]
//	}
//
// The programs and base images come from `make setup`, which tells where they are by PGSTRATA_BIN and PGSTRATA_IMAGES.
// Without these variables their usual places in the user's cache folder are tried. What is missing fails the test: no run
// passes by skipping, unless it is asked to leave these tests out, by -short.
package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Env is a registry that holds the base images, and a BuildKit daemon that takes it for docker.io and localhost:5000.
type Env struct {
	Registry *Registry
	Daemon   *Daemon

	dir      string // of everything that the environment writes
	frontend func() (string, error)
	builder  func() (string, error)
	docker   func() (*Docker, error)

	mu      sync.Mutex
	closers []func() error
}

// New starts an environment that lives as long as the test. Most tests do with Shared; one that fills or prunes the
// daemon's cache, or gives the daemon flags of its own, wants its own.
func New(tb testing.TB, flags ...string) *Env {
	tb.Helper()
	return newEnv(tb, Tool("buildkitd"), flags...)
}

// NewRelease starts an environment like New whose daemon is an older release, such as v0.12.5: one that hack/daemons builds.
func NewRelease(tb testing.TB, release string) *Env {
	tb.Helper()
	program := filepath.Join(setting("PGSTRATA_DAEMONS", "daemons"), release, "buildkitd")
	if _, err := os.Stat(program); err != nil && !testing.Short() {
		tb.Fatalf("%v: run `hack/daemons`", err)
	}
	return newEnv(tb, program)
}

func newEnv(tb testing.TB, buildkitd string, flags ...string) *Env {
	tb.Helper()
	require(tb)
	env, err := start(buildkitd, flags...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := env.Close(); err != nil {
			tb.Error(err)
		}
	})
	return env
}

// The environment of Shared, for Main to close. Tests have no other place that all of them reach.
//
//nolint:gochecknoglobals // see above
var shared struct {
	sync.Mutex
	env *Env
	err error
}

// Shared returns the environment that all tests of a package use, and starts it for the first. The package's TestMain has
// to call Main. With -short the test is skipped.
func Shared(tb testing.TB) *Env {
	tb.Helper()
	require(tb)
	shared.Lock()
	defer shared.Unlock()
	if shared.env == nil && shared.err == nil {
		shared.env, shared.err = start(Tool("buildkitd"))
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.env
}

// Main runs the tests, stops what Shared started, and exits.
func Main(m *testing.M) {
	code := m.Run()
	if shared.env != nil {
		if err := shared.env.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "testenv:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

func start(buildkitd string, flags ...string) (*Env, error) {
	dir, err := os.MkdirTemp("", "pgstrata-")
	if err != nil {
		return nil, err
	}
	env := &Env{dir: dir}
	env.frontend = sync.OnceValues(env.pushFrontend)
	env.builder = sync.OnceValues(env.createBuilder)
	env.docker = sync.OnceValues(env.startDocker)
	env.onClose(func() error { return removeAll(dir) })

	if err := env.start(buildkitd, flags...); err != nil {
		return nil, errors.Join(err, env.Close())
	}
	return env, nil
}

func (e *Env) start(buildkitd string, flags ...string) (err error) {
	if e.Registry, err = StartRegistry(filepath.Join(e.dir, "registry")); err != nil {
		return err
	}
	e.onClose(e.Registry.Close)
	if err := e.Registry.PushLayouts(imagesFolder()); err != nil {
		return err
	}
	if e.Daemon, err = startDaemon(buildkitd, filepath.Join(e.dir, "buildkit"), e.Registry, flags...); err != nil {
		return err
	}
	e.onClose(e.Daemon.Close)
	return nil
}

func (e *Env) onClose(f func() error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closers = append(e.closers, f)
}

// Close stops everything, latest first, and removes what it wrote.
func (e *Env) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for len(e.closers) > 0 {
		last := len(e.closers) - 1
		errs = append(errs, e.closers[last]())
		e.closers = e.closers[:last]
	}
	return errors.Join(errs...)
}

// Await calls try until it succeeds, and fails the test with try's last error when the timeout is over.
func Await(tb testing.TB, timeout time.Duration, try func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	defer cancel()
	if err := poll(ctx, try); err != nil {
		tb.Fatalf("after %s: %v", timeout, err)
	}
}

func poll(ctx context.Context, try func(context.Context) error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// require fails a test that has not got what it needs; -short leaves it out.
func require(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a BuildKit daemon, left out by -short")
	}
	if os.Geteuid() != 0 {
		tb.Fatal("needs root, as BuildKit's daemon does; -short leaves this test out")
	}
	for _, path := range []string{Tool("buildkitd"), imagesFolder()} {
		if _, err := os.Stat(path); err != nil {
			tb.Fatalf("%v: run `make setup`; -short leaves this test out", err)
		}
	}
	for _, program := range []string{"runc", "docker", "dockerd", "etcd", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Fatalf("%v: run `make setup`; -short leaves this test out", err)
		}
	}
}

// Tool returns the path of one of the development tools, by its name.
func Tool(name string) string { return filepath.Join(setting("PGSTRATA_BIN", "bin"), name) }

// imagesFolder holds the base images as OCI layouts, each in a folder NAME/TAG.
func imagesFolder() string { return setting("PGSTRATA_IMAGES", "images") }

func setting(variable, usual string) string {
	if value := os.Getenv(variable); value != "" {
		return value
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return usual
	}
	return filepath.Join(cache, "pgstrata", usual)
}
