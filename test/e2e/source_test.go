package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// tarball is an archive of one directory with the files.
func tarball(t *testing.T, dir string, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: dir + "/" + files[i], Mode: 0o644, Size: int64(len(files[i+1]))}))
		_, err := w.Write([]byte(files[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, zip.Close())
	return out.Bytes()
}

// upstream serves what it holds at any path below /files, and counts.
type upstream struct {
	*httptest.Server
	data  atomic.Pointer[[]byte]
	asked atomic.Int32
}

func newUpstream(t *testing.T, data []byte) *upstream {
	t.Helper()
	u := &upstream{}
	u.data.Store(&data)
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			u.asked.Add(1)
		}
		w.Header().Set("ETag", fmt.Sprintf("%q", digestOf(*u.data.Load())))
		_, _ = w.Write(*u.data.Load())
	}))
	t.Cleanup(u.Close)
	return u
}

func digestOf(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func compiled(sources string) map[string]string {
	return map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup:\n  sources:\n    " + strings.ReplaceAll(strings.TrimSpace(sources), "\n", "\n    ") + `
  scripts:
    - {path: setup/build.sh, sources: [program], outputs: [/opt/program]}
    - {path: setup/other.sh, outputs: [/opt/other]}
entrypoint: {configuration_files: []}
`,
		"setup/build.sh": "#!/bin/sh\nset -eu\ncp /context/sources/program/main.c /opt/program\n! touch /context/sources/program/x 2>/dev/null\n",
		"setup/other.sh": "#!/bin/sh\nset -eu\necho other >/opt/other\n",
	}
}

// An archive is loaded once, checked, unpacked, and seen by the script that lists
// it; another version runs that script alone.
func TestSourceArchive(t *testing.T) {
	env := testenv.Shared(t)
	first := tarball(t, "program-1.0", "main.c", "one\n")
	site := newUpstream(t, first)
	archive := func(data []byte) string {
		return fmt.Sprintf("program: {url: %s/program.tar.gz, checksum: %q, strip: 1}", site.URL, digestOf(data))
	}
	dir := testenv.Tree(t, compiled(archive(first)))
	build(t, env, dir, testenv.Request{Image: "source-archive"})
	text, err := env.Registry.Image(t, "source-archive").Read("/opt/program")
	require.NoError(t, err)
	assert.Equal(t, "one\n", string(text))
	assert.False(t, has(env.Registry.Image(t, "source-archive").Files(), "/context/sources"))

	t.Run("without merge and diff", func(t *testing.T) {
		build(t, env, dir, testenv.Request{Image: "source-archive:copied", Func: withoutMergeAndDiff()})
		copied := env.Registry.Image(t, "source-archive:copied")
		assert.Equal(t, summary(env.Registry.Image(t, "source-archive").Files()), summary(copied.Files()))
	})
	t.Run("a bumped version", func(t *testing.T) {
		second := tarball(t, "program-1.1", "main.c", "two\n")
		site.data.Store(&second)
		write(t, dir, "Dockerfile", compiled(archive(second))["Dockerfile"])
		again := build(t, env, dir, testenv.Request{Image: "source-archive"})
		assert.Equal(t, []string{"build.sh (no network: setup.sources declares what it downloads)"}, setupRan(again.Trace), "%s", again.Trace)
	})
	t.Run("the same files in another archive", func(t *testing.T) {
		repacked := tarball(t, "program-1.2", "main.c", "two\n")
		site.data.Store(&repacked)
		write(t, dir, "Dockerfile", compiled(archive(repacked))["Dockerfile"])
		again := build(t, env, dir, testenv.Request{Image: "source-archive"})
		assert.Empty(t, setupRan(again.Trace), "%s", again.Trace)
	})
	t.Run("another file than was meant", func(t *testing.T) {
		write(t, dir, "Dockerfile", compiled(archive([]byte("other")))["Dockerfile"])
		_, err := attempt(t, env, dir, testenv.Request{})
		require.ErrorContains(t, err, "has another file today, "+digestOf(*site.data.Load())+", and not "+digestOf([]byte("other")))
	})
	t.Run("the network is needed", func(t *testing.T) {
		write(t, dir, "Dockerfile", compiled(archive(*site.data.Load()))["Dockerfile"])
		write(t, dir, "setup/build.sh", "#!/bin/bash\nset -eu\nexec 3<>/dev/tcp/"+strings.Replace(strings.TrimPrefix(site.URL, "http://"), ":", "/", 1)+"\n")
		result, err := attempt(t, env, dir, testenv.Request{})
		require.Error(t, err)
		assert.Contains(t, result.Trace.String(), "no network: setup.sources declares what it downloads")
	})
}

// What has no pin of its own is pinned by the lock file: what moves is refused,
// and followed when somebody asks for it.
func TestSourceLock(t *testing.T) {
	env := testenv.Shared(t)
	first := tarball(t, "program-1.0", "main.c", "one\n")
	site := newUpstream(t, first)
	repo, url := gitServer(t)
	commit(t, repo, "main.c", "git one\n", "v1")
	tree := compiled(fmt.Sprintf("program: {url: %s/program.tar.gz, strip: 1}\ntool: {git: %q, ref: v1}", site.URL, url))
	tree["Dockerfile"] = strings.Replace(tree["Dockerfile"], "{path: setup/other.sh,", "{path: setup/other.sh, sources: [tool],", 1)
	tree["setup/other.sh"] = "#!/bin/sh\nset -eu\ncp /context/sources/tool/main.c /opt/other\n"
	dir := testenv.Tree(t, tree)
	pgstrata := testenv.Program(t, "pgstrata")
	locked := func() *lock.File {
		data, err := os.ReadFile(filepath.Join(dir, "Dockerfile.lock"))
		require.NoError(t, err)
		f, err := lock.Parse(data)
		require.NoError(t, err)
		return f
	}
	writeLock := func(args ...string) {
		out := env.Run(t, pgstrata, append(append([]string{"lock", "--progress=plain"}, args...), dir)...)
		require.Zero(t, out.Code, out.Stderr)
	}
	writeLock()
	f := locked()
	assert.Equal(t, digestOf(first), f.Sources["program"].Pin)
	assert.Equal(t, url+"#v1", f.Sources["tool"].From)
	assert.Len(t, f.Sources["tool"].Pin, 40)

	second := tarball(t, "program-1.0", "main.c", "replaced\n")
	site.data.Store(&second)
	build(t, env, dir, testenv.Request{Image: "source-lock", Options: map[string]string{"no-cache": ""}})
	text, err := env.Registry.Image(t, "source-lock").Read("/opt/program")
	require.NoError(t, err)
	assert.Equal(t, "one\n", string(text), "the daemon has the file that was locked, whatever is there now")
	site.data.Store(&first)

	commit(t, repo, "main.c", "git two\n", "v1")
	moved := strings.TrimSpace(git(t, repo, "rev-parse", "HEAD"))
	write(t, dir, "setup/other.sh", tree["setup/other.sh"]+"# edited\n")
	_, err = attempt(t, env, dir, testenv.Request{Options: map[string]string{"no-cache": ""}})
	require.ErrorContains(t, err, f.Sources["tool"].Pin, "a moved tag is refused, with the old")
	require.ErrorContains(t, err, moved, "and the new commit")

	writeLock("--build-arg", "PGSTRATA_UPDATE=tool")
	assert.Equal(t, moved, locked().Sources["tool"].Pin)
	assert.Equal(t, f.Sources["program"], locked().Sources["program"])
	build(t, env, dir, testenv.Request{Image: "source-lock", Options: map[string]string{"build-arg:PGSTRATA_LOCKED": "1"}})
	text, err = env.Registry.Image(t, "source-lock").Read("/opt/other")
	require.NoError(t, err)
	assert.Equal(t, "git two\n", string(text))
}

// gitServer serves an empty git repository by git's own http backend.
func gitServer(t *testing.T) (dir, url string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "tool.git")
	git(t, ".", "init", "--quiet", "--initial-branch=main", dir)
	server := httptest.NewServer(&cgi.Handler{
		Path: strings.TrimSpace(git(t, ".", "--exec-path")) + "/git-http-backend",
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1"},
	})
	t.Cleanup(server.Close)
	return dir, server.URL + "/tool.git"
}

// commit commits a file, and moves a tag to it.
func commit(t *testing.T, dir, name, text, tag string) {
	t.Helper()
	write(t, dir, name, text)
	git(t, dir, "add", "-A")
	git(t, dir, "-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "commit", "--quiet", "-m", text)
	git(t, dir, "tag", "--force", tag)
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}
