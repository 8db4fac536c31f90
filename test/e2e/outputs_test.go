package e2e

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
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
		assert.ErrorContains(t, err, "Dockerfile:10:12: 01-install.sh made no /build/none; it made /build/tool,")
		assert.Contains(t, result.Trace.Logs("place outputs of 01-install.sh"), "the output /build/none is not there: the script did not make it")
	})
}

// Directories, links and small files come last: no script runs for them.
func TestFilesystem(t *testing.T) {
	env := testenv.Shared(t)
	tree := map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
args: {TEXT: one}
user: {name: postgres, uid: 999, gid: 999}
setup:
  scripts: [setup/scripts/01-chain.sh, {path: setup/scripts/02-isolated.sh, outputs: [/opt/x]}]
  final_cleanup: []
  filesystem:
    - {directory: /var/lib/postgresql/data, owner: postgres, mode: "0700"}
    - {directory: /srv, owner: "5:6", mode: "1777"}
    - {directory: /opt/x/more}
    - {directory: /opt/x, owner: "5:6", mode: "0700", keep: true}
    - {directory: /opt/y/z, owner: "5:6", mode: "0700", keep: true}
    - {directory: /lib/udev}
    - {link: /usr/local/bin/x, to: /opt/x/x}
    - {link: /etc/old, to: new}
    - {file: /etc/new, text: "${TEXT}\n", owner: "root:postgres", mode: "0640"}
    - {file: /lib/empty}
entrypoint: {configuration_files: []}
`,
		"setup/scripts/01-chain.sh":    "#!/bin/sh\nset -eu\ntest ! -e /etc/new\necho >/etc/old\n",
		"setup/scripts/02-isolated.sh": "#!/bin/sh\nset -eu\nmkdir -m 0750 /opt/x\ntouch /opt/x/x\n",
	}
	dir := testenv.Tree(t, tree)
	build(t, env, dir, testenv.Request{Image: "filesystem"})
	img := env.Registry.Image(t, "filesystem")
	root := img.Files()
	for path, want := range map[string]string{
		"/var/lib/postgresql": "drwxr-xr-x 0:0", "/var/lib/postgresql/data": "drwx------ 999:999", "/srv": "dtrwxrwxrwx 5:6",
		"/opt/x": "drwxr-x--- 0:0", "/opt/y": "drwxr-xr-x 0:0", "/opt/y/z": "drwx------ 5:6", "/opt/x/more": "drwxr-xr-x 0:0", "/etc/new": "-rw-r----- 0:999", "/usr/lib/empty": "-rw-r--r-- 0:0",
		"/usr/lib/udev": "drwxr-xr-x 0:0",
	} {
		e := root[path]
		assert.Equal(t, want, fmt.Sprintf("%v %d:%d", e.Mode, e.UID, e.GID), path)
	}
	assert.Equal(t, "/opt/x/x", root["/usr/local/bin/x"].Link)
	assert.Equal(t, "new", root["/etc/old"].Link, "in the place of a file")
	assert.Equal(t, "usr/lib", root["/lib"].Link, "a link on the way stays")
	assert.Len(t, img.Config.History, len(img.Layers))

	t.Run("a change runs nothing", func(t *testing.T) {
		again := build(t, env, dir, testenv.Request{Image: "filesystem", Options: map[string]string{"build-arg:TEXT": "two"}})
		assert.Equal(t, []string{"filesystem (10 paths)"}, ranUnder(again.Trace, "[setup", "[toolchain]"), "%s", again.Trace)
		text, err := env.Registry.Image(t, "filesystem").Read("/etc/new")
		assert.NoError(t, err)
		assert.Equal(t, "two\n", string(text))
	})
	t.Run("the same without merge and diff", func(t *testing.T) {
		build(t, env, dir, testenv.Request{Image: "filesystem:copied", Func: withoutMergeAndDiff()})
		assert.Equal(t, summary(root), summary(env.Registry.Image(t, "filesystem:copied").Files()))
	})
	t.Run("a directory of the image is no file", func(t *testing.T) {
		write(t, dir, "Dockerfile", strings.Replace(tree["Dockerfile"], "{link: /usr/local/bin/x,", "{link: /usr/share,", 1))
		result, err := attempt(t, env, dir, testenv.Request{Image: "filesystem"})
		assert.Error(t, err)
		assert.Contains(t, result.Trace.Logs("directories of setup.filesystem"), "/usr/share is to be a link, and is a directory of the image")
	})
}

// Debug symbols are taken out of what a compiler made, and found by its build id.
func TestDebugSymbols(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
setup:
  debug_symbols: apart
  scripts:
    - {path: setup/01-compile.sh, build: [gcc, libc6-dev], outputs: [{from: /made/program, to: /opt/}, /opt/text]}
entrypoint: {configuration_files: []}
`,
		"setup/01-compile.sh": "#!/bin/sh\nset -eu\nmkdir /made\necho 'int main(void) { return 7; }' >/tmp/main.c\ngcc -g -o /made/program /tmp/main.c -Wl,--build-id\n" +
			"chmod 4751 /made/program\necho text >/opt/text\nreadelf -n /made/program\n",
	})
	logs := build(t, env, dir, testenv.Request{Image: "stripped"}).Trace.Logs("01-compile.sh")
	_, rest, ok := strings.Cut(logs, "Build ID: ")
	assert.True(t, ok, logs)
	id := strings.Fields(rest)[0]
	img := env.Registry.Image(t, "stripped")
	program, err := img.Read("/opt/program")
	assert.NoError(t, err)
	file, err := elf.NewFile(bytes.NewReader(program))
	assert.NoError(t, err)
	assert.Nil(t, file.Section(".debug_info"))
	assert.Equal(t, fs.FileMode(0o751), img.Files()["/opt/program"].Mode.Perm())
	assert.Equal(t, fs.ModeSetuid, img.Files()["/opt/program"].Mode&fs.ModeSetuid)

	build(t, env, dir, testenv.Request{Image: "symbols", Options: map[string]string{"target": "symbols"}})
	symbols, err := env.Registry.Image(t, "symbols").Read("/usr/lib/debug/.build-id/" + id[:2] + "/" + id[2:] + ".debug")
	assert.NoError(t, err)
	file, err = elf.NewFile(bytes.NewReader(symbols))
	assert.NoError(t, err)
	assert.NotNil(t, file.Section(".debug_info"))
	assert.False(t, has(env.Registry.Image(t, "symbols").Files(), "/opt/program"))
}
