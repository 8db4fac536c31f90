package e2e

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// chainOfDirectories makes directories of all kinds, and links to them: by several steps, absolute, upwards, to nothing.
const chainOfDirectories = `#!/bin/sh
set -eu
install -d -m 3777 -o postgres -g postgres /run/pgsock
install -d -m 0710 -g postgres /etc/ssl/private
install -d -m 2750 -o postgres -g postgres /etc/postgresql "/etc/postgresql/a b" /opt/container
install -d -m 0700 -o postgres -g postgres /srv/real /srv/real/deep
chmod 0700 /var/lib/postgresql
chmod 1733 /usr/share/doc
ln -s /srv/link2 /srv/link1
ln -s ./real/deep/../deep /srv/link2
ln -s ../srv/link1 /etc/link
ln -s /srv/real /opt/container/entrypoint.d
ln -s /nowhere/yet /srv/dangling
ln -s /etc/postgresql/linked.conf /etc/linked.conf
`

// ways are directories by names that lead through links.
func ways() []string {
	return []string{"/bin", "/lib/systemd", "/sbin", "/var/run", "/var/lock", "/srv/link1", "/etc/link", "/srv/dangling/sub", "/var/run/pgsock"}
}

// isPlace tells whether an entry of an image is a directory that files are to be put in: one of an owner or mode that is
// not the usual one.
func isPlace(name string, e testenv.Entry) bool {
	for _, mounted := range []string{"/proc", "/sys", "/dev"} {
		if name == mounted || strings.HasPrefix(name, mounted+"/") {
			return false
		}
	}
	usual := e.Mode == fs.ModeDir|0o755 && e.UID+e.GID == 0
	return name != "/" && e.Mode.IsDir() && !usual
}

// places are what a build must not change of a root: its directories and links.
func places(root map[string]testenv.Entry) map[string]string {
	out := map[string]string{}
	for name, e := range root {
		if e.Mode.IsDir() || e.Mode&fs.ModeSymlink != 0 {
			out[name] = fmt.Sprintf("%v %d:%d %s", e.Mode, e.UID, e.GID, e.Link)
		}
	}
	delete(out, "/")
	return out
}

// changedPlaces are those that are no longer as they were.
func changedPlaces(before, after map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if before[name] != after[name] {
			out = append(out, fmt.Sprintf("%s: %s -> %s", name, before[name], after[name]))
		}
	}
	return out
}

// Every directory of the base and of the chain, and every link, is after the build what it was before: owner, mode, kind
// and target, with entrypoint files and outputs in them.
func TestDirectoriesStay(t *testing.T) {
	env := testenv.Shared(t)
	const head = "base: debian:bookworm-slim\nuser: {name: postgres, uid: 999, gid: 998, home: /var/lib/postgresql}\n"
	tree := map[string]string{
		"Dockerfile":                head,
		"setup/scripts/01-chain.sh": chainOfDirectories,
	}
	build(t, env, testenv.Tree(t, tree), testenv.Request{Image: "directories:before"})
	before := env.Registry.Image(t, "directories:before").Files()

	dirs := ways()
	for name, e := range before {
		if isPlace(name, e) {
			dirs = append(dirs, name)
		}
	}
	slices.Sort(dirs)
	var outputs, files strings.Builder
	for _, dir := range dirs {
		fmt.Fprintf(&outputs, "        - %q\n", path.Join(dir, "an output"))
		fmt.Fprintf(&files, "    - {source: config/file, target: %q, owner: postgres}\n", path.Join(dir, "a file"))
	}
	tree["Dockerfile"] = head + "setup:\n  scripts:\n    - setup/scripts/01-chain.sh\n    - path: setup/scripts/02-isolated.sh\n      inputs: [setup/dirs]\n      outputs:\n" + outputs.String() +
		"entrypoint:\n  configuration_files:\n    - {source: config/file, target: /etc/linked.conf}\n" + files.String()
	tree["setup/scripts/02-isolated.sh"] = `#!/bin/sh
set -eu
while IFS= read -r dir; do
    mkdir -p "$dir"
    chmod 0751 "$dir"
    echo output >"$dir/an output"
done </context/setup/dirs
`
	tree["setup/dirs"] = strings.Join(dirs, "\n") + "\n"
	tree["config/file"] = "file\n"
	tree["entrypoint.d/entrypoint.sh"] = "#!/bin/sh\n"
	tree["entrypoint.d/scripts/utils/log.sh"] = "#!/bin/sh\n"
	tree["entrypoint.d/scripts/runtime/up.sh"] = "#!/bin/sh\n"
	dir := testenv.Tree(t, tree)

	for name, with := range map[string]gateway.BuildFunc{"merge": frontendBuild(), "copy": withoutMergeAndDiff()} {
		t.Run(name, func(t *testing.T) {
			build(t, env, dir, testenv.Request{Image: "directories:" + name, Func: with})
			img := env.Registry.Image(t, "directories:"+name)
			after := img.Files()
			assert.Empty(t, changedPlaces(places(before), places(after)))
			for _, dir := range dirs {
				there := resolve(after, dir)
				for _, file := range []string{"a file", "an output"} {
					assert.True(t, has(after, path.Join(there, file)), "%s/%s is not in %s", dir, file, there)
				}
			}
			assert.Equal(t, "drwxr-xr-x 0:0 ", places(after)["/nowhere/yet/sub"], "what is new is root's")
			text, err := img.Read("/etc/postgresql/linked.conf")
			require.NoError(t, err, "a link as a target is followed, as COPY follows it")
			assert.Equal(t, "file\n", string(text))
			for _, script := range []string{"/srv/real/scripts/utils/log.sh", "/srv/real/scripts/runtime/up.sh", "/entrypoint.sh"} {
				assert.True(t, has(after, script), script)
			}
		})
	}

	t.Run("an edit", func(t *testing.T) {
		write(t, dir, "config/file", "edited\n")
		trace := build(t, env, dir, testenv.Request{Image: "directories:edited"}).Trace
		assert.Empty(t, setupRan(trace), "%s", trace)
		assert.False(t, trace.Ran("directories above"), "an edit asks for no directory again\n%s", trace)
	})
	t.Run("a chain that leaves its directories alone", func(t *testing.T) {
		write(t, dir, "setup/scripts/01-chain.sh", chainOfDirectories+"touch /more\n")
		trace := build(t, env, dir, testenv.Request{Image: "directories:edited"}).Trace
		assert.True(t, trace.Ran("directories above entrypoint files"), "%s", trace)
		assert.Empty(t, ranUnder(trace, "[entrypoint]"), "the same directories, the same layers\n%s", trace)
	})
}

// resolve follows the links of a root to a directory.
func resolve(root map[string]testenv.Entry, name string) string {
	have, rest := "/", strings.Split(name, "/")
	for hops := 0; len(rest) > 0 && hops < 1000; hops++ {
		word := rest[0]
		rest = rest[1:]
		if e := root[path.Join(have, word)]; e.Mode&fs.ModeSymlink != 0 {
			if path.IsAbs(e.Link) {
				have = "/"
			}
			rest = append(strings.Split(e.Link, "/"), rest...)
			continue
		}
		have = path.Join(have, word)
	}
	return have
}

// A base without setup is left as it is too: nothing runs on it, it need not have a shell.
func TestDirectoriesOfABaseAlone(t *testing.T) {
	env := testenv.Shared(t)
	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile":            "base: debian:bookworm-slim\nuser: {name: postgres, uid: 999, gid: 998, home: /var/lib/postgresql}\nsetup: {final_cleanup: [setup/bare.sh]}\n",
		"setup/scripts/01-a.sh": chainOfDirectories,
		"setup/bare.sh":         "#!/bin/sh\nrm -f /usr/bin/stat /usr/bin/dash /bin/sh\n",
	}), testenv.Request{Image: "bare-base"})
	before := env.Registry.Image(t, "bare-base").Files()
	require.False(t, has(before, "/usr/bin/dash"))
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `base: bare-base
entrypoint:
  configuration_files:
    - {source: config/file, target: /bin/tool}
    - {source: config/file, target: /tmp/seed}
    - {source: config/file, target: /etc/link/x}
    - {source: config/file, target: /etc/ssl/private/key}
`,
		"config/file":                        "file\n",
		"entrypoint.d/entrypoint.sh":         "#!/bin/sh\n",
		"entrypoint.d/scripts/runtime/up.sh": "#!/bin/sh\n",
	})
	for name, with := range map[string]gateway.BuildFunc{"merge": frontendBuild(), "copy": withoutMergeAndDiff()} {
		t.Run(name, func(t *testing.T) {
			build(t, env, dir, testenv.Request{Image: "bare-base:" + name, Func: with, Options: map[string]string{
				"context:bare-base": "docker-image:" + env.Registry.Ref("bare-base"),
			}})
			after := env.Registry.Image(t, "bare-base:"+name).Files()
			assert.Empty(t, changedPlaces(places(before), places(after)))
			for _, file := range []string{"/usr/bin/tool", "/tmp/seed", "/srv/real/deep/x", "/etc/ssl/private/key", "/entrypoint.sh", "/srv/real/scripts/runtime/up.sh"} {
				assert.True(t, has(after, file), file)
			}
		})
	}
}

// What cannot be laid on a root is said with the place that asks for it.
func TestFilesThatMeetDirectories(t *testing.T) {
	env := testenv.Shared(t)
	for name, tc := range map[string]struct{ text, want string }{
		"a file for a directory": {
			"entrypoint: {configuration_files: [{source: config/file, target: /etc/ssl}]}\n",
			"/etc/ssl is to be a file, and /etc/ssl is a directory of the image",
		},
		"below a file": {
			"entrypoint: {configuration_files: [{source: config/file, target: /etc/passwd/x}]}\n",
			"/etc/passwd/x needs the directory /etc/passwd, and that is a file of the image",
		},
		"a circle": {
			"entrypoint: {configuration_files: [{source: config/file, target: /round/x}]}\n",
			"/round/x: its symbolic links lead in a circle",
		},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := attempt(t, env, testenv.Tree(t, map[string]string{
				"Dockerfile":            "base: debian:bookworm-slim\n" + tc.text,
				"config/file":           "file\n",
				"setup/scripts/01-a.sh": "#!/bin/sh\nmkdir -p /etc/ssl\nln -s /round2 /round\nln -s round /round2\n",
			}), testenv.Request{})
			require.Error(t, err)
			assert.Contains(t, result.Trace.Logs("directories above entrypoint files"), tc.want, "%v\n%s", err, result.Trace)
		})
	}
}

// Of a directory that is an output, the image has owner and mode as the script made them, unless the chain has made it
// another one; a directory that only leads to an output is the image's.
func TestDirectoriesThatAreOutputs(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `base: debian:bookworm-slim
setup:
  scripts:
    - setup/scripts/01-chain.sh
    - {path: setup/scripts/02-isolated.sh, outputs: [/srv, /opt/new, /usr/local/share/x, "/usr/lib/*/twice*", /lib/own.so]}
`,
		"setup/scripts/01-chain.sh": "#!/bin/sh\nset -eu\ninstall -d -m 0711 /srv/both /srv/chain\n",
		"setup/scripts/02-isolated.sh": `#!/bin/sh
set -eu
chmod 0770 /srv /usr/local/share
install -d -m 0700 /srv/both /srv/script /opt/new
touch /srv/both/x /srv/script/x /opt/new/x /usr/local/share/x
for lib in /usr/lib/*-linux-gnu; do echo one >$lib/twice-a; ln $lib/twice-a $lib/twice-b; done
touch /lib/own.so
`,
	})
	for name, with := range map[string]gateway.BuildFunc{"merge": frontendBuild(), "copy": withoutMergeAndDiff()} {
		t.Run(name, func(t *testing.T) {
			build(t, env, dir, testenv.Request{Image: "directory-outputs:" + name, Func: with})
			root := env.Registry.Image(t, "directory-outputs:"+name).Files()
			for path, want := range map[string]fs.FileMode{
				"/srv": 0o770, "/srv/both": 0o711, "/srv/chain": 0o711, "/srv/script": 0o700, "/opt/new": 0o700, "/usr/local/share": 0o755,
			} {
				assert.Equal(t, want, root[path].Mode.Perm(), path)
			}
			for _, file := range []string{"/srv/both/x", "/srv/script/x", "/opt/new/x", "/usr/local/share/x", "/usr/lib/own.so"} {
				assert.True(t, has(root, file), file)
			}
			assert.Equal(t, "usr/lib/x86_64-linux-gnu/twice-a", root["/usr/lib/x86_64-linux-gnu/twice-b"].Link, "a hard link, as the script made it")
		})
	}
}
