package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// auto is a tree two of whose scripts contribute all that they leave.
func auto() map[string]string {
	return map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
args: {LIB: "1"}
user: {name: postgres, uid: 999, gid: 999}
setup:
  scripts:
    - setup/scripts/00-chain.sh
    - {path: setup/scripts/01-lib.sh, outputs: auto}
    - {path: setup/scripts/02-program.sh, outputs: auto, needs: [01-lib]}
    - {path: setup/scripts/03-tool.sh, outputs: [/opt/tool]}
entrypoint: {configuration_files: []}
`,
		"setup/scripts/00-chain.sh": "#!/bin/sh\nset -eu\ntouch /chain\n",
		"setup/scripts/01-lib.sh": `#!/bin/sh
set -eu
mkdir -p /opt/lib/__pycache__ /opt/lib/empty '/opt/a dir' /root/.cache/x /usr/local/share/lib
echo "$LIB" >/opt/lib/version
ln -s version /opt/lib/link
ln /opt/lib/version /opt/lib/hard
touch /opt/lib/__pycache__/x /opt/lib/.hidden '/opt/a dir/a file' /root/.cache/x/y /tmp/x /var/tmp/x /var/log/lib.log
chown -R postgres /opt/lib
chmod 2775 /usr/local/share/lib
chmod 4755 /opt/lib/version
mkdir /var/log/lib
echo changed >/etc/issue
chmod 600 /etc/debian_version
chown postgres /srv
touch -d 2001-01-01 /opt/lib/old
cp /bin/true /usr/local/bin/lib
`,
		"setup/scripts/02-program.sh": "#!/bin/sh\nset -eu\ntest ! -e /chain\ntest \"$(stat -c %U /srv)\" = postgres\ncp /opt/lib/version /opt/program\necho >/opt/lib/extra\nmkdir /opt/lib/empty/one\n",
		"setup/scripts/03-tool.sh":    "#!/bin/sh\nset -eu\ntest ! -e /opt/lib\ntouch /opt/tool\n",
	}
}

// A script of `outputs: auto` leaves in the image what it leaves in a chain, but for
// what is nobody's.
func TestOutputsAuto(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, auto())
	first := build(t, env, dir, testenv.Request{Image: "auto"})
	root := summary(env.Registry.Image(t, "auto").Files())

	chain := auto()
	chain["Dockerfile"] = strings.NewReplacer(", outputs: auto", "", ", needs: [01-lib]", "", ", outputs: [/opt/tool]", "").Replace(chain["Dockerfile"])
	chain["setup/scripts/02-program.sh"] = strings.Replace(chain["setup/scripts/02-program.sh"], "test ! -e /chain\n", "", 1)
	chain["setup/scripts/03-tool.sh"] = strings.Replace(chain["setup/scripts/03-tool.sh"], "test ! -e /opt/lib\n", "", 1)
	build(t, env, testenv.Tree(t, chain), testenv.Request{Image: "auto:chain"})
	want := summary(env.Registry.Image(t, "auto:chain").Files())
	for _, nobody := range []string{"/opt/lib/__pycache__", "/opt/lib/__pycache__/x", "/root/.cache", "/root/.cache/x", "/root/.cache/x/y", "/tmp/x", "/var/tmp/x", "/var/log/lib.log"} {
		assert.Contains(t, want, nobody)
		delete(want, nobody)
	}
	for _, list := range []map[string]string{root, want} {
		delete(list, "/etc/ld.so.cache")
	}
	assert.Equal(t, want, root)

	t.Run("early cutoff", func(t *testing.T) {
		write(t, dir, "setup/scripts/01-lib.sh", auto()["setup/scripts/01-lib.sh"]+"# a comment\n")
		again := build(t, env, dir, testenv.Request{Image: "auto"})
		assert.Equal(t, []string{"01-lib.sh"}, setupRan(again.Trace), "it made the same files, so nothing after it ran\n%s", again.Trace)
		assert.Equal(t, first.Digest, again.Digest)
	})
	t.Run("what needs it runs again", func(t *testing.T) {
		again := build(t, env, dir, testenv.Request{Image: "auto", Options: map[string]string{"build-arg:LIB": "2"}})
		assert.Equal(t, []string{"01-lib.sh", "02-program.sh"}, setupRan(again.Trace), "%s", again.Trace)
	})
	t.Run("the same without merge and diff", func(t *testing.T) {
		copied := testenv.Tree(t, auto())
		before := build(t, env, copied, testenv.Request{Image: "auto:copied", Func: withoutMergeAndDiff()})
		got := summary(env.Registry.Image(t, "auto:copied").Files())
		delete(got, "/etc/ld.so.cache")
		assert.Equal(t, root, got)
		write(t, copied, "setup/scripts/01-lib.sh", auto()["setup/scripts/01-lib.sh"]+"# another comment\n")
		again := build(t, env, copied, testenv.Request{Image: "auto:copied", Func: withoutMergeAndDiff()})
		assert.Equal(t, []string{"01-lib.sh"}, setupRan(again.Trace), "%s", again.Trace)
		assert.Equal(t, before.Digest, again.Digest)
	})
	t.Run("target of one script", func(t *testing.T) {
		build(t, env, dir, testenv.Request{Image: "auto:program", Options: map[string]string{"target": "setup/02-program"}})
		files := env.Registry.Image(t, "auto:program").Files()
		assert.True(t, has(files, "/opt/program"))
		assert.True(t, has(files, "/opt/lib/extra"))
		assert.False(t, has(files, "/opt/lib/version"), "it is the other script's")
	})
}

// What cannot be merged is refused with its names.
func TestOutputsAutoThatCannotBe(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	for name, c := range map[string]struct {
		edit map[string]string
		want []string
	}{
		"others' files are deleted": {
			map[string]string{"02-program": "rm -r /opt/lib/empty /etc/issue\n"},
			[]string{"outputs: auto of 02-program: it deletes what others have left, which no output can tell:", "/etc/issue", "/opt/lib/empty"},
		},
		"an account": {
			map[string]string{"01-lib": "echo x:x:77: >>/etc/group\n"},
			[]string{"outputs: auto of 01-lib: it changes /etc/group, of the accounts: one account can be the build file's user"},
		},
		"the package database": {
			map[string]string{"01-lib": "touch /var/lib/dpkg/info/x.list\n"},
			[]string{"outputs: auto of 01-lib: it changes /var/lib/dpkg/info/x.list, of the package database: name its packages under setup.dependencies.runtime"},
		},
		"one path of two scripts": {
			map[string]string{"01-lib": "echo 1 >/opt/both; echo same >/opt/same\n", "02-program": "echo 2 >/opt/both; echo same >/opt/same\n"},
			[]string{"01-lib and 02-program both leave /opt/both: let only one of them do that, or list what each gives"},
		},
		"one path of the chain": {
			map[string]string{"00-chain": "echo A=1 >>/etc/environment; echo same >/etc/same\n", "01-lib": "echo B=1 >>/etc/environment; echo same >/etc/same\n"},
			[]string{"01-lib leaves /etc/environment, and the chain has made it another: let only one of them do that, or list what 01-lib gives"},
		},
		"one path with a script that lists it": {
			map[string]string{"01-lib": "mkdir /opt/tool\n"},
			[]string{"01-lib and 03-tool both leave /opt/tool"},
		},
		"a library that is missing": {
			map[string]string{"01-lib": "cp /lib/*/libz.so.1 /usr/local/lib/libz-own.so; sed -i 's/libc\\.so\\.6/libc.so.7/' /usr/local/lib/libz-own.so\n"},
			[]string{"SharedLibraryMissing: /usr/local/lib/libz-own.so does not find:", "libc.so.7 => not found"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := auto()
			for _, script := range slices.Sorted(maps.Keys(c.edit)) {
				tree["setup/scripts/"+script+".sh"] += c.edit[script]
			}
			out := env.Run(t, program, "build", "--progress=plain", testenv.Tree(t, tree))
			require.NotZero(t, out.Code, "%s", out.Stderr)
			for _, want := range c.want {
				assert.Contains(t, out.Stderr, want)
			}
			assert.NotContains(t, out.Stderr, "both leave /opt/same")
			assert.NotContains(t, out.Stderr, "01-lib leaves /etc/same")
		})
	}
}
