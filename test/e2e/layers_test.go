package e2e

import (
	"archive/tar"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// files lists the regular files of a layer.
func files(l *testenv.Layer) []string {
	var out []string
	for _, e := range l.Entries {
		if e.Type != tar.TypeDir {
			out = append(out, e.Path)
		}
	}
	slices.Sort(out)
	return out
}

func TestLayersHoldWhatTheyShould(t *testing.T) {
	env := testenv.Shared(t)
	build(t, env, testenv.Tree(t, small()), testenv.Request{Image: "layers"})
	img := env.Registry.Image(t, "layers")
	base := env.Registry.Image(t, "library/debian:bookworm-slim")

	require.Len(t, img.Layers, len(base.Layers)+6)
	for i, l := range base.Layers {
		assert.Equal(t, l.DiffID, img.Layers[i].DiffID, "the base's own layers, untouched")
	}
	removal, setup, entry := img.Layers[len(base.Layers)], img.Layers[len(base.Layers)+1], img.Layers[len(base.Layers)+2:]
	assert.Empty(t, files(removal), "nothing of the base was removed")
	assert.Equal(t, []string{
		"/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-", "/etc/passwd", "/etc/passwd-",
		"/etc/shadow", "/etc/shadow-", "/first", "/second", "/third",
	}, without(files(setup), "/etc/.pwd.lock"), "no scratch file, no cleaned file, no script, no mount point")
	assert.Equal(t, []string{"/etc/server/server.conf"}, files(entry[0]))
	assert.Equal(t, []string{"/opt/container/entrypoint.d/scripts/utils/log.sh"}, files(entry[1]))
	assert.Equal(t, []string{
		"/opt/container/entrypoint.d/scripts/runtime/health.sh",
		"/opt/container/entrypoint.d/scripts/runtime/start.sh",
	}, files(entry[2]))
	assert.Equal(t, []string{"/entrypoint.sh"}, files(entry[3]))

	root := img.Files()
	for path, want := range map[string]struct {
		mode     fs.FileMode
		uid, gid int
	}{
		"/entrypoint.sh":          {0o755, 0, 0},
		"/etc":                    {0o755, 0, 0},
		"/etc/server":             {0o755, 0, 0},
		"/etc/server/server.conf": {0o640, 0, 998},
		"/opt/container/entrypoint.d/scripts/utils/log.sh": {0o755, 0, 0},
		"/opt/container":      {0o755, 0, 0},
		"/data":               {0o700, 999, 998},
		"/var/lib/postgresql": {0o755, 999, 998},
	} {
		e, ok := root[path]
		require.True(t, ok, path)
		assert.Equal(t, want.mode, e.Mode.Perm(), path)
		assert.Equal(t, [2]int{want.uid, want.gid}, [2]int{e.UID, e.GID}, path)
	}
	for _, gone := range []string{"/doomed", "/temp", "/context", "/setup", "/run/pgstrata"} {
		assert.NotContains(t, slices.Collect(maps.Keys(root)), gone)
	}

	var created []string
	for _, h := range img.Config.History[len(img.Config.History)-6:] {
		created = append(created, h.CreatedBy)
	}
	assert.Equal(t, []string{
		"removed by setup: user, packages and 4 scripts",
		"setup: user, packages and 4 scripts",
		"entrypoint: configuration: /etc/server/server.conf",
		"entrypoint: utilities: /opt/container/entrypoint.d/scripts/utils/log.sh",
		"entrypoint: runtime (2 files)",
		"entrypoint: entrypoint: /entrypoint.sh",
	}, created)
}

func without(list []string, drop ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return slices.Contains(drop, s) })
}

// Packages: build packages are there while scripts run and leave no trace;
// caches are in no layer; the package database tells the truth.
func TestPackages(t *testing.T) {
	env := testenv.Shared(t)
	tree := map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
setup:
  dependencies: {runtime: [less], build: [bc, dc]}
`,
		// dc is a build package that the script asks for by name, so it stays;
		// it installs a package of its own besides.
		"setup/scripts/01-use.sh": "#!/bin/sh\nset -eu\necho 6*7 | bc >/answer\nless --version >/dev/null\n" +
			"apt-get update\napt-get install -y --no-install-recommends dc ed\n" +
			"apt-get purge -y ed\napt-get install -y --no-install-recommends ed | grep 'Need to get' >/again\n",
	}
	build(t, env, testenv.Tree(t, tree), testenv.Request{Image: "packages"})
	img := env.Registry.Image(t, "packages")
	root := img.Files()
	for _, there := range []string{"/usr/bin/less", "/usr/bin/dc", "/bin/ed", "/answer"} {
		if there == "/bin/ed" && has(root, "/usr/bin/ed") {
			continue
		}
		assert.True(t, has(root, there), there)
	}
	assert.False(t, has(root, "/usr/bin/bc"), "a build package")
	assert.False(t, has(root, "/var/lib/pgstrata"))
	for path := range root {
		assert.False(t, strings.HasPrefix(path, "/var/cache/apt/archives/") && strings.HasSuffix(path, ".deb"), path)
		assert.False(t, strings.HasPrefix(path, "/var/lib/apt/lists/") && strings.Contains(path, "_dists_"), path)
	}
	for _, l := range img.Layers[1:] {
		assert.NotContains(t, files(l), "/usr/bin/bc", "in no layer at all")
		assert.NotContains(t, files(l), "/etc/apt/apt.conf.d/docker-clean")
	}
	again, err := img.Read("/again")
	require.NoError(t, err)
	assert.Contains(t, string(again), "Need to get 0 B/", "while a script runs, apt keeps what it downloads")
	base := env.Registry.Image(t, "library/debian:bookworm-slim")
	want, err := base.Read("/etc/apt/apt.conf.d/docker-clean")
	require.NoError(t, err)
	got, err := img.Read("/etc/apt/apt.conf.d/docker-clean")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "back, unchanged, in the image")
	assert.Equal(t, []string{"/var/lib/dpkg/status"}, claims(t, img, "Package: ed\n", "Package: dc\n", "Package: less\n"))
	status, err := img.Read("/var/lib/dpkg/status")
	require.NoError(t, err)
	assert.NotContains(t, string(status), "Package: bc\n")

	assertTruthful(t, env, "packages")
}

// assertTruthful asks a container of an image whether the package database
// agrees with the files, and whether the package manager still works.
func assertTruthful(t *testing.T, env *testenv.Env, image string) {
	t.Helper()
	checks := map[string]string{
		"Dockerfile": "base: checked\n",
		// The slim base leaves documentation out on purpose.
		"setup/scripts/01-check.sh": "#!/bin/sh\nset -eu\ndpkg --audit >/audit\n" +
			"dpkg --verify | grep -v ' /usr/share/\\(doc\\|man\\|locale\\|info\\|lintian\\)' >/verify || true\n",
		"setup/scripts/02-install.sh": "#!/bin/sh\nset -eu\napt-get check\napt-get update\napt-get install -y --no-install-recommends bc\n",
	}
	result := build(t, env, testenv.Tree(t, checks), testenv.Request{Image: "checked-result", Options: map[string]string{
		"context:checked": "docker-image:" + env.Registry.Ref(image),
	}})
	checked := env.Registry.Image(t, "checked-result")
	for _, file := range []string{"/audit", "/verify"} {
		text, err := checked.Read(file)
		require.NoError(t, err)
		assert.Empty(t, string(text), "%s\n%s", file, result.Trace)
	}
}

// Whatever mixes of declared packages and scripts that install their own: the
// package database names exactly the packages whose files are there.
func TestPackageDatabase(t *testing.T) {
	env := testenv.Shared(t)
	const apt = "#!/bin/sh\nset -eu\napt-get update\napt-get install -y --no-install-recommends ed\n"
	for name, tc := range map[string]struct {
		setup   string
		scripts map[string]string
		want    []string // of the packages less, dc and ed
	}{
		"declared alone": {
			setup: "dependencies: {runtime: [less], build: [dc]}",
			want:  []string{"less"},
		},
		"build packages and a script that installs nothing": {
			setup:   "dependencies: {runtime: [less], build: [dc]}",
			scripts: map[string]string{"setup/scripts/01-a.sh": "#!/bin/sh\ndc -e '6 7 * p' >/answer\n"},
			want:    []string{"less"},
		},
		"a script that installs, with cleanup": {
			setup: "dependencies: {runtime: [less], build: [dc]}",
			scripts: map[string]string{
				"setup/scripts/01-a.sh":       apt,
				"setup/scripts/99-cleanup.sh": "#!/bin/sh\nset -eu\napt-get purge -y less\n",
			},
			want: []string{"ed"},
		},
		"isolated scripts, one with packages of its own, beside a chain that installs": {
			setup: `dependencies: {build: [dc]}
  scripts:
    - setup/scripts/01-a.sh
    - {path: setup/scripts/02-b.sh, outputs: [/opt/b], packages: [less]}
    - {path: setup/scripts/03-c.sh, outputs: [/opt/c]}`,
			scripts: map[string]string{
				"setup/scripts/01-a.sh": apt,
				"setup/scripts/02-b.sh": "#!/bin/sh\nset -eu\nless --version >/opt/b\n! command -v ed\n",
				// What an isolated script installs is gone with everything else.
				"setup/scripts/03-c.sh": apt + "echo >/opt/c\n",
			},
			want: []string{"ed", "less"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := map[string]string{"Dockerfile": "base: debian:bookworm-slim\nsetup:\n  " + tc.setup + "\n"}
			maps.Copy(tree, tc.scripts)
			build(t, env, testenv.Tree(t, tree), testenv.Request{Image: "truth"})
			img := env.Registry.Image(t, "truth")
			status, err := img.Read("/var/lib/dpkg/status")
			require.NoError(t, err)
			var listed, present []string
			for _, p := range []string{"dc", "ed", "less"} {
				if strings.Contains(string(status), "Package: "+p+"\nStatus: install ok installed") {
					listed = append(listed, p)
				}
				if has(img.Files(), "/usr/bin/"+p) || has(img.Files(), "/bin/"+p) {
					present = append(present, p)
				}
			}
			assert.Equal(t, tc.want, listed, "in the database")
			assert.Equal(t, tc.want, present, "in the file system")
			assertTruthful(t, env, "truth")
		})
	}
}

func has(root map[string]testenv.Entry, path string) bool { _, ok := root[path]; return ok }

// claims returns the file if it holds all texts.
func claims(t *testing.T, img *testenv.Image, texts ...string) []string {
	t.Helper()
	status, err := img.Read("/var/lib/dpkg/status")
	require.NoError(t, err)
	for _, text := range texts {
		if !strings.Contains(string(status), text) {
			return nil
		}
	}
	return []string{"/var/lib/dpkg/status"}
}

func TestUnknownPackage(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup:\n  dependencies:\n    runtime: [less, localez]\n    build: [postgresql-16]\n",
	})
	_, err := attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "Dockerfile:4:21: there is no package localez in the archives of debian:bookworm-slim; near names: locales")
	assert.Len(t, errdefs.Sources(err), 1, "the excerpt is shown once")
	testenv.Write(t, filepath.Join(dir, "Dockerfile"), "base: debian:bookworm-slim\nsetup:\n  dependencies:\n    build: [postgresql-16]\n  scripts: [setup/a.sh]\n")
	testenv.Write(t, filepath.Join(dir, "setup/a.sh"), "#!/bin/sh\ntouch /a\n")
	_, err = attempt(t, env, dir, testenv.Request{})
	assert.ErrorContains(t, err, "Dockerfile:4:13: there is no package postgresql-16 in the archives of debian:bookworm-slim; near names: postgresql-15")
}

func TestMissingVersionNamesThoseThatTheArchiveHas(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup:\n  dependencies:\n    runtime: [less=1.2.3]\n",
	})
	result, err := attempt(t, env, dir, testenv.Request{})
	require.Error(t, err)
	assert.Contains(t, result.Trace.Logs("runtime packages"), "less has no version 1.2.3; the archive has: 590")
}
