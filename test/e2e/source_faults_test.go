package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A server that breaks off, sends elsewhere, or wants to know who asks.
func TestSourceServers(t *testing.T) {
	env := testenv.Shared(t)
	archive := tarball(t, "program-1.0", "main.c", "of a server\n")
	var broken atomic.Bool
	const token = "planted-0815"
	mux := http.NewServeMux()
	mux.HandleFunc("/cut.tar.gz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(archive)))
		if broken.Load() {
			_, _ = w.Write(archive[:len(archive)/2])
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(archive)
	})
	mux.HandleFunc("/moved.tar.gz", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/cut.tar.gz", http.StatusFound) })
	mux.HandleFunc("/private.tar.gz", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(archive)
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	tree := func(name string) string {
		return testenv.Tree(t, compiled(fmt.Sprintf("program: {url: %q, checksum: %q, strip: 1}", site.URL+name, digestOf(archive))))
	}
	made := func(image string) string {
		text, err := env.Registry.Image(t, image).Read("/opt/program")
		require.NoError(t, err)
		return string(text)
	}

	// The base is there before a build fails: it would break off the pull, and the registry knows no range that is empty.
	build(t, env, testenv.Tree(t, map[string]string{"Dockerfile": "base: debian:bookworm-slim\n", "setup/scripts/01-base.sh": "#!/bin/sh\n"}), testenv.Request{})
	broken.Store(true)
	dir := tree("/cut.tar.gz")
	_, err := attempt(t, env, dir, testenv.Request{})
	require.Error(t, err, "half a file is none")
	broken.Store(false)
	build(t, env, dir, testenv.Request{Image: "source-cut"})
	assert.Equal(t, "of a server\n", made("source-cut"), "and is not kept")

	_, err = attempt(t, env, tree("/gone.tar.gz"), testenv.Request{})
	require.ErrorContains(t, err, "Dockerfile:4:15: source program: "+site.URL+"/gone.tar.gz cannot be fetched: invalid response status 404")

	build(t, env, tree("/moved.tar.gz"), testenv.Request{Image: "source-moved"})
	assert.Equal(t, "of a server\n", made("source-moved"))

	dir = tree("/private.tar.gz")
	_, err = attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "/private.tar.gz cannot be fetched: invalid response status 401")
	request := testenv.Request{Image: "source-private"}
	request.Session = []session.Attachable{secretsprovider.FromMap(map[string][]byte{"HTTP_AUTH_TOKEN_127.0.0.1": []byte(token)})}
	build(t, env, dir, request)
	assert.Equal(t, "of a server\n", made("source-private"))
}

// A detached signature is compared by the daemon, with the key of the build context.
func TestSourceSignature(t *testing.T) {
	env := testenv.Shared(t)
	archive := tarball(t, "program-1.0", "main.c", "signed\n")
	site := newUpstream(t, archive)
	home := t.TempDir()
	t.Cleanup(func() { _ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() })
	gpg := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "gpg", append([]string{"--homedir", home, "--batch", "--yes", "--passphrase", "", "--pinentry-mode", "loopback"}, args...)...)
		out, err := cmd.Output()
		require.NoError(t, err, "gpg %v", args)
		return string(out)
	}
	gpg("--quick-generate-key", "maker@example.com", "rsa3072", "sign", "never")
	gpg("--quick-generate-key", "other@example.com", "rsa3072", "sign", "never")
	file := filepath.Join(t.TempDir(), "program.tar.gz")
	require.NoError(t, os.WriteFile(file, archive, 0o600))
	tree := compiled(fmt.Sprintf("program: {url: %q, strip: 1, signature: setup/program.asc, signed_by: setup/maker.asc}", site.URL+"/program.tar.gz"))
	tree["setup/program.asc"] = gpg("--armor", "--local-user", "maker@example.com", "--output", "-", "--detach-sign", file)
	tree["setup/maker.asc"] = gpg("--armor", "--export", "maker@example.com")
	dir := testenv.Tree(t, tree)
	build(t, env, dir, testenv.Request{Image: "source-signed"})
	text, err := env.Registry.Image(t, "source-signed").Read("/opt/program")
	require.NoError(t, err)
	assert.Equal(t, "signed\n", string(text))

	write(t, dir, "setup/maker.asc", gpg("--armor", "--export", "other@example.com"))
	_, err = attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "signature", "another key")

	write(t, dir, "setup/maker.asc", tree["setup/maker.asc"])
	replaced := tarball(t, "program-1.0", "main.c", "replaced\n")
	site.data.Store(&replaced)
	_, err = attempt(t, env, dir, testenv.Request{Options: map[string]string{"no-cache": ""}})
	require.ErrorContains(t, err, "signature", "another file")
}

// Submodules come along, unless they are not wanted.
func TestSourceSubmodules(t *testing.T) {
	env := testenv.Shared(t)
	module, moduleURL := gitServer(t)
	commit(t, module, "part.c", "of the submodule\n", "v1")
	repo, url := gitServer(t)
	commit(t, repo, "main.c", "of the repository\n", "v1")
	git(t, repo, "submodule", "--quiet", "add", moduleURL, "part")
	commit(t, repo, "main.c", "with a submodule\n", "v2")
	for more, want := range map[string]string{"": "with a submodule\nof the submodule\n", ", submodules: false": "with a submodule\nnone\n"} {
		tree := compiled(fmt.Sprintf("program: {git: %q, ref: v2%s}", url, more))
		tree["setup/build.sh"] = "#!/bin/sh\nset -eu\ncd /context/sources/program\ncat main.c part/part.c >/opt/program 2>/dev/null || echo none >>/opt/program\n"
		build(t, env, testenv.Tree(t, tree), testenv.Request{Image: "source-submodules"})
		text, err := env.Registry.Image(t, "source-submodules").Read("/opt/program")
		require.NoError(t, err)
		assert.Equal(t, want, string(text), strings.TrimPrefix(more, ", "))
	}
}
