//go:build full

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// suite is BuildKit's tests of its Dockerfile frontend, compiled from its
// module, with the programs and images that they need.
type suite struct {
	program string
	path    string // PATH: registry, buildkitd and buildctl are in it
	mirror  string // a folder of the registry that stands for docker.io
}

// newSuite compiles the tests. Their module has a go.mod of its own, beside
// this file: they need more than the product does.
func newSuite(t *testing.T, env *testenv.Env) *suite {
	t.Helper()
	dir := t.TempDir()
	s := &suite{program: filepath.Join(dir, "dockerfile.test"), mirror: filepath.Join(dir, "mirror")}
	compile := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", s.program, "github.com/moby/buildkit/frontend/dockerfile")
	compile.Dir = "suite"
	out, err := compile.CombinedOutput()
	require.NoError(t, err, "%s", out)

	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.MkdirAll(bin, 0o700))
	registry, err := exec.LookPath("docker-registry")
	require.NoError(t, err, "`make conformance` installs it")
	require.NoError(t, os.Symlink(registry, filepath.Join(bin, "registry")))
	for _, tool := range []string{"buildkitd", "buildctl"} {
		require.NoError(t, os.Symlink(testenv.Tool(tool), filepath.Join(bin, tool)))
	}
	s.path = bin + ":" + os.Getenv("PATH")
	s.fill(t, env, registry)
	return s
}

// fill puts images into the mirror, under the names that the tests want to
// have from Docker Hub; what is there, they do not ask for.
func (s *suite) fill(t *testing.T, env *testenv.Env, registry string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(s.mirror, 0o700))
	config := filepath.Join(s.mirror, "config.yaml")
	text := fmt.Sprintf("version: 0.1\nloglevel: debug\nstorage:\n    filesystem:\n        rootdirectory: %s\nhttp:\n    addr: 127.0.0.1:0\n", filepath.Join(s.mirror, "data"))
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	host := "localhost:" + testenv.FreePort(t)
	serve := exec.CommandContext(t.Context(), registry, "serve", config)
	serve.Env = append(os.Environ(), "REGISTRY_HTTP_ADDR="+host)
	require.NoError(t, serve.Start())
	defer func() {
		require.NoError(t, serve.Process.Kill())
		_ = serve.Wait() // it was killed
	}()
	mirror := &testenv.Registry{Host: host}
	for name, image := range map[string]string{
		"library/busybox:latest": "library/busybox:latest", "library/busybox:stable-musl": "library/busybox:latest", "library/alpine:latest": "library/busybox:latest",
		"amd64/debian:bullseye-20230109-slim": "library/debian:bookworm-slim",
	} {
		img, err := env.Registry.Get(image)
		require.NoError(t, err)
		testenv.Await(t, time.Minute, func(context.Context) error { return mirror.Push(name, img) })
	}
}

// results say of each test, by its name, how it ended: "pass", "fail" or "skip".
type results map[string]result

type result struct{ end, output string }

// run runs all tests for one frontend, which a variable names.
func (s *suite) run(t *testing.T, frontend string) results {
	t.Helper()
	all := results{}
	for {
		some := s.pass(t, frontend, all)
		if len(some) == 0 {
			return all
		}
		for name, r := range some {
			all[name] = r
		}
	}
}

// pass runs the tests that have no result yet. A test that fails and is none
// of those that run side by side ends the others; they are for the next pass.
func (s *suite) pass(t *testing.T, frontend string, done results) results {
	t.Helper()
	arguments := []string{"tool", "test2json", s.program, "-test.v=test2json", "-test.timeout=110m", "-test.parallel=4", "-test.run=^TestIntegration$/./worker=oci$"}
	if selected := os.Getenv("PGSTRATA_CONFORMANCE"); selected != "" {
		arguments[len(arguments)-1] = "-test.run=^TestIntegration$/" + selected + "/worker=oci$"
	}
	var skip []string
	for name := range done {
		name, _, _ = strings.Cut(name, "/")
		skip = append(skip, "^"+regexp.QuoteMeta(name)+"$")
	}
	if len(skip) > 0 {
		slices.Sort(skip)
		arguments = append(arguments, "-test.skip=^TestIntegration$/("+strings.Join(skip, "|")+")")
	}
	cmd := exec.CommandContext(t.Context(), "go", arguments...)
	cmd.Dir = t.TempDir() // the tests write beside themselves
	// A short name: sockets lie below it, and a socket's address has 107 bytes at most.
	temporary, err := os.MkdirTemp("", "c")
	require.NoError(t, err)
	// Daemons of tests that were ended may still write there.
	t.Cleanup(func() {
		require.EventuallyWithT(t, func(c *assert.CollectT) { require.NoError(c, os.RemoveAll(temporary)) }, time.Minute, time.Second)
	})
	cmd.Env = append(os.Environ(), "PATH="+s.path, "BUILDKIT_REGISTRY_MIRROR_DIR="+s.mirror, "TMPDIR="+temporary, frontend)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	got := read(t, out)
	if exit := new(exec.ExitError); !errors.As(cmd.Wait(), &exit) {
		return got
	}
	require.NotEmpty(t, got, "no test was run")
	return got
}

// read reads what test2json writes. Of a test that was ended amid its parts
// there is no result, unless one of them failed: it runs again.
func read(t *testing.T, stream io.Reader) results {
	t.Helper()
	out := results{}
	running, failed := map[string]int{}, map[string]bool{}
	output := map[string]*strings.Builder{}
	for decoder := json.NewDecoder(stream); ; {
		var event struct{ Action, Test, Output string }
		err := decoder.Decode(&event)
		if errors.Is(err, io.EOF) {
			maps.DeleteFunc(out, func(name string, _ result) bool {
				whole, _, _ := strings.Cut(name, "/")
				return running[whole] > 0 && !failed[whole]
			})
			return out
		}
		require.NoError(t, err)
		_, rest, _ := strings.Cut(event.Test, "/")
		name, variant, is := strings.Cut(rest, "/")
		if !is {
			continue
		}
		if output[event.Test] == nil {
			output[event.Test] = new(strings.Builder)
		}
		switch event.Action {
		case "run":
			running[name]++
		case "output":
			output[event.Test].WriteString(event.Output)
		case "pass", "fail", "skip":
			running[name]--
			failed[name] = failed[name] || event.Action == "fail"
			if strings.Contains(variant, "frontend=") {
				out[name+others(variant)] = result{event.Action, output[event.Test].String()}
			}
		}
	}
}

// others is what a test's name says besides the worker and the frontend.
func others(variant string) string {
	var out string
	for part := range strings.SplitSeq(variant, "/") {
		if !strings.HasPrefix(part, "worker=") && !strings.HasPrefix(part, "frontend=") {
			out += "/" + part
		}
	}
	return out
}
