package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// One script for several values: each is a step, a layer and a target of its own, and a new value runs one.
func TestFor(t *testing.T) {
	env := testenv.Shared(t)
	file := func(versions string) string {
		return `# syntax=localhost:5000/pgstrata:dev
base: debian:bookworm-slim
args: {PG: "14"}
setup:
  scripts:
    - {path: setup/scripts/server.sh, for: {PG: [15, 17]}, outputs: ["/pg/${PG}/server"]}
    - path: setup/scripts/extension.sh
      for: {PG: [15, 17], VERSION: ` + versions + `}
      when: ["${PG} == 17 || ${VERSION} < 2"]
      needs: ["server-${PG}"]
      outputs: [{from: /out/extension, to: "/pg/${PG}/extension-${VERSION}"}]
`
	}
	tree := map[string]string{
		"Dockerfile":                 file("[1.0, 2.0]"),
		"setup/scripts/server.sh":    "#!/bin/sh\nset -eu\nmkdir -p /pg/$PG\necho server $PG >/pg/$PG/server\n",
		"setup/scripts/extension.sh": "#!/bin/sh\nset -eu\nmkdir /out\ncat /pg/$PG/server >/out/extension\necho extension $VERSION >>/out/extension\n",
	}
	dir := testenv.Tree(t, tree)
	build(t, env, dir, testenv.Request{Image: "for:1"})
	img := env.Registry.Image(t, "for:1")
	for name, want := range map[string]string{
		"/pg/15/extension-1.0": "server 15\nextension 1.0\n",
		"/pg/17/extension-2.0": "server 17\nextension 2.0\n",
	} {
		got, err := img.Read(name)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	assert.NotContains(t, img.Files(), "/pg/15/extension-2.0", "left out by its condition")
	var layers [][]string
	for _, l := range img.Layers {
		if paths := l.Paths(); len(paths) > 0 && strings.HasPrefix(paths[0], "/pg/") {
			layers = append(layers, paths)
		}
	}
	assert.Equal(t, [][]string{
		{"/pg/15/server"}, {"/pg/17/server"}, {"/pg/15/extension-1.0"}, {"/pg/17/extension-1.0"}, {"/pg/17/extension-2.0"},
	}, layers)

	write(t, dir, "Dockerfile", file("[1.0, 2.0, 2.1]"))
	again := build(t, env, dir, testenv.Request{Image: "for:2"})
	assert.Equal(t, []string{"extension.sh PG=17 VERSION=2.1"}, setupRan(again.Trace))

	build(t, env, dir, testenv.Request{Image: "for:one", Options: map[string]string{"target": "setup/extension-17-2.1"}})
	var left []string
	for _, l := range env.Registry.Image(t, "for:one").Layers {
		left = append(left, l.Paths()...)
	}
	assert.Equal(t, []string{"/pg/17/extension-2.1"}, left)
}
