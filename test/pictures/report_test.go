package pictures

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// small is a tree that builds in a second, with a chain and an isolated script.
func small() map[string]string {
	return map[string]string{
		"Dockerfile": `# syntax=localhost:5000/pgstrata:dev
base: debian:bookworm-slim
args: {FLAVOR: plain}
user: {name: postgres, uid: 999}
setup:
  scripts:
    - setup/scripts/01-first.sh
    - {path: setup/scripts/02-tool.sh, outputs: [/usr/local/bin/tool]}
`,
		"setup/scripts/01-first.sh":   "#!/bin/sh\nset -eu\necho \"pictures $FLAVOR\" >/first\n",
		"setup/scripts/02-tool.sh":    "#!/bin/sh\nset -eu\necho tool >/usr/local/bin/tool\nchmod 0755 /usr/local/bin/tool\n",
		"setup/scripts/99-cleanup.sh": "#!/bin/sh\nset -eu\nrm -f /doomed\n",
		"entrypoint.d/entrypoint.sh":  "#!/bin/sh\nexec \"$@\"\n",
		"config/server.conf":          "port = 5432\n",
	}
}

// builder builds a tree with pgstrata build, and reports.
type builder struct {
	*testing.T
	env     *testenv.Env
	program string
	dir     string
	cache   string
	file    string
}

func newBuilder(t *testing.T, dir string) *builder {
	t.Helper()
	needsBrowser(t)
	return &builder{t, testenv.Shared(t), testenv.Program(t, "pgstrata"), dir, t.TempDir(), filepath.Join(t.TempDir(), "report.html")}
}

func (b *builder) build(args ...string) testenv.Output {
	b.Helper()
	args = append([]string{"build", "--progress=plain", "--report", b.file}, append(args, b.dir)...)
	cmd := b.env.Command(b.T, b.program, args...)
	cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+b.cache)
	return testenv.Finish(b.T, cmd)
}

// bars are the states of the vertices in the time line.
func (p *tab) bars() map[string]string {
	p.Helper()
	return ask[map[string]string](p, `Object.fromEntries(Array.from(document.querySelectorAll(".bar"), b => [b.dataset.vertex, b.dataset.state]))`)
}

func TestReport(t *testing.T) {
	b := newBuilder(t, testenv.Tree(t, small()))
	push := []string{"--push", "--tag", b.env.Registry.Ref("pictures:report")}
	out := b.build(push...)
	require.Zero(t, out.Code, out.Stderr)
	p := open(t, b.file, 1280, 1000)
	bars := p.bars()
	for _, name := range []string{"[toolchain] user postgres (999:999)", "[setup 1/3] 01-first.sh", "[setup 2/3] 02-tool.sh", "[setup 3/3] 99-cleanup.sh", "[entrypoint] entrypoint: /entrypoint.sh"} {
		assert.Equal(t, "miss", bars[name], "%s ran; all are %v", name, bars)
	}
	states := p.drawn()
	assert.Equal(t, "miss", states["setup/01-first"])
	assert.Equal(t, "miss", states["setup/02-tool/outputs"])
	assert.Len(t, states, 11, "%v", states)
	text := ask[string](p, `document.querySelector(".outcome").innerText`)
	assert.Contains(t, text, "built in")
	assert.Contains(t, text, "setup built (")
	layers := func() []string {
		return ask[[]string](p, `Array.from(document.querySelectorAll(".layers tbody tr"), r => r.cells[0].innerText + ": " + r.cells[3].innerText)`)
	}
	assert.Contains(t, layers(), "entrypoint: entrypoint: /entrypoint.sh: new")
	assert.Contains(t, layers(), "setup: 02-tool.sh: new")
	p.readable("first build")
	p.alone()

	// An edit of the entrypoint, and one of a comment in a setup script.
	testenv.Write(t, filepath.Join(b.dir, "entrypoint.d/entrypoint.sh"), "#!/bin/sh\n: edited\nexec \"$@\"\n")
	testenv.Write(t, filepath.Join(b.dir, "setup/scripts/02-tool.sh"), small()["setup/scripts/02-tool.sh"]+"# edited\n")
	out = b.build(push...)
	require.Zero(t, out.Code, out.Stderr)
	p = open(t, b.file, 1280, 1000)
	bars, states = p.bars(), p.drawn()
	assert.Equal(t, "hit", bars["[setup 1/3] 01-first.sh"], "%v", bars)
	assert.Equal(t, "invalidated", bars["[setup 2/3] 02-tool.sh"], "%v", bars)
	assert.Equal(t, "hit", states["setup/01-first"])
	assert.Equal(t, "invalidated", states["setup/02-tool"])
	assert.Equal(t, "hit", states["setup/linker"], "the script made the same files, and all after it is settled")
	assert.NotContains(t, slices.Collect(maps.Values(states)), "conditional")
	assert.Contains(t, layers(), "setup: 02-tool.sh: as before")
	assert.Contains(t, layers(), "entrypoint: entrypoint: /entrypoint.sh: new")
	assert.Regexp(t, `The build before had \d+, .*; 1 of now are new`, ask[string](p, `document.querySelector(".layers").previousElementSibling.innerText`))
	assert.Contains(t, ask[string](p, `document.querySelector(".steps").innerText`), "entrypoint.d/entrypoint.sh changed")
	p.readable("second build")
	p.alone()
}

// A build that fails is reported all the same.
func TestReportOfFailure(t *testing.T) {
	files := small()
	files["setup/scripts/01-first.sh"] = "#!/bin/sh\nset -eu\necho what went wrong >&2\nexit 7\n"
	b := newBuilder(t, testenv.Tree(t, files))
	out := b.build()
	require.NotZero(t, out.Code)
	p := open(t, b.file, 1280, 1000)
	text := ask[string](p, `document.querySelector(".outcome").innerText`)
	assert.Contains(t, text, "failed after")
	assert.Contains(t, text, "exit code: 7")
	assert.Contains(t, text, "what went wrong")
	assert.Equal(t, "failed", p.bars()["[setup 1/3] 01-first.sh"], "%v", p.bars())
	states := p.drawn()
	assert.Equal(t, "failed", states["setup/01-first"])
	assert.Equal(t, "not reached", states["setup/99-cleanup"])
	p.readable("failure")
	p.alone()

	// One whose build file cannot be read has nothing to draw, but says why.
	testenv.Write(t, filepath.Join(b.dir, "Dockerfile"), "base: debian:bookworm-slim\nsetpu: {}\n")
	require.NotZero(t, b.build().Code)
	p = open(t, b.file, 1280, 1000)
	assert.Contains(t, ask[string](p, `document.querySelector(".error").innerText`), `unknown key "setpu"; did you mean setup?`)
	assert.Empty(t, p.drawn())
	p.alone()

	// What keeps a report from being written is told before anything is built.
	b.file = filepath.Join(t.TempDir(), "missing", "report.html")
	out = b.build()
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "there is no folder")
	assert.False(t, strings.Contains(out.Stderr, "[setup"))
	_, err := os.Stat(b.file)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// A Dockerfile is drawn as a build file is: it comes down to the same kind of record.
func TestReportOfADockerfile(t *testing.T) {
	files := map[string]string{
		"Dockerfile":               "FROM debian:bookworm-slim\nCOPY setup /setup\nRUN /setup/setup.sh\nCOPY entrypoint.sh /entrypoint.sh\nENTRYPOINT [\"/entrypoint.sh\"]\n",
		"setup/setup.sh":           "#!/bin/sh\nset -eu\nfor script in /setup/scripts/*.sh; do\n  \"$script\"\ndone\n",
		"setup/scripts/01-one.sh":  "#!/bin/sh\nset -eu\necho pictures >/one\n",
		"setup/scripts/02-two.sh":  "#!/bin/sh\nset -eu\necho pictures >/two\n",
		"setup/scripts/03-rest.sh": "#!/bin/sh\nset -eu\ncat /one /two >/three\n",
		"entrypoint.sh":            "#!/bin/sh\nexec \"$@\"\n",
	}
	b := newBuilder(t, testenv.Tree(t, files))
	push := []string{"--push", "--tag", b.env.Registry.Ref("pictures:dockerfile")}
	out := b.build(push...)
	require.Zero(t, out.Code, out.Stderr)
	testenv.Write(t, filepath.Join(b.dir, "setup/scripts/02-two.sh"), files["setup/scripts/02-two.sh"]+"# edited\n")
	out = b.build(push...)
	require.Zero(t, out.Code, out.Stderr)
	p := open(t, b.file, 1280, 1000)
	states := map[string]string{}
	for id, state := range p.drawn() {
		states[path.Base(id)] = state
	}
	assert.Equal(t, "hit", states["01-one.sh"], "%v", states)
	assert.Equal(t, "invalidated", states["02-two.sh"])
	assert.Equal(t, "invalidated", states["03-rest.sh"])
	assert.NotEmpty(t, ask[string](p, `document.querySelector(".gate").textContent`))
	p.readable("dockerfile")
	p.alone()
}
