package e2e

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A directory of configuration files is in the image with all that is in it, as one layer; what is added to it later
// comes along, and setup does not run for it.
func TestConfigurationDirectory(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
user: {name: postgres, uid: 999, gid: 998}
entrypoint:
  configuration_files:
    - {source: conf, target: /etc/app/, mode: "0640", owner: postgres}
    - {source: conf/deep/open, target: /etc/app/deep/open}
`,
		"setup/scripts/01-a.sh": "#!/bin/sh\ntouch /configured\n",
		"conf/a":                "a\n",
		"conf/deep/secret":      "b\n",
		"conf/deep/open":        "c\n",
	})
	build(t, env, dir, testenv.Request{Image: "configuration-directory"})
	root := env.Registry.Image(t, "configuration-directory").Files()
	for name, mode := range map[string]fs.FileMode{"/etc/app/a": 0o640, "/etc/app/deep/secret": 0o640, "/etc/app/deep/open": 0o644} {
		assert.Equal(t, mode, root[name].Mode, name)
		assert.Equal(t, 998, root[name].GID, name)
	}
	assert.Equal(t, 999, root["/etc/app/deep/secret"].UID)
	assert.Equal(t, 0, root["/etc/app/deep/open"].UID)

	write(t, dir, "conf/deep/new", "d\n")
	again := build(t, env, dir, testenv.Request{Image: "configuration-directory"})
	assert.Empty(t, setupRan(again.Trace), "%s", again.Trace)
	assert.True(t, has(env.Registry.Image(t, "configuration-directory").Files(), "/etc/app/deep/new"))
}
