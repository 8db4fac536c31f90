package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// packaged is a tree whose packages come in all ways: asked for by the build
// file to stay, to be gone, and installed by a script.
func packaged() map[string]string {
	return map[string]string{
		"Dockerfile": "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\n" +
			"user: {name: postgres, uid: 999, home: /var/lib/postgresql}\n" +
			"setup:\n  dependencies: {build: [xz-utils], runtime: [netbase]}\n" +
			"  final_cleanup: [setup/cleanup.sh]\n",
		"setup/scripts/01-install.sh": "#!/bin/sh\nset -eu\napt-get update\napt-get install -y --no-install-recommends sensible-utils\n",
		"setup/cleanup.sh":            "#!/bin/sh\nset -eu\nfind /var/log -type f -delete\nrm -f /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/lib/dpkg/*-old /etc/*-\n",
	}
}

func TestLock(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, packaged())
	pgstrata := testenv.Program(t, "pgstrata")
	locked := func(more ...string) testenv.Output {
		return env.Run(t, pgstrata, append(append([]string{"build", "--progress=plain", "--locked"}, more...), dir)...)
	}
	file := filepath.Join(dir, "Dockerfile.lock")
	read := func() (string, *lock.File) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		f, err := lock.Parse(data)
		require.NoError(t, err)
		return string(data), f
	}

	out := locked()
	assert.Equal(t, 1, out.Code)
	assert.Contains(t, out.Stderr, "PGSTRATA_LOCKED is set, and there is no Dockerfile.lock; run `pgstrata lock`, and commit what it writes")

	out = env.Run(t, pgstrata, "lock", "--progress=plain", dir)
	require.Zero(t, out.Code, out.Stderr)
	text, f := read()
	p := f.Platforms["linux/amd64"]
	assert.Equal(t, []string{"netbase", "xz-utils"}, p.Requested)
	assert.Len(t, p.Image, 2, "%v", p.Image)
	assert.Contains(t, p.Image, "netbase")
	assert.Contains(t, p.Image, "sensible-utils", "installed by a script")
	assert.Len(t, p.Build, 1)
	assert.Contains(t, p.Build, "xz-utils")
	assert.Regexp(t, regexp.MustCompile("^sha256:[0-9a-f]{64}$"), f.Bases["debian:bookworm-slim"])

	out = env.Buildx(t, "--call=pgstrata.lock", dir)
	require.Zero(t, out.Code, out.Stderr)
	assert.Equal(t, text, out.Stdout, "by plain docker buildx, too")

	out = locked()
	require.Zero(t, out.Code, out.Stderr)
	out = env.Buildx(t, "--progress=plain", "--build-arg", "PGSTRATA_LOCKED=1", dir)
	require.Zero(t, out.Code, out.Stderr)
	assert.NotContains(t, out.Stderr, "not consumed")

	// Each kind of drift is refused, and said exactly.
	for _, drift := range []struct{ from, to, want string }{
		{"sensible-utils:", "sensible-util:", "sensible-util " + p.Image["sensible-utils"] + " is locked, and not installed; sensible-utils " + p.Image["sensible-utils"] + " is installed, and not locked"},
		{"xz-utils: " + p.Build["xz-utils"], "xz-utils: 0.1", "xz-utils is locked at 0.1, and " + p.Build["xz-utils"] + " was installed"},
		{"- netbase\n", "- netcat\n", "package netbase is asked for, and not locked; package netcat is locked, and no longer asked for"},
		{"debian:bookworm-slim: ", "debian:trixie-slim: ", "base image debian:bookworm-slim is not locked"},
		{"linux/amd64:", "linux/arm64:", "platform linux/amd64 is not locked"},
	} {
		require.Contains(t, text, drift.from)
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(text, drift.from, drift.to, 1)), 0o600))
		out = locked()
		assert.Equal(t, 1, out.Code)
		assert.Contains(t, out.Stderr, "Dockerfile.lock is out of date: "+drift.want+"; write it anew with `pgstrata lock`")
	}

	// Without --locked, an outdated file is a warning.
	result := build(t, env, dir, testenv.Request{})
	assert.Contains(t, strings.Join(warnings(result.Trace), "\n"), "Dockerfile.lock is out of date: platform linux/amd64 is not locked")

	require.NoError(t, os.WriteFile(file, []byte("locked: yes\n"), 0o600))
	_, err := attempt(t, env, dir, testenv.Request{})
	assert.ErrorContains(t, err, "Dockerfile.lock: ")
}

// What is locked is installed although the archive has something newer, and the
// base is the one that was locked although its tag has moved on.
func TestLockHolds(t *testing.T) {
	env := testenv.New(t)
	dir := testenv.Tree(t, packaged())
	out := env.Run(t, testenv.Program(t, "pgstrata"), "lock", "--progress=plain", dir)
	require.Zero(t, out.Code, out.Stderr)
	first := build(t, env, dir, testenv.Request{Image: "held"})

	// The tag is given to another image.
	state := moved()
	_, err := env.Daemon.Build(t.Context(), testenv.Request{State: &state, Image: "library/debian:bookworm-slim"})
	require.NoError(t, err)
	again := build(t, env, dir, testenv.Request{Image: "held"})
	assert.Empty(t, setupRan(again.Trace), "%s", again.Trace)
	assert.Equal(t, first.Digest, again.Digest)

	require.NoError(t, os.Remove(filepath.Join(dir, "Dockerfile.lock")))
	follows := build(t, env, dir, testenv.Request{Image: "held"})
	assert.NotEqual(t, first.Digest, follows.Digest)
}

// A locked version is installed although the archive has a newer one, by a
// script that asks for none.
func TestLockedVersionIsInstalled(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\n",
		"setup/scripts/01-install.sh": "#!/bin/sh\nset -eu\napt-get update -qq\napt-get install -y --no-install-recommends libexpat1 >/dev/null\n" +
			"apt-cache madison libexpat1 | cut -d '|' -f 2\n",
	})
	pgstrata := testenv.Program(t, "pgstrata")
	out := env.Run(t, pgstrata, "lock", "--progress=quiet", dir)
	require.Zero(t, out.Code, out.Stderr)
	file := filepath.Join(dir, "Dockerfile.lock")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	f, err := lock.Parse(data)
	require.NoError(t, err)
	newest := f.Platforms["linux/amd64"].Image["libexpat1"]

	logs := build(t, env, dir, testenv.Request{}).Trace.Logs("01-install.sh")
	older := ""
	for _, version := range strings.Fields(logs) {
		if version != newest && strings.HasPrefix(version, "2.") {
			older = version
		}
	}
	require.NotEmpty(t, older, "the archive has one version of libexpat1 only: take another package\n%s", logs)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(data), "libexpat1: "+newest, "libexpat1: "+older, 1)), 0o600))
	build(t, env, dir, testenv.Request{Image: "older-expat", Options: map[string]string{"build-arg:PGSTRATA_LOCKED": "1"}})
	img := env.Registry.Image(t, "older-expat")
	status, err := img.Read("/" + lock.StatusFile)
	require.NoError(t, err)
	assert.Equal(t, older, lock.Installed(status)["libexpat1"])
	assert.False(t, has(img.Files(), "/etc/apt/preferences.d/pgstrata"), "pins are in no layer")
}

// Packages on a base that a script has for itself are locked by themselves: they are another image's.
func TestLockOfABaseOfItsOwn(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: company/none:1\nsetup:\n  scripts:\n" +
			"    - {path: setup/a.sh, base: \"debian:bookworm-slim\", build: [xz-utils], outputs: [/opt/a]}\n",
		"setup/a.sh": "#!/bin/sh\nset -eu\nxz --version >/opt/a\n",
	})
	build(t, env, testenv.Tree(t, map[string]string{"Dockerfile": "base: debian:bookworm-slim\nimage: {labels: {a: b}}\n"}), testenv.Request{Image: "company/none:1"})
	pgstrata := testenv.Program(t, "pgstrata")
	out := env.Run(t, pgstrata, "lock", "--progress=quiet", dir)
	require.Zero(t, out.Code, out.Stderr)
	file := filepath.Join(dir, "Dockerfile.lock")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	f, err := lock.Parse(data)
	require.NoError(t, err)
	p := f.Platforms["linux/amd64"]
	assert.Empty(t, p.Build)
	version := p.Bases["debian:bookworm-slim"]["xz-utils"]
	assert.NotEmpty(t, version, "%s", data)
	assert.Len(t, f.Bases, 2)
	out = env.Run(t, pgstrata, "build", "--locked", "--progress=quiet", dir)
	require.Zero(t, out.Code, out.Stderr)

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(data), "xz-utils: "+version, "xz-utils: 0.1", 1)), 0o600))
	out = env.Run(t, pgstrata, "build", "--locked", "--progress=quiet", dir)
	assert.Equal(t, 1, out.Code)
	assert.Contains(t, out.Stderr, "xz-utils is locked at 0.1, and "+version+" was installed")
}
