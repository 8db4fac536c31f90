package e2e

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/test/testenv"
)

// Outputs that go elsewhere, with an owner and a mode, of scripts that may have a base of their own.
func TestOutputsThatArePlaced(t *testing.T) {
	env := testenv.Shared(t)
	tree := map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
user: {name: postgres, uid: 999, gid: 999, shell: /bin/sh, groups: [mail, "readers:1500"]}
accounts: [{name: backup2, uid: 1001, gid: 999, home: /var/lib/backup2}]
setup:
  scripts:
    - path: setup/scripts/01-install.sh
      outputs:
        - {from: /build/opt/x, to: /opt/x, owner: postgres, mode: "0750"}
        - {from: "/build/usr/lib/*.so", to: /usr/lib/}
        - {from: /build/tool, to: /usr/local/bin/, owner: root, mode: "0755"}
        - /etc/plain
    - path: setup/scripts/02-use.sh
      needs: [01-install]
      outputs: [{from: /out, to: /used, owner: backup2}]
    - path: setup/scripts/03-foreign.sh
      base: company/builder:1
      outputs: [/foreign]
entrypoint: {configuration_files: []}
`,
		"setup/scripts/01-install.sh": "#!/bin/sh\nset -eu\nmkdir -p /build/opt/x/bin /build/usr/lib '/build/usr/lib/a dir'\n" +
			"echo >/build/opt/x/bin/su\nchmod 4755 /build/opt/x/bin/su\nln -s su /build/opt/x/bin/link\ntouch /build/opt/x/a /build/usr/lib/a.so '/build/usr/lib/b c.so' /build/usr/lib/other\n" +
			"ln /build/opt/x/a /build/opt/x/b\ntouch /build/tool /etc/plain\nchmod 600 /build/tool\nid postgres\nid backup2\n",
		"setup/scripts/02-use.sh":     "#!/bin/sh\nset -eu\ntest -e /opt/x/a -a -e /usr/lib/a.so -a ! -e /build\nmkdir /out\ncp /opt/x/a /out/a\n",
		"setup/scripts/03-foreign.sh": "#!/bin/sh\nset -eu\n! id postgres\necho $BUILDER >/foreign\ncat /etc/builder >>/foreign\n",
	}
	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile":            "base: debian:bookworm-slim\nimage: {env: {BUILDER: yes}}\n",
		"setup/scripts/01-a.sh": "#!/bin/sh\necho builder >/etc/builder\n",
	}), testenv.Request{Image: "company/builder:1"})
	dir := testenv.Tree(t, tree)
	request := testenv.Request{Image: "placed", Options: map[string]string{"context:company/builder:1": "docker-image:" + env.Registry.Ref("company/builder:1")}}
	first := build(t, env, dir, request)
	img := env.Registry.Image(t, "placed")
	root := img.Files()
	for _, path := range []string{"/usr/lib/a.so", "/usr/lib/b c.so", "/etc/plain", "/used/a", "/opt/x/bin/su"} {
		assert.True(t, has(root, path), path)
	}
	for _, path := range []string{"/build", "/out", "/usr/lib/other", "/usr/lib/a dir", "/etc/builder"} {
		assert.False(t, has(root, path), path)
	}
	assert.Equal(t, fs.FileMode(0o750), root["/opt/x"].Mode.Perm())
	assert.Equal(t, 999, root["/opt/x/bin/su"].UID, "it and all that is in it")
	assert.Equal(t, fs.ModeSetuid, root["/opt/x/bin/su"].Mode&fs.ModeSetuid, "a new owner takes no bit away")
	assert.Equal(t, "su", root["/opt/x/bin/link"].Link)
	assert.Equal(t, "opt/x/a", root["/opt/x/b"].Link, "a hard link stays one")
	assert.Equal(t, 0, root["/opt"].UID)
	assert.Equal(t, fs.FileMode(0o755), root["/usr/local/bin/tool"].Mode.Perm())
	assert.Equal(t, 1001, root["/used/a"].UID)
	text, err := img.Read("/foreign")
	assert.NoError(t, err)
	assert.Equal(t, "yes\nbuilder\n", string(text))
	assert.Contains(t, first.Trace.Logs("01-install.sh"), "uid=999(postgres) gid=999(postgres) groups=999(postgres),8(mail),1500(readers)")
	assert.Contains(t, first.Trace.Logs("01-install.sh"), "uid=1001(backup2) gid=999(postgres)")

	t.Run("early cutoff", func(t *testing.T) {
		write(t, dir, "setup/scripts/01-install.sh", tree["setup/scripts/01-install.sh"]+"# a comment\n")
		again := build(t, env, dir, request)
		assert.Equal(t, []string{"01-install.sh"}, setupRan(again.Trace), "%s", again.Trace)
		assert.Equal(t, first.Digest, again.Digest)
	})
	t.Run("the same without merge and diff", func(t *testing.T) {
		other := request
		other.Image, other.Func = "placed:copied", withoutMergeAndDiff()
		build(t, env, testenv.Tree(t, tree), other)
		assert.Equal(t, summary(root), summary(env.Registry.Image(t, "placed:copied").Files()))
	})
	t.Run("an output that is not there", func(t *testing.T) {
		write(t, dir, "Dockerfile", strings.Replace(tree["Dockerfile"], "/build/tool,", "/build/none,", 1))
		result, err := attempt(t, env, dir, request)
		assert.ErrorContains(t, err, "place-outputs.sh")
		assert.Contains(t, result.Trace.Logs("place outputs of 01-install.sh"), "the output /build/none is not there: the script did not make it")
	})
}
