package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A package runs what lies on it, and nothing else.
func TestPackagesWhereTheyBelong(t *testing.T) {
	env := testenv.Shared(t)
	repo := testenv.NewAptRepository(t)
	repo.Add(t, "compiler", "1.0", "opt/compiler", "")
	repo.Add(t, "linker", "1.0", "opt/linker", "")
	repo.Add(t, "viewer", "1.0", "opt/viewer", "")
	repo.Add(t, "server", "1.0", "opt/server", "", "Depends: plain | fancy")
	repo.Add(t, "plain", "1.0", "opt/plain", "")
	repo.Add(t, "fancy", "1.0", "opt/fancy", "")
	tree := map[string]string{
		"Dockerfile": fmt.Sprintf(`base: debian:bookworm-slim
args: {MORE: "", MAJOR: "15"}
setup:
  repositories:
    - {name: ours, uris: ["%s"], suites: [stable], signed_by: setup/keys/ours.asc}
  dependencies:
    build: [compiler]
    runtime: [server, "!plain", "${MORE}"]
    image: [{name: viewer, when: ["${MAJOR} >= 16"]}]
  scripts:
    - {path: setup/scripts/01-all.sh, outputs: [/out/all]}
    - {path: setup/scripts/02-own.sh, outputs: [/out/own], build: [linker], needs: [01-all]}
    - {path: setup/scripts/03-none.sh, outputs: [/out/none], build: []}
entrypoint: {configuration_files: []}
`, repo.URL),
		"setup/keys/ours.asc": repo.Key,
	}
	for name, want := range map[string]string{
		"01-all":  "test -e /opt/compiler -a ! -e /opt/linker",
		"02-own":  "test ! -e /opt/compiler -a -e /opt/linker -a -e /out/all",
		"03-none": "test ! -e /opt/compiler -a ! -e /opt/linker -a -e /opt/server",
	} {
		_, file, _ := strings.Cut(name, "-")
		tree["setup/scripts/"+name+".sh"] = "#!/bin/sh\nset -eu\n" + want + "\ntest ! -e /opt/viewer\nmkdir -p /out\necho >/out/" + file + "\n"
	}
	dir := testenv.Tree(t, tree)
	build(t, env, dir, testenv.Request{Image: "packages"})
	root := env.Registry.Image(t, "packages").Files()
	for _, path := range []string{"/out/all", "/out/own", "/out/none", "/opt/server", "/opt/fancy"} {
		assert.True(t, has(root, path), path)
	}
	for _, path := range []string{"/opt/plain", "/opt/viewer", "/opt/compiler", "/opt/linker"} {
		assert.False(t, has(root, path), path)
	}

	t.Run("image package", func(t *testing.T) {
		got := build(t, env, dir, testenv.Request{Image: "packages", Options: map[string]string{"build-arg:MAJOR": "16"}})
		assert.Equal(t, []string{"runtime packages: server !plain viewer"}, setupRan(got.Trace), "it compiles nothing\n%s", got.Trace)
		assert.True(t, has(env.Registry.Image(t, "packages").Files(), "/opt/viewer"))
	})
	t.Run("build package of one script", func(t *testing.T) {
		write(t, dir, "Dockerfile", strings.Replace(tree["Dockerfile"], "build: [linker]", "build: [linker, viewer]", 1))
		write(t, dir, "setup/scripts/02-own.sh", strings.Replace(tree["setup/scripts/02-own.sh"], "! -e /opt/viewer", "-e /opt/viewer", 1))
		got := build(t, env, dir, testenv.Request{Image: "packages"})
		assert.Equal(t, []string{"02-own.sh", "build packages: linker viewer"}, setupRan(got.Trace), "%s", got.Trace)
	})
	t.Run("build package of all", func(t *testing.T) {
		write(t, dir, "Dockerfile", strings.Replace(tree["Dockerfile"], "build: [compiler]", "build: [compiler, fancy]", 1))
		write(t, dir, "setup/scripts/02-own.sh", tree["setup/scripts/02-own.sh"])
		got := build(t, env, dir, testenv.Request{Image: "packages"})
		assert.Equal(t, []string{"01-all.sh", "build packages: compiler fancy"}, setupRan(got.Trace), "%s", got.Trace)
	})
}
