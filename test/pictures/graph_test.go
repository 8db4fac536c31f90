package pictures

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// edits are those that the pictures of the documentation show.
func edits() []string {
	return []string{"--change", "setup/scripts/03-install-patroni.sh", "--change", "entrypoint.d/entrypoint.sh"}
}

// pgstrata runs the program with a cache of its own, so without any build before.
func pgstrata(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	out := testenv.Finish(t, cmd)
	require.Zero(t, out.Code, "%v\n%s", args, out.Stderr)
	return out.Stdout
}

// node is the selector of a node in a drawing.
func node(id string) chromedp.CSS { return chromedp.CSS(`[data-node="` + id + `"]`) }

// drawn are the states of all nodes of a drawing.
func (p *tab) drawn() map[string]string {
	p.Helper()
	return ask[map[string]string](p, `Object.fromEntries(Array.from(document.querySelectorAll(".drawing .node"), n => [n.dataset.node, n.dataset.state]))`)
}

// planned are the states that pgstrata plan gives of what is drawn.
func planned(t *testing.T, program, dir string, args ...string) map[string]string {
	t.Helper()
	var plans []plan.Plan
	text := pgstrata(t, program, append(append([]string{"plan", "--format=json"}, args...), dir)...)
	require.NoError(t, json.Unmarshal([]byte(text), &plans))
	out := map[string]string{}
	for _, s := range plans[0].Steps {
		if !s.Kind.Housekeeping() {
			out[s.Node] = string(s.Cache)
		}
	}
	return out
}

// A user opens the page, and looks where the mouse is, clicks, and uses the keyboard.
func TestGraphPage(t *testing.T) {
	needsBrowser(t)
	program, dir := testenv.Program(t, "pgstrata"), testenv.Example(t, "postgresql")
	file := filepath.Join(t.TempDir(), "graph.html")
	pgstrata(t, program, append(append([]string{"graph", "--output", file}, edits()...), dir)...)
	p := open(t, file, 1280, 900)

	want := planned(t, program, dir, edits()...)
	require.Len(t, want, 14)
	assert.Equal(t, want, p.drawn())
	assert.Equal(t, "postgresql", ask[string](p, `document.title`))

	// A click tells everything of a step, and leads on to others.
	open := func() string { return ask[string](p, `document.querySelector(".more:target")?.innerText ?? "closed"`) }
	assert.Equal(t, "closed", open())
	p.do(chromedp.Click(node("setup/03-install-patroni")))
	text := open()
	assert.Contains(t, text, "setup/scripts/03-install-patroni.sh changed")
	assert.Contains(t, text, "arg PATRONI_VERSION")
	p.do(chromedp.Click(chromedp.JSPath(`[...document.querySelectorAll(".more:target a")].find(a => a.innerText == "04-filesystem.sh")`)))
	assert.Contains(t, open(), "runs after 03-install-patroni.sh")
	p.do(chromedp.KeyEvent(kb.Escape))
	p.await(`!document.querySelector(".more:target")`)
	p.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // on from where the click was
	p.await(`!!document.querySelector(".more:target")`)
	p.do(chromedp.Click(chromedp.CSS(".more:target .close")))
	assert.Equal(t, "closed", open())

	// Where the mouse rests, what belongs together stays lit.
	p.do(chromedp.ScrollIntoView(node("toolchain/user")))
	at := ask[[]float64](p, `(r => [r.x + r.width / 2, r.y + 10])(document.querySelector('[data-node="toolchain/user"]').getBoundingClientRect())`)
	p.do(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	p.await(`!!document.querySelector(".exploring")`)
	lit := ask[[]string](p, `Array.from(document.querySelectorAll(".node.lit"), n => n.dataset.node)`)
	assert.Subset(t, lit, []string{"base", "toolchain/user", "setup/01-locales", "setup/squash", "image"})
	assert.False(t, slices.ContainsFunc(lit, func(id string) bool { return id == "entrypoint/runtime" }))
	assert.Contains(t, ask[string](p, `document.querySelector('[data-node="setup/squash"] title').textContent`), "conditional: if the files that 99-cleanup.sh makes change")
	p.do(chromedp.MouseEvent("mouseMoved", 5, 5))
	p.await(`!document.querySelector(".exploring")`)

	// The table says the same in words.
	rows := ask[[]string](p, `Array.from(document.querySelectorAll(".steps tbody tr"), r => Array.from(r.cells, c => c.innerText.trim()).join(" ").trim())`)
	assert.Len(t, rows, 14)
	assert.Contains(t, rows, "entrypoint/entrypoint invalidated entrypoint.d/entrypoint.sh changed")

	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.readable(scheme)
		p.shoot(".drawing", "graph-"+scheme+".png")
	}
	p.do(chromedp.Click(node("setup/03-install-patroni")), chromedp.MouseEvent("mouseMoved", 5, 5))
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.shoot(".more:target", "step-"+scheme+".png")
	}
	p.alone()
}

// An SVG image says as much by itself.
func TestGraphImage(t *testing.T) {
	needsBrowser(t)
	program, dir := testenv.Program(t, "pgstrata"), testenv.Example(t, "postgresql-source")
	file := filepath.Join(t.TempDir(), "graph.svg")
	change := []string{"--change", "setup/scripts/postgresql.sh"}
	pgstrata(t, program, append(append([]string{"graph", "-o", file}, change...), dir)...)
	p := open(t, file, 1280, 1200)
	want := planned(t, program, dir, change...)
	require.Equal(t, "invalidated", want["setup/postgresql"], "the change is one of this tree's")
	assert.Equal(t, want, p.drawn())
	assert.Contains(t, ask[string](p, `document.querySelector('[data-node="setup/pgvector"] title').textContent`), "conditional: if the outputs of postgresql change")
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.readable(scheme)
	}
	p.alone()
	if golden.Updating() {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		keep(t, "isolated.svg", data)
	}
}
