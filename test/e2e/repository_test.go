package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// fromRepository is a tree whose package comes from a repository; more are lines
// of it.
func fromRepository(t *testing.T, r *testenv.AptRepository, more ...string) string {
	t.Helper()
	return testenv.Tree(t, map[string]string{
		"Dockerfile": fmt.Sprintf(`base: debian:bookworm-slim
setup:
  repositories:
    - name: ours
      uris: [%s]
      suites: [stable]
      %s
  dependencies: {runtime: [probe]}
entrypoint: {configuration_files: []}
`, r.URL, strings.Join(append([]string{"signed_by: setup/keys/ours.asc"}, more...), "\n      ")),
		"setup/keys/ours.asc":       r.Key,
		"setup/scripts/01-probe.sh": "#!/bin/sh\nset -eu\ncat /opt/probe\napt-cache policy probe\n",
	})
}

func TestRepository(t *testing.T) {
	env := testenv.Shared(t)
	repo := testenv.NewAptRepository(t)
	repo.Add(t, "probe", "1.0", "opt/probe", "one\n")
	dir := fromRepository(t, repo)
	first := build(t, env, dir, testenv.Request{Image: "repository"})
	assert.Contains(t, first.Trace.Logs("01-probe.sh"), "one\n")
	files := env.Registry.Image(t, "repository").Files()
	assert.True(t, has(files, "/etc/apt/sources.list.d/ours.sources"), "an image that builds on it can install from there")
	assert.True(t, has(files, "/etc/apt/keyrings/ours.asc"))
	assert.True(t, has(files, "/opt/probe"))

	t.Run("not kept", func(t *testing.T) {
		dir := fromRepository(t, repo, "keep: false", "priority: 700")
		got := build(t, env, dir, testenv.Request{Image: "repository-gone"})
		assert.Contains(t, got.Trace.Logs("01-probe.sh"), "700", "a script asks it as well")
		img := env.Registry.Image(t, "repository-gone")
		assert.True(t, has(img.Files(), "/opt/probe"))
		for _, name := range []string{"/etc/apt/sources.list.d/ours.sources", "/etc/apt/keyrings/ours.asc", "/etc/apt/preferences.d/ours"} {
			assert.False(t, has(img.Files(), name), name)
			for i, layer := range img.Layers {
				assert.False(t, slices.ContainsFunc(layer.Entries, func(e testenv.Entry) bool { return e.Path == name }), "%s in layer %d", name, i)
			}
		}
	})
	t.Run("another key", func(t *testing.T) {
		write(t, dir, "setup/keys/ours.asc", testenv.NewAptRepository(t).Key)
		_, err := attempt(t, env, dir, testenv.Request{})
		require.Error(t, err)
	})
	t.Run("when a package of it changes", func(t *testing.T) {
		dir := fromRepository(t, repo, "keep: false")
		file := "cache_boundary: {cache_invalidation_rules: [{layer: toolchain, when_changed: [\"package:probe\"]}]}\n"
		data, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		require.NoError(t, err)
		write(t, dir, "Dockerfile", string(data)+file)
		build(t, env, dir, testenv.Request{})
		repo.Add(t, "probe", "2.0", "opt/probe", "two\n")
		// The archive is asked once a day; here it is another one.
		tomorrow := map[string]string{"build-arg:SOURCE_DATE_EPOCH": "4102444800"}
		got := build(t, env, dir, testenv.Request{Options: tomorrow})
		assert.Contains(t, got.Trace.Logs("01-probe.sh"), "two\n")
	})
}

// A password is a secret: it opens the repository, and is nowhere.
func TestRepositoryWithPassword(t *testing.T) {
	env := testenv.Shared(t)
	repo := testenv.NewAptRepository(t)
	repo.Add(t, "probe", "1.0", "opt/probe", "secret package\n")
	repo.Password = "planted-4711"
	dir := fromRepository(t, repo, "credentials: packages")
	_, err := attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "packages", "the secret is named")

	auth := fmt.Sprintf("machine %s login apt password %s\n", repo.URL, repo.Password)
	request := testenv.Request{Image: "repository-password"}
	request.Session = []session.Attachable{secretsprovider.FromMap(map[string][]byte{"packages": []byte(auth)})}
	build(t, env, dir, request)
	img := env.Registry.Image(t, "repository-password")
	assert.True(t, has(img.Files(), "/opt/probe"))
	assert.False(t, has(img.Files(), "/etc/apt/auth.conf.d/ours.conf"))
}

// What apt would not take from a machine's own sources it does not take here.
func TestRepositoryRefused(t *testing.T) {
	env := testenv.Shared(t)
	t.Run("a package that was replaced", func(t *testing.T) {
		repo := testenv.NewAptRepository(t)
		repo.Add(t, "probe", "3.0", "opt/probe", "three\n")
		repo.Replace(t, "probe", "3.0")
		result, err := attempt(t, env, fromRepository(t, repo), testenv.Request{})
		require.Error(t, err)
		assert.Contains(t, result.Trace.Logs("runtime packages: probe"), "unexpected size")
	})
	t.Run("a key that has expired", func(t *testing.T) {
		repo := testenv.NewAptRepository(t)
		repo.Expire(t)
		repo.Add(t, "probe", "4.0", "opt/probe", "four\n")
		result, err := attempt(t, env, fromRepository(t, repo), testenv.Request{})
		require.Error(t, err)
		assert.Contains(t, result.Trace.Logs("runtime packages: probe"), "EXPKEYSIG")
	})
}
