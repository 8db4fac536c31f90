package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// maxFrontend is the memory that a build needs at most beside the daemon, with
// the client that pgstrata build is: what docs/reliability.md says.
const maxFrontend = 768 << 20

// hostile is one context that somebody made to do harm, or by accident.
type hostile struct {
	files map[string]string
	make  func(t *testing.T, dir string) // what a text cannot say
	want  string                         // of the error; "" for a build that succeeds
}

// Whatever the context holds, a build succeeds or says what is wrong with it,
// within bounded memory.
func TestHostileContexts(t *testing.T) {
	env := testenv.Shared(t)
	pgstrata := testenv.Program(t, "pgstrata")
	const base = "base: debian:bookworm-slim\n"
	large := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.Truncate(filepath.Join(dir, name), 100<<20))
		}
	}
	link := func(name, to string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
			require.NoError(t, os.Symlink(to, filepath.Join(dir, name)))
		}
	}
	for name, tc := range map[string]hostile{
		"build file of 100 MB": {
			files: map[string]string{"Dockerfile": base}, make: large("Dockerfile"),
			want: "Dockerfile exceeds maximum allowed size",
		},
		"build file of 1 MB": {
			files: map[string]string{"Dockerfile": base + "#" + strings.Repeat("x", 1<<20)},
			want:  "the build file has 1048604 bytes; the limit is 524288",
		},
		".dockerignore of 100 MB": {
			files: map[string]string{"Dockerfile": base, ".dockerignore": ""}, make: large(".dockerignore"),
			want: ".dockerignore exceeds maximum allowed size",
		},
		"script of 100 MB": {
			files: map[string]string{"Dockerfile": base, "setup/scripts/01-a.sh": ""}, make: large("setup/scripts/01-a.sh"),
			want: "setup/scripts/01-a.sh has 104857600 bytes, and scripts are read up to 1048576",
		},
		"configuration of 100 MB": {
			files: map[string]string{"Dockerfile": base, "config/a": ""}, make: large("config/a"),
		},
		"scripts that are costly to read": {
			files: costly(),
			want:  "commands and words that are read",
		},
		"YAML bomb": {
			files: map[string]string{"Dockerfile": base + "x-a: &a /x\nx-b: &b [*a, *a]\nx-c: &c [*b, *b]\nsetup:\n  build_artifacts: [" + strings.Repeat("*a, ", 300) + "]\n"},
			want:  "more than 256 aliases are read in this file",
		},
		"arguments that double": {
			files: map[string]string{"Dockerfile": base + "args:\n  A: xxxxxxxxxxxxxxxxx\n" + doubling(40)},
			want:  "may become longer than 65536 bytes",
		},
		"path with dots": {
			files: map[string]string{"Dockerfile": base + "setup: {scripts: [setup/../../x.sh]}\n"},
			want:  `a setup script leaves the build context: "setup/../../x.sh"`,
		},
		"absolute path": {
			files: map[string]string{"Dockerfile": base + "entrypoint: {configuration_files: [{source: /etc/passwd, target: /x}]}\n"},
			want:  "a source is a path in the build context, so it does not start with /",
		},
		"link out of the context": {
			files: map[string]string{"Dockerfile": base + "entrypoint: {configuration_files: [{source: config/passwd, target: /x}]}\n"},
			make:  link("config/passwd", "../../../../../../etc/passwd"),
			want:  "config/passwd is not in the build context: it is a symbolic link to ../../../../../../etc/passwd, which is not there",
		},
		"absolute link out of the context": {
			files: map[string]string{"Dockerfile": base + "setup: {scripts: [{path: a.sh, inputs: [lib]}]}\n", "a.sh": "#!/bin/sh\n"},
			make:  link("lib", "/etc"),
			want:  "input lib is not in the build context",
		},
		"links in a circle": {
			files: map[string]string{"Dockerfile": base, "setup/scripts/01-a.sh": "#!/bin/sh\n", "config/a": "a"},
			make: func(t *testing.T, dir string) {
				t.Helper()
				link("config/self", "self")(t, dir)
				link("config/up", "..")(t, dir)
				link("setup/here", ".")(t, dir)
			},
			want: "config/self is a symbolic link to self",
		},
		"scripts that source each other": {
			files: map[string]string{
				"Dockerfile":            base,
				"setup/scripts/01-a.sh": "#!/bin/sh\nif [ -z \"${a:-}\" ]; then a=1; . \"$(dirname \"$0\")/../lib/b.sh\"; fi\n",
				"setup/lib/b.sh":        "if [ -z \"${b:-}\" ]; then b=1; . /context/setup/scripts/01-a.sh; . /context/setup/lib/b.sh; fi\n",
			},
		},
		"scripts that need each other": {
			files: map[string]string{
				"Dockerfile": base + "setup: {scripts: [{path: a.sh, outputs: [/a], needs: [b]}, {path: b.sh, outputs: [/b], needs: [a]}]}\n",
				"a.sh":       "#!/bin/sh\n", "b.sh": "#!/bin/sh\n",
			},
			want: "setup scripts need each other in a circle: a needs b needs a",
		},
		"CRLF and byte order mark in the build file": {
			files: map[string]string{"Dockerfile": "\ufeff" + strings.ReplaceAll(base+"args:\n  A: b\n", "\n", "\r\n"), "config/a": "a\r\n"},
		},
		"CRLF in a script": {
			files: map[string]string{"Dockerfile": base, "setup/scripts/01-a.sh": "#!/bin/sh\r\necho\r\n"},
			want:  "setup/scripts/01-a.sh has a CRLF line end in line 1",
		},
		"byte order mark in a script": {
			files: map[string]string{"Dockerfile": base, "setup/scripts/01-a.sh": "\ufeff#!/bin/sh\n"},
			want:  "setup/scripts/01-a.sh starts with a byte order mark",
		},
		"empty script": {
			files: map[string]string{"Dockerfile": base, "setup/scripts/01-a.sh": ""},
		},
		"script that is a pipe": {
			files: map[string]string{"Dockerfile": base + "setup: {scripts: [a.sh]}\n"},
			make: func(t *testing.T, dir string) {
				t.Helper()
				require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "a.sh"), 0o644))
			},
			want: "setup script a.sh is not a regular file",
		},
		"script that is a folder": {
			files: map[string]string{"Dockerfile": base + "setup: {scripts: [a.sh]}\n", "a.sh/x": ""},
			want:  "setup script a.sh is a directory",
		},
		"build file that is not UTF-8": {
			files: map[string]string{"Dockerfile": base + "image: {labels: {a: \xe9}}\n"},
			want:  "Dockerfile:2:1: this line is not UTF-8",
		},
	} {
		t.Run(name, func(t *testing.T) { tc.run(t, env, pgstrata) })
	}
}

// run builds the context with the command line, in whose process the frontend
// is.
func (h hostile) run(t *testing.T, env *testenv.Env, pgstrata string) {
	t.Helper()
	dir := testenv.Tree(t, h.files)
	if h.make != nil {
		h.make(t, dir)
	}
	cmd := env.Command(t, pgstrata, "build", "--progress=plain", dir)
	cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+t.TempDir())
	out, used := finish(t, cmd)
	t.Logf("%d MiB", used>>20)
	assert.NotContains(t, out.Stderr, "a bug of its own")
	assert.Less(t, used, int64(maxFrontend))
	if h.want == "" {
		assert.Zero(t, out.Code, out.Stderr)
		return
	}
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, h.want)
}

// costly are scripts that take as much memory as scripts can.
func costly() map[string]string {
	return map[string]string{
		"Dockerfile":            "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\n",
		"setup/scripts/01-a.sh": "#!/bin/bash\n" + strings.Repeat("sh -c \"sh -c 'a'\";", 30_000),
		"setup/scripts/02-b.sh": "#!/bin/bash\n" + strings.Repeat("a\n", 500_000),
	}
}

// The frontend image's process is bounded, too.
func TestFrontendMemory(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	cmd := env.Command(t, "docker", "buildx", "build", testenv.Tree(t, costly()))
	done := make(chan testenv.Output)
	go func() { done <- testenv.Finish(t, cmd) }()
	most := int64(0)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, pid := range frontends(t, env.Daemon) {
				most = max(most, peak(pid))
			}
			continue
		case out := <-done:
			assert.Contains(t, out.Stderr, "commands and words that are read")
		}
		break
	}
	t.Logf("%d MiB", most>>20)
	require.Positive(t, most)
	assert.Less(t, most, int64(maxFrontend))
}

// What the user may not read is named.
func TestUnreadableScript(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{"Dockerfile": "base: debian:bookworm-slim\n", "setup/scripts/01-a.sh": "#!/bin/sh\n"})
	program := testenv.Program(t, "pgstrata")
	for _, name := range []string{filepath.Dir(dir), dir, filepath.Dir(filepath.Dir(program)), filepath.Dir(program)} {
		require.NoError(t, os.Chmod(name, 0o755)) //nolint:gosec // for another user
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "setup/scripts/01-a.sh"), 0o600))
	cmd := env.Command(t, program, "check", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out := testenv.Finish(t, cmd)
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "setup/scripts/01-a.sh")
	assert.Contains(t, out.Stderr, "permission denied")
}

// finish runs a command, and returns the most memory that it had, in bytes, as
// the kernel told while it ran. (What it tells at the end counts in what the
// process was before it became this program: a copy of the test.)
func finish(t *testing.T, cmd *exec.Cmd) (testenv.Output, int64) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // the exit code tells the rest
	}()
	most := int64(0)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			most = max(most, peak(cmd.Process.Pid))
		case <-done:
			require.Positive(t, most)
			return testenv.Output{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}, most
		}
	}
}

// peak is the most memory that a process had so far, in bytes; 0 of one that is
// gone.
func peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	text, _, _ := strings.Cut(rest, "kB")
	kib, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64) // a process without memory is gone, too
	return kib << 10
}

// doubling are args each of which has the one above twice.
func doubling(n int) string {
	var text strings.Builder
	last := "A"
	for range n {
		next := last + "A"
		text.WriteString("  " + next + ": ${" + last + "}${" + last + "}\n")
		last = next
	}
	return text.String()
}

// hostileNames are file names that are allowed, and that careless programs
// take apart.
func hostileNames() []string {
	return []string{
		"it's", `say "hi"`, "two words", "new\nline", "tab\there", "ünïcödé-日本", "-n", "--force", "$HOME", "$(id)", "`id`", "a;b", "a&b", "a|b", "#x", "!x",
		"*", "?", "[x]", "{a,b}", `back\slash`, "~", "%s", "a=b", "\u202eright-to-left", " space ", "\x1b[31mred",
	}
}

// Names of files are names, and nothing else: in a setup script's inputs, as
// entrypoint files, and in the image's configuration.
func TestHostileNames(t *testing.T) {
	env := testenv.Shared(t)
	files := map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup: {scripts: [{path: setup/a.sh, inputs: [setup/data]}, 'setup/it''s \"b\" ü.sh']}\n" +
			"image: {env: {A: \"it's \\\"x\\\"\\n\\\\$(id) ü\"}, labels: {\"ü 'l'\\n\": \"\\\"\\\\$x\\n\"}, cmd: [\"a b\", \"c\\nd\", \"'$(id)'\"]}\n",
		"setup/a.sh":            "#!/bin/bash\nset -eu\ncd /context/setup/data\nprintf '%s\\0' * | sha256sum >/inputs\n",
		"setup/it's \"b\" ü.sh": "#!/bin/sh\necho \"$0\" >/name\n",
	}
	for _, name := range hostileNames() {
		files["setup/data/"+name] = name
		files["config/"+name] = name
		files["entrypoint.d/"+name] = "#!/bin/sh\n: " + "x\n"
	}
	dir := testenv.Tree(t, files)
	build(t, env, dir, testenv.Request{Image: "names"})
	img := env.Registry.Image(t, "names")
	for _, name := range hostileNames() {
		for _, in := range []string{"config", "entrypoint.d"} {
			content, err := img.Read("/opt/container/" + in + "/" + name)
			require.NoError(t, err, "%q", name)
			assert.Equal(t, files[in+"/"+name], string(content))
		}
	}
	inputs, err := img.Read("/inputs")
	require.NoError(t, err)
	names := slices.Sorted(slices.Values(hostileNames()))
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00") + "\x00"))
	assert.Equal(t, hex.EncodeToString(sum[:])+"  -\n", string(inputs), "the script has seen the same names")
	name, err := img.Read("/name")
	require.NoError(t, err)
	assert.Equal(t, "/context/setup/it's \"b\" ü.sh\n", string(name))
	assert.Contains(t, img.Config.Config.Env, "A=it's \"x\"\n$(id) ü")
	assert.Equal(t, "\"$x\n", img.Config.Config.Labels["ü 'l'\n"])
	assert.Equal(t, []string{"a b", "c\nd", "'$(id)'"}, img.Config.Config.Cmd)
}

// A link among an isolated script's outputs is a link in the image, wherever
// it leads; nothing of the daemon's own files comes in.
func TestLinksInOutputs(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup: {scripts: [{path: a.sh, outputs: [/opt/out, /srv/link/file, /opt/up]}]}\n",
		"a.sh": "#!/bin/sh\nset -eu\nmkdir -p /opt/out /srv/real\nln -s /proc/1/environ /opt/out/environ\n" +
			"ln -s ../../../../../../../../etc/hostname /opt/out/hostname\nln -s ../../../../.. /opt/up\n" +
			"ln -s real /srv/link\necho content >/srv/real/file\n",
	})
	build(t, env, dir, testenv.Request{Image: "links"})
	files := env.Registry.Image(t, "links").Files()
	assert.Equal(t, "/proc/1/environ", files["/opt/out/environ"].Link)
	assert.Equal(t, "../../../../../../../../etc/hostname", files["/opt/out/hostname"].Link)
	assert.Equal(t, "../../../../..", files["/opt/up"].Link)
	assert.Equal(t, "real", files["/srv/link"].Link, "a link on the way to an output is followed in the script's root")
	assert.True(t, has(files, "/srv/real/file"))
}
