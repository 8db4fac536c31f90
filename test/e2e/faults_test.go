package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// stepsAt is a tree of three scripts, the second of which comes to a gate.
// Nothing else has their texts.
func stepsAt(t *testing.T, g *gate) string {
	t.Helper()
	return testenv.Tree(t, map[string]string{
		"Dockerfile":            "base: debian:bookworm-slim\n",
		"setup/scripts/01-a.sh": "#!/bin/bash\n: " + t.Name() + "\necho a >/a\n",
		"setup/scripts/02-b.sh": "#!/bin/bash\nset -eu\n: " + t.Name() + "\n" + g.Line + "echo b >/b\n",
		"setup/scripts/03-c.sh": "#!/bin/bash\n: " + t.Name() + "\necho c >/c\n",
		"entrypoint.sh":         "#!/bin/sh\n",
	})
}

// building is a build in the background.
type building struct {
	result *testenv.Result
	err    error
	ended  chan struct{}
}

func start(ctx context.Context, d *testenv.Daemon, r testenv.Request) *building {
	b := &building{ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		b.result, b.err = d.Build(ctx, r)
	}()
	return b
}

// wait waits for its end.
func (b *building) wait(t *testing.T) (*testenv.Result, error) {
	t.Helper()
	select {
	case <-b.ended:
	case <-time.After(patience):
		require.Fail(t, "the build has not ended")
	}
	return b.result, b.err
}

// until waits for something that has to come before its end.
func (b *building) until(t *testing.T, what <-chan struct{}) {
	t.Helper()
	select {
	case <-what:
	case <-b.ended:
		require.Fail(t, "the build has ended", "%v\n%s", b.err, b.result.Trace)
	case <-time.After(patience):
		require.Fail(t, "it has not come")
	}
}

// published is the digest that a tag stands for, "" for none.
func published(t *testing.T, env *testenv.Env, image string) string {
	t.Helper()
	name, tag, _ := strings.Cut(image, ":")
	tags, err := env.Registry.Tags(t.Context(), name)
	if err != nil || !slices.Contains(tags, tag) { // a name without a tag is not there at all
		return ""
	}
	return env.Registry.Image(t, image).Digest // all of it is there, or the test fails
}

// A daemon that is killed in mid-setup and started again on what it left has
// every script that was done.
func TestDaemonKilled(t *testing.T) {
	env := testenv.Shared(t)
	d, g := env.NewDaemon(t, 0), newGate(t)
	request := testenv.Request{Func: frontend.Build, Context: stepsAt(t, g), Image: "killed:1"}
	running := start(t.Context(), d, request)
	step := g.await(t)
	d.Kill(t)
	_, err := running.wait(t)
	require.ErrorContains(t, err, "Unavailable")
	assert.Empty(t, published(t, env, "killed:1"))

	d.Restart(t)
	running = start(t.Context(), d, request)
	g.await(t).open(t)
	result, err := running.wait(t)
	require.NoError(t, err, "%s", result.Trace)
	assert.True(t, result.Trace.Cached("01-a.sh"), "%s", result.Trace)
	assert.Equal(t, []string{"02-b.sh", "03-c.sh"}, setupRan(result.Trace))
	assert.Equal(t, result.Digest, published(t, env, "killed:1"))
	step.open(t) // the process that the killed daemon had started; nobody waits for it
	step.gone(t)
}

// One that is killed while it pushes has everything.
func TestDaemonKilledInPush(t *testing.T) {
	env := testenv.Shared(t)
	d, registry := env.NewDaemon(t, 0), newFaulty(t, env.Registry)
	uploading := make(chan struct{}, 16)
	registry.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if isUpload(r) {
			uploading <- struct{}{}
			<-r.Context().Done()
		}
		return isUpload(r)
	})
	dir := testenv.Tree(t, change("setup/scripts/01-first.sh", "#!/bin/sh\ntouch /doomed\necho killed in push >/first\n"))
	request := testenv.Request{Func: frontend.Build, Context: dir, SolveOpt: pushTo(registry.host + "/killed-in-push:1")}
	running := start(t.Context(), d, request)
	running.until(t, uploading)
	d.Kill(t)
	_, err := running.wait(t)
	require.ErrorContains(t, err, "Unavailable")
	assert.Empty(t, published(t, env, "killed-in-push:1"))

	registry.set(nil)
	d.Restart(t)
	result, err := d.Build(t.Context(), request)
	require.NoError(t, err, "%s", result.Trace)
	assert.Empty(t, setupRan(result.Trace), "%s", result.Trace)
	assert.Equal(t, result.Digest, published(t, env, "killed-in-push:1"))
}

// A registry that takes connections and never answers holds a build up no
// longer than its user likes.
func TestRegistryHangs(t *testing.T) {
	t.Parallel()
	env := testenv.Shared(t)
	registry := newFaulty(t, env.Registry)
	uploading := make(chan struct{}, 16)
	registry.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if isUpload(r) {
			uploading <- struct{}{}
			<-r.Context().Done()
		}
		return isUpload(r)
	})
	dir := testenv.Tree(t, change("setup/scripts/01-first.sh", "#!/bin/sh\ntouch /doomed\necho registry hangs >/first\n"))
	request := testenv.Request{Func: frontend.Build, Context: dir, SolveOpt: pushTo(registry.host + "/hangs:1")}
	ctx, cancel := context.WithCancel(t.Context())
	running := start(ctx, env.Daemon, request)
	running.until(t, uploading)
	cancel()
	_, err := running.wait(t)
	require.ErrorContains(t, err, "context canceled")
	assert.Empty(t, published(t, env, "hangs:1"))

	registry.set(nil)
	result, err := env.Daemon.Build(t.Context(), request)
	require.NoError(t, err, "%s", result.Trace)
	assert.Empty(t, setupRan(result.Trace), "%s", result.Trace)
	assert.Equal(t, result.Digest, published(t, env, "hangs:1"))
}

// A client that is gone ends its build: the step's process is killed, even one
// that ignores signals, and what was done stays.
func TestClientGone(t *testing.T) {
	env, pgstrata := testenv.Shared(t), testenv.Program(t, "pgstrata")
	for name, leave := range map[string]func(t *testing.T, cmd *exec.Cmd){
		"killed":      func(t *testing.T, cmd *exec.Cmd) { t.Helper(); require.NoError(t, cmd.Process.Kill()) },
		"interrupted": func(t *testing.T, cmd *exec.Cmd) { t.Helper(); require.NoError(t, cmd.Process.Signal(os.Interrupt)) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t)
			dir := stepsAt(t, g)
			write(t, dir, "setup/scripts/02-b.sh", "#!/bin/bash\nset -eu\ntrap '' TERM INT HUP\n: "+t.Name()+"\n"+g.Line)
			cmd := env.Command(t, pgstrata, "build", "--progress=plain", "--tag", env.Registry.Ref("gone:"+name), "--push", dir)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			step := g.await(t)
			left := time.Now()
			leave(t, cmd)
			assert.Error(t, cmd.Wait())
			step.gone(t)
			t.Logf("the step's process was gone after %v", time.Since(left))
			if name == "interrupted" {
				assert.Contains(t, stderr.String(), "pgstrata: interrupted; what was done is in the daemon's cache, and the same command goes on from there")
			}
			assert.Empty(t, published(t, env, "gone:"+name))

			running := start(t.Context(), env.Daemon, testenv.Request{Func: frontend.Build, Context: dir, Image: "gone:" + name})
			g.await(t).open(t)
			result, err := running.wait(t)
			require.NoError(t, err, "%s", result.Trace)
			assert.True(t, result.Trace.Cached("01-a.sh"), "%s", result.Trace)
			assert.Equal(t, result.Digest, published(t, env, "gone:"+name))
		})
	}
}

// The frontend's own process is killed while setup runs.
func TestFrontendKilled(t *testing.T) {
	env := testenv.Shared(t)
	syntax, g := env.Frontend(t), newGate(t)
	request := testenv.Request{Syntax: syntax, Context: stepsAt(t, g), Image: "frontend-killed:1"}
	running := start(t.Context(), env.Daemon, request)
	step := g.await(t)
	require.NoError(t, syscall.Kill(frontends(t, env.Daemon)[0], syscall.SIGKILL))
	_, err := running.wait(t)
	require.ErrorContains(t, err, "exit code: 137")
	step.gone(t)
	assert.Empty(t, published(t, env, "frontend-killed:1"))

	running = start(t.Context(), env.Daemon, request)
	g.await(t).open(t)
	result, err := running.wait(t)
	require.NoError(t, err, "%s", result.Trace)
	assert.True(t, result.Trace.Cached("01-a.sh"), "%s", result.Trace)
	assert.Equal(t, result.Digest, published(t, env, "frontend-killed:1"))
}

// A registry that is away, or fails at any point of a push, has the tag as it
// was before; when it is back, nothing runs again.
func TestRegistryFails(t *testing.T) {
	t.Parallel()
	env := testenv.Shared(t)
	for name, tc := range map[string]struct {
		fault fault
		want  string
	}{
		"connection cut": {want: "failed to push", fault: func(w http.ResponseWriter, r *http.Request) bool {
			if isUpload(r) {
				cut(w)
			}
			return isUpload(r)
		}},
		"manifest refused": {want: "400 Bad Request: no more manifests", fault: func(w http.ResponseWriter, r *http.Request) bool {
			if !isManifest(r) {
				return false
			}
			http.Error(w, "no more manifests", http.StatusBadRequest)
			return true
		}},
		"access denied": {want: "denied: not yours", fault: func(w http.ResponseWriter, r *http.Request) bool {
			return isUpload(r) && deny(w, r)
		}},
		"away": {want: "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := testenv.Tree(t, change("setup/scripts/01-first.sh", "#!/bin/sh\n: registry fails\ntouch /doomed\n"))
			registry := newFaulty(t, env.Registry)
			image := "fails-" + strings.ReplaceAll(name, " ", "-") + ":1"
			push := testenv.Request{Func: frontend.Build, Context: dir, SolveOpt: pushTo(registry.host + "/" + image)}
			write(t, dir, "entrypoint.d/entrypoint.sh", "#!/bin/sh\n: one of "+name+"\n")
			before, err := env.Daemon.Build(t.Context(), push)
			require.NoError(t, err, "%s", before.Trace)
			require.Equal(t, before.Digest, published(t, env, image))

			write(t, dir, "entrypoint.d/entrypoint.sh", "#!/bin/sh\n: two of "+name+"\n")
			if tc.fault == nil {
				registry.away()
			}
			registry.set(tc.fault)
			_, err = env.Daemon.Build(t.Context(), push)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, registry.host+"/"+image, "the tag that was not written")
			assert.Equal(t, before.Digest, published(t, env, image), "the old one, and whole")

			back := newFaulty(t, env.Registry)
			push.SolveOpt = pushTo(back.host + "/" + image)
			after, err := env.Daemon.Build(t.Context(), push)
			require.NoError(t, err, "%s", after.Trace)
			assert.Empty(t, setupRan(after.Trace))
			assert.NotEqual(t, before.Digest, after.Digest)
			assert.Equal(t, after.Digest, published(t, env, image))
		})
	}
}

// deny refuses a request for good: nobody tries it again.
func deny(w http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body) // else the answer may be lost
	http.Error(w, `{"errors":[{"code":"DENIED","message":"not yours"}]}`, http.StatusForbidden)
	return true
}

func pushTo(name string) client.SolveOpt {
	return client.SolveOpt{Exports: []client.ExportEntry{{Type: client.ExporterImage, Attrs: map[string]string{"name": name, "push": "true"}}}}
}

// A cache that cannot be written fails the build, unless that is asked not to
// matter. Half a cache is none: it has no tag.
func TestCacheExportFails(t *testing.T) {
	t.Parallel()
	env := testenv.Shared(t)
	for name, ignore := range map[string]string{"fatal": "", "ignored": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := testenv.Tree(t, change("setup/scripts/01-first.sh", "#!/bin/sh\n: cache export, "+name+"\ntouch /doomed\necho "+name+" >/first\n"))
			registry := newFaulty(t, env.Registry)
			uploads := atomic.Int32{}
			registry.set(func(w http.ResponseWriter, r *http.Request) bool {
				return isUpload(r) && uploads.Add(1) > 1 && deny(w, r) // in the middle of it
			})
			repository, image := "cache-fails-"+name, "cache-fails-image-"+name+":1"
			cached := func() bool {
				tags, err := env.Registry.Tags(t.Context(), repository)
				return err == nil && slices.Contains(tags, "cache") // a repository without a tag is not there at all
			}
			request := testenv.Request{Func: frontend.Build, Context: dir, Image: image, SolveOpt: client.SolveOpt{CacheExports: []client.CacheOptionsEntry{{
				Type: "registry", Attrs: map[string]string{"ref": registry.host + "/" + repository + ":cache", "mode": "max", "ignore-error": ignore},
			}}}}
			result, err := env.Daemon.Build(t.Context(), request)
			digest := published(t, env, image)
			if ignore == "" {
				require.ErrorContains(t, err, "error writing layer blob")
				require.ErrorContains(t, err, "not yours")
			} else {
				require.NoError(t, err)
				assert.Equal(t, result.Digest, digest)
			}
			assert.False(t, cached())

			registry.set(nil)
			result, err = env.Daemon.Build(t.Context(), request)
			require.NoError(t, err, "%s", result.Trace)
			assert.Empty(t, setupRan(result.Trace), "%s", result.Trace)
			assert.Equal(t, result.Digest, published(t, env, image))
			assert.Contains(t, []string{"", result.Digest}, digest, "where the image was published, it was this one, and whole")
			assert.True(t, cached())
		})
	}
}

// The daemon's disk is full. When there is room again, the build goes on where
// it was.
func TestDiskFull(t *testing.T) {
	env := testenv.Shared(t)
	request := testenv.Request{Func: frontend.Build, Image: "full:1", Context: testenv.Tree(t, map[string]string{
		"Dockerfile":            "base: debian:bookworm-slim\n",
		"setup/scripts/01-a.sh": "#!/bin/sh\nset -eu\necho a >/a\n",
		"setup/scripts/02-b.sh": "#!/bin/sh\nset -eu\nhead -c 300000000 /dev/zero >/b\n",
	})}
	const enough = 2 << 30
	t.Run("by the base", func(t *testing.T) {
		d := env.NewDaemon(t, 48<<20)
		_, err := d.Build(t.Context(), request)
		require.ErrorContains(t, err, "no space left on device")
		d.Resize(t, enough)
		result, err := d.Build(t.Context(), request)
		require.NoError(t, err, "%s", result.Trace)
		assert.Equal(t, result.Digest, published(t, env, "full:1"))
	})
	t.Run("by a step", func(t *testing.T) {
		d := env.NewDaemon(t, 256<<20)
		request.Image = "full:2"
		result, err := d.Build(t.Context(), request)
		require.ErrorContains(t, err, "exit code: 1")
		assert.Contains(t, result.Trace.Logs("02-b.sh"), "No space left on device")
		assert.Empty(t, published(t, env, "full:2"))
		d.Resize(t, enough)
		result, err = d.Build(t.Context(), request)
		require.NoError(t, err, "%s", result.Trace)
		assert.Equal(t, []string{"02-b.sh"}, setupRan(result.Trace), "%s", result.Trace)
		assert.Equal(t, result.Digest, published(t, env, "full:2"))
	})
}

// Builds at the same time do what they share once.
func TestBuildsAtOnce(t *testing.T) {
	env := testenv.Shared(t)
	for name, other := range map[string]string{"the same": "", "another end": "#!/bin/sh\n: another\necho other >/c\n"} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t)
			one := stepsAt(t, g)
			two := stepsAt(t, g)
			if other != "" {
				write(t, two, "setup/scripts/03-c.sh", other)
			}
			var builds errgroup.Group
			started := make(chan struct{}, 2)
			results := make([]*testenv.Result, 2)
			for i, dir := range []string{one, two} {
				told := false
				builds.Go(func() (err error) {
					results[i], err = env.Daemon.Build(t.Context(), testenv.Request{
						Func: frontend.Build, Context: dir, Image: "at-once:" + strconv.Itoa(i),
						Watch: func(trace *testenv.Trace) {
							for _, v := range trace.Find("02-b.sh") {
								if v.Started != nil && strings.HasPrefix(v.Name, "[setup") && !told {
									told = true
									started <- struct{}{}
								}
							}
						},
					})
					return err
				})
			}
			step := g.await(t)
			for range 2 { // both wait for it
				select {
				case <-started:
				case <-time.After(patience):
					require.Fail(t, "they have not both come to the step")
				}
			}
			step.open(t)
			require.NoError(t, builds.Wait())
			assert.EqualValues(t, 1, g.count.Load(), "the shared script ran once")
			if other == "" {
				assert.Equal(t, results[0].Digest, results[1].Digest)
				return
			}
			content, err := env.Registry.Image(t, "at-once:1").Read("/c")
			require.NoError(t, err)
			assert.Equal(t, "other\n", string(content))
		})
	}
}

// An archive that nobody reaches fails the build with apt's own words and what
// to do.
func TestArchiveUnreachable(t *testing.T) {
	t.Parallel()
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{"Dockerfile": "base: debian:bookworm-slim\nsetup: {dependencies: {runtime: [ed]}, cache_prefix: unreachable}\n"})
	request := testenv.Request{Func: frontend.Build, Context: dir, Image: "unreachable:1", Options: map[string]string{
		"build-arg:http_proxy": "http://127.0.0.1:1", "build-arg:https_proxy": "http://127.0.0.1:1",
	}}
	result, err := env.Daemon.Build(t.Context(), request)
	require.ErrorContains(t, err, "exit code: 100")
	assert.Contains(t, result.Trace.Logs("packages: ed"), "Connection refused")
	assert.Contains(t, result.Trace.Logs("packages: ed"), "the package archive does not answer")
	assert.Empty(t, published(t, env, "unreachable:1"))

	request.Options = nil
	result, err = env.Daemon.Build(t.Context(), request)
	require.NoError(t, err, "%s", result.Trace)
	assert.Equal(t, result.Digest, published(t, env, "unreachable:1"))
}
