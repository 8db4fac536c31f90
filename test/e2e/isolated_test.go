package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// isolated is a library, a program that needs it, one that needs nothing, and
// a script of the chain.
func isolated() map[string]string {
	return map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
args: {LIB: "1", TOOL: "1"}
user: {name: postgres, uid: 999, gid: 999}
setup:
  scripts:
    - setup/scripts/00-chain.sh
    - {path: setup/scripts/01-lib.sh, outputs: [/opt/lib, "/usr/local/share/lib-*.txt"]}
    - {path: setup/scripts/02-program.sh, outputs: [/opt/program], needs: [01-lib]}
    - {path: setup/scripts/03-tool.sh, outputs: [/opt/tool]}
  build_artifacts: [/build]
entrypoint: {configuration_files: []}
`,
		"setup/scripts/00-chain.sh": "#!/bin/sh\nset -eu\ntouch /chain\n",
		"setup/scripts/01-lib.sh": "#!/bin/sh\nset -eu\nmkdir -p /opt/lib /usr/local/share\necho \"$LIB\" >/opt/lib/version\n" +
			"ln -s version /opt/lib/link\nln /opt/lib/version /opt/lib/hard\nchown postgres /opt/lib/version\n" +
			"touch /usr/local/share/lib-a.txt /usr/local/share/other.txt /elsewhere /build/x\nchmod 2775 /usr/local/share\n",
		"setup/scripts/02-program.sh": "#!/bin/sh\nset -eu\ncp /opt/lib/version /opt/program\ntest ! -e /chain\ntest ! -e /opt/tool\n",
		"setup/scripts/03-tool.sh":    "#!/bin/sh\nset -eu\ntest ! -e /opt/lib\nhead -c 8 /dev/zero >/opt/tool\necho \"$TOOL\" >/dev/null\n",
	}
}

func TestIsolatedScripts(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, isolated())
	first := build(t, env, dir, testenv.Request{Image: "isolated"})
	img := env.Registry.Image(t, "isolated")
	root := img.Files()
	for _, path := range []string{"/opt/lib/version", "/opt/program", "/opt/tool", "/chain", "/usr/local/share/lib-a.txt"} {
		assert.True(t, has(root, path), path)
	}
	for _, path := range []string{"/elsewhere", "/usr/local/share/other.txt", "/build"} {
		assert.False(t, has(root, path), "%s is no output", path)
	}
	assert.Equal(t, "version", root["/opt/lib/link"].Link)
	assert.Equal(t, 999, root["/opt/lib/version"].UID)
	assert.Equal(t, fs.FileMode(0o755), root["/usr/local/share"].Mode&^fs.ModeDir, "a directory above an output is no output")
	var created []string
	for _, h := range img.Config.History {
		if strings.HasPrefix(h.CreatedBy, "setup: ") {
			created = append(created, h.CreatedBy)
		}
	}
	assert.Equal(t, []string{"setup: 00-chain.sh", "setup: 01-lib.sh", "setup: 02-program.sh", "setup: 03-tool.sh", "setup: ldconfig"}, created)
	assert.Len(t, img.Config.History, len(img.Layers), "an entry for each layer")

	t.Run("early cutoff", func(t *testing.T) {
		write(t, dir, "setup/scripts/01-lib.sh", isolated()["setup/scripts/01-lib.sh"]+"# a comment\n")
		again := build(t, env, dir, testenv.Request{Image: "isolated"})
		assert.Equal(t, []string{"01-lib.sh"}, setupRan(again.Trace), "it made the same files, so nothing after it ran\n%s", again.Trace)
		assert.Equal(t, first.Digest, again.Digest)
	})
	t.Run("what needs it runs again", func(t *testing.T) {
		again := build(t, env, dir, testenv.Request{Image: "isolated", Options: map[string]string{"build-arg:LIB": "2"}})
		assert.Equal(t, []string{"01-lib.sh", "02-program.sh"}, setupRan(again.Trace), "%s", again.Trace)
		assert.True(t, again.Trace.Ran("find every library"))
	})
	t.Run("an arg that changes no output", func(t *testing.T) {
		again := build(t, env, dir, testenv.Request{Image: "isolated", Options: map[string]string{"build-arg:TOOL": "2"}})
		assert.Equal(t, []string{"03-tool.sh"}, setupRan(again.Trace), "%s", again.Trace)
	})
	t.Run("the same without merge and diff", func(t *testing.T) {
		edited := testenv.Tree(t, isolated())
		build(t, env, edited, testenv.Request{Image: "isolated:copied", Func: withoutMergeAndDiff()})
		copied := env.Registry.Image(t, "isolated:copied")
		assert.Equal(t, summary(root), summary(copied.Files()))
		write(t, edited, "setup/scripts/01-lib.sh", isolated()["setup/scripts/01-lib.sh"]+"# another comment\n")
		again := build(t, env, edited, testenv.Request{Image: "isolated:copied", Func: withoutMergeAndDiff()})
		assert.Equal(t, []string{"01-lib.sh"}, setupRan(again.Trace), "%s", again.Trace)
		assert.Equal(t, copied.Digest, again.Digest)
	})
	t.Run("target of one script", func(t *testing.T) {
		build(t, env, dir, testenv.Request{Image: "isolated:lib", Options: map[string]string{"target": "setup/01-lib"}})
		lib := env.Registry.Image(t, "isolated:lib").Files()
		assert.True(t, has(lib, "/opt/lib/version"))
		assert.False(t, has(lib, "/bin"))
	})
}

func TestOutputThatWasNotProduced(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	tree := isolated()
	tree["Dockerfile"] = "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\nsetup:\n  scripts:\n    - path: setup/scripts/00-chain.sh\n      outputs: [/opt/none]\n"
	out := env.Buildx(t, "--progress=plain", testenv.Tree(t, tree))
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, ">>>       outputs: [/opt/none]")
	assert.Contains(t, out.Stderr, "Dockerfile:6:17: 00-chain.sh made no /opt/none; it made /chain")
}

func TestOutputElsewhere(t *testing.T) {
	env := testenv.Shared(t)
	for outputs, want := range map[string]string{
		"[/usr/local/bin/b]":                           "02-b.sh made no /usr/local/bin/b; it made /usr/bin/b",
		"[\"/usr/local/lib/*.so\", /usr/bin/b]":        "02-b.sh made no /usr/local/lib/*.so; it made /opt/b/lib.so",
		"[{from: /opt/b/none, to: /usr/bin/none}]":     "02-b.sh made no /opt/b/none; it made /opt/b/.hidden, /opt/b/lib.so, /usr/bin/b",
		"[/opt/b/bin, \"/opt/b/.*\", \"/opt/b/*.so\"]": "02-b.sh made no /opt/b/bin; it made",
	} {
		dir := testenv.Tree(t, map[string]string{
			"Dockerfile": "base: debian:bookworm-slim\nsetup:\n  scripts:\n    - path: setup/scripts/02-b.sh\n      outputs: " + outputs + "\n",
			"setup/scripts/02-b.sh": "#!/bin/sh\nset -eu\necho b >/usr/bin/b\nmkdir /opt/b\n" +
				"echo c >/opt/b/lib.so\necho d >/opt/b/.hidden\necho e >/var/cache/e\n",
		})
		_, err := attempt(t, env, dir, testenv.Request{})
		assert.ErrorContains(t, err, want)
	}
}

// Rebase: a new base runs packages and merge again, and no isolated script.
func TestRebase(t *testing.T) {
	env := testenv.Shared(t)
	tree := isolated()
	tree["Dockerfile"] = strings.NewReplacer(
		"base: debian:bookworm-slim", "base: company/base:1",
		"setup:\n", "setup:\n  base: debian:bookworm-slim\n",
	).Replace(tree["Dockerfile"])
	dir := testenv.Tree(t, tree)
	request := func() testenv.Request {
		return testenv.Request{Image: "rebased", Options: map[string]string{"context:company/base:1": "docker-image:" + env.Registry.Ref("company/base:1")}}
	}
	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile":            "base: debian:bookworm-slim\n",
		"setup/scripts/01-a.sh": "#!/bin/sh\necho one >/etc/base-version\n",
	}), testenv.Request{Image: "company/base:1"})
	build(t, env, dir, request())

	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile":            "base: debian:bookworm-slim\n",
		"setup/scripts/01-a.sh": "#!/bin/sh\necho two >/etc/base-version\n",
	}), testenv.Request{Image: "company/base:1"})
	trace := build(t, env, dir, request()).Trace
	assert.Equal(t, []string{"00-chain.sh", "user postgres (999:999)"}, setupRan(trace), "%s", trace)
	assert.True(t, trace.Ran("find every library"))
	version, err := env.Registry.Image(t, "rebased").Read("/etc/base-version")
	require.NoError(t, err)
	assert.Equal(t, "two\n", string(version))
}

func TestEveryLibraryIsProvenToBeThere(t *testing.T) {
	env := testenv.Shared(t)
	files := map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
setup:
  dependencies: {build: [bc]}
  scripts:
    - {path: setup/scripts/01-bc.sh, outputs: [/opt/bc]}
`,
		"setup/scripts/01-bc.sh": "#!/bin/sh\ncp /usr/bin/bc /opt/bc\n",
	}
	dir := testenv.Tree(t, files)
	result, err := attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "exit code: 93")
	logs := result.Trace.Logs("find every library")
	assert.Contains(t, logs, "/opt/bc does not find:")
	assert.Contains(t, logs, "libreadline.so.8 => not found")

	write(t, dir, "Dockerfile", strings.Replace(files["Dockerfile"], "outputs: [/opt/bc]", "outputs: [/opt/bc], packages: [libreadline8]", 1))
	build(t, env, dir, testenv.Request{Image: "libraries"})
	root := env.Registry.Image(t, "libraries").Files()
	assert.True(t, has(root, "/opt/bc"))
	assert.False(t, has(root, "/usr/bin/bc"))
}

// The image may have lost to a cleanup script what it takes to look for libraries.
func TestLibrariesAreLookedForWithoutTools(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
setup:
  dependencies: {build: [bc]}
  scripts:
    - {path: setup/scripts/01-bc.sh, outputs: [/usr/local/bin/own-bc]}
`,
		"setup/scripts/01-bc.sh":      "#!/bin/sh\ncp /usr/bin/bc /usr/local/bin/own-bc\n",
		"setup/scripts/99-cleanup.sh": "#!/bin/sh\nrm -f /usr/bin/find /usr/bin/grep /usr/bin/ldd /usr/bin/sed /usr/sbin/ldconfig /usr/bin/dash\n",
	})
	result, err := attempt(t, env, dir, testenv.Request{})
	require.ErrorContains(t, err, "exit code: 93", "%s", result.Trace.Logs("find every library"))
	assert.Contains(t, result.Trace.Logs("find every library"), "libreadline.so.8 => not found")
}

func TestMissingLibraryRunsIsolatedScriptsOnTheImagesBase(t *testing.T) {
	env := testenv.Shared(t)
	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup: {dependencies: {runtime: [bc]}}\n",
	}), testenv.Request{Image: "older"})
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
setup:
  base: older:latest
  on_missing_library: rebuild
  scripts:
    - {path: setup/scripts/01-tool.sh, outputs: [/opt/tool]}
`,
		"setup/scripts/01-tool.sh": "#!/bin/sh\nif [ -x /usr/bin/bc ]; then cp /usr/bin/bc /opt/tool; else cp /bin/true /opt/tool; fi\n",
	})
	result := build(t, env, dir, testenv.Request{Image: "rebuilt", Options: map[string]string{
		"context:older": "docker-image:" + env.Registry.Ref("older"),
	}})
	assert.Contains(t, warnings(result.Trace), "libraries are missing on debian:bookworm-slim: isolated scripts run on it, not on older:latest")
	img := env.Registry.Image(t, "rebuilt")
	want, err := img.Read("/bin/true")
	if err != nil {
		want, err = img.Read("/usr/bin/true")
	}
	require.NoError(t, err)
	got, err := img.Read("/opt/tool")
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// A setup script that looks for entrypoint files everywhere finds none.
func TestSetupCannotReachEntrypointFiles(t *testing.T) {
	env := testenv.Shared(t)
	const marker = "only-the-entrypoint-has-this"
	dir := testenv.Tree(t, change(
		"Dockerfile", "base: debian:bookworm-slim\nsetup: {scripts: [setup/scripts/01-first.sh], final_cleanup: []}\n",
		"entrypoint.d/entrypoint.sh", "#!/bin/sh\n# "+marker+"\n",
		"config/server.conf", "# "+marker+"\n",
		"setup/scripts/01-first.sh", `#!/bin/bash
exec 2>/dev/null
part=only-the-entrypoint; word=$part-has-this
cd /context; cat ../entrypoint.d/* ../../entrypoint.d/* entrypoint.d/* config/* /context/*/* /context/../*
cat "$(dirname "$0")"/../../entrypoint.d/entrypoint.sh
for p in /proc/[0-9]*; do cat "$p"/environ "$p"/root/context/entrypoint.d/*; ls "$p"/fd/; done
cut -d' ' -f5 /proc/self/mountinfo | while read -r m; do case $m in /proc*|/sys*|/dev*) ;; *) grep -rslI --devices=skip --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev "$word" "$m" | grep -v 01-first.sh;; esac; done
find / -xdev \( -name entrypoint.d -o -name server.conf \)
env
echo end
`,
	))
	result := build(t, env, dir, testenv.Request{})
	logs := result.Trace.Logs("01-first.sh")
	assert.NotContains(t, logs, marker)
	assert.NotContains(t, logs, "server.conf")
	assert.Contains(t, logs, "end\n", "it ran to its end")
}

// A directory among the inputs may hold the script itself, of whatever mode.
func TestDirectoryThatHoldsTheScript(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":         "base: debian:bookworm-slim\nsetup: {scripts: [{path: setup/scripts/a.sh, inputs: [setup], args: [TARGETARCH]}]}\nimage: {env: {ARCH: \"${TARGETARCH}\"}}\n",
		"setup/scripts/a.sh": "#!/bin/sh\ncat /context/setup/data >/data\necho \"$TARGETARCH\" >/arch\n",
		"setup/data":         "data\n",
	})
	require.NoError(t, os.Chmod(filepath.Join(dir, "setup/scripts/a.sh"), 0o644))
	build(t, env, dir, testenv.Request{Image: "directory"})
	img := env.Registry.Image(t, "directory")
	arch, err := img.Read("/arch")
	require.NoError(t, err)
	assert.Equal(t, "amd64\n", string(arch))
	assert.True(t, has(img.Files(), "/data"))
	assert.Contains(t, img.Config.Config.Env, "ARCH=amd64")
}

// Isolated scripts run at the same time, package manager or not.
func TestIsolatedScriptsRunBesideEachOther(t *testing.T) {
	env := testenv.Shared(t)
	work := "#!/bin/sh\nset -eu\napt-get --version >/dev/null\ndate +%s%N\nsleep 2 # the work\ndate +%s%N\ntouch /"
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":         "base: debian:bookworm-slim\nsetup: {scripts: [{path: setup/scripts/a.sh, outputs: [/a]}, {path: setup/scripts/b.sh, outputs: [/b]}]}\n",
		"setup/scripts/a.sh": work + "a\n",
		"setup/scripts/b.sh": work + "b\n",
	})
	trace := build(t, env, dir, testenv.Request{}).Trace
	a, b := strings.Fields(trace.Logs("a.sh")), strings.Fields(trace.Logs("b.sh"))
	require.Len(t, a, 2)
	require.Len(t, b, 2)
	assert.Less(t, a[0], b[1], "a began before b had ended")
	assert.Less(t, b[0], a[1], "b began before a had ended")
}

// Two different builds at once share what they have in common, and neither
// harms the other's caches.
func TestTwoBuildsAtOnce(t *testing.T) {
	env := testenv.Shared(t)
	tree := func(pkg string) map[string]string {
		return map[string]string{
			"Dockerfile":            "base: debian:bookworm-slim\n",
			"setup/scripts/01-a.sh": "#!/bin/sh\nset -eu\napt-get update\napt-get install -y --no-install-recommends " + pkg + "\n",
		}
	}
	var group errgroup.Group
	for image, pkg := range map[string]string{"at-once:a": "dc", "at-once:b": "ed"} {
		dir := testenv.Tree(t, tree(pkg))
		group.Go(func() error {
			_, err := env.Daemon.Build(t.Context(), testenv.Request{Func: frontendBuild(), Context: dir, Image: image})
			return err
		})
	}
	require.NoError(t, group.Wait())
	assert.True(t, has(env.Registry.Image(t, "at-once:a").Files(), "/usr/bin/dc"))
	assert.False(t, has(env.Registry.Image(t, "at-once:b").Files(), "/usr/bin/dc"))
}
