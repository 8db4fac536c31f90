package picture_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/picture"
	"github.com/pgstrata/pgstrata/plan"
)

// node is one of a record that a test makes by hand: pictures are drawn from
// records, whatever these were read from.
func node(state string, kind plan.Kind, name, value string, edges ...plan.Edge) plan.Node {
	id := state + "/" + name
	n := plan.Node{
		ID: id, State: state, Kind: kind, Title: name, Vertex: name, Edges: edges,
		Parts: []plan.Part{{Kind: "file", Name: name, Value: value}}, Key: id + value, Loose: id + value,
	}
	for _, e := range edges {
		n.Key += "<" + e.Node
	}
	return n
}

func on(id string) plan.Edge      { return plan.Edge{Node: id, How: plan.On} }
func content(id string) plan.Edge { return plan.Edge{Node: id, How: plan.Content} }
func needs(id string) plan.Edge   { return plan.Edge{Node: id, How: plan.Needs} }

// record is a build with a chain, an isolated script with packages of its own,
// and entrypoint files. Keys are made up: text and outputs of the tool can differ.
func record(chain, tool, outputs string) *plan.Record {
	base := node("base", plan.KindBase, "debian:bookworm-slim", "1")
	base.ID, base.Vertex = "base", ""
	packages := node("toolchain", plan.KindPackages, "packages-02-tool", "1", on("base"))
	packages.Title, packages.Vertex = "runtime packages", "runtime packages: libtool"
	first := node("setup", plan.KindScript, "01-first.sh", chain, on("base"))
	second := node("setup", plan.KindScript, "02-tool", tool, on("toolchain/packages-02-tool"))
	second.Title = "02-tool.sh"
	out := node("setup", plan.KindOutputs, "02-tool/outputs", "", content("setup/02-tool"))
	out.Title, out.Vertex, out.Key, out.Loose = "outputs of 02-tool", "outputs of 02-tool.sh", "outputs"+tool+outputs, "outputs"
	linker := node("setup", plan.KindLinker, "linker", "", on("setup/01-first.sh"), needs("setup/02-tool/outputs"))
	linker.Key, linker.Loose = "linker"+chain+tool+outputs, "linker"+chain
	start := node("entrypoint", plan.KindFiles, "runtime", "1")
	entrypoint := node("entrypoint", plan.KindFiles, "entrypoint", chain)
	entrypoint.Vertex = "entrypoint: /entrypoint.sh"
	image := node("image", plan.KindImage, "image", "", on("setup/linker"), on("entrypoint/runtime"), on("entrypoint/entrypoint"))
	image.ID, image.Vertex, image.Key, image.Loose = "image", "", "image"+linker.Key+entrypoint.Key, "image"+linker.Loose+entrypoint.Key
	return &plan.Record{
		Format: plan.Format, File: "Dockerfile", Platform: "linux/amd64", Target: "image",
		Nodes: []plan.Node{base, packages, first, second, out, linker, start, entrypoint, image},
	}
}

func before() *plan.Record {
	r := record("1", "1", "1")
	r.Took = map[string]time.Duration{"setup/01-first.sh": 84 * time.Second, "setup/02-tool": 5 * time.Second}
	r.Layers = []plan.Layer{
		{Digest: "sha256:" + strings.Repeat("a", 64), Size: 28_300_000, By: "debian"},
		{Digest: "sha256:" + strings.Repeat("b", 64), Size: 1_200_000, By: "setup: 02-tool.sh"},
		{Digest: "sha256:" + strings.Repeat("c", 64), Size: 830, By: "entrypoint: entrypoint: /entrypoint.sh"},
	}
	return r
}

// next is a build after an edit of the tool and of the entrypoint.
func next() picture.Build {
	after := record("1", "2", "1")
	after.Nodes[7].Parts[0].Value, after.Nodes[7].Key, after.Nodes[7].Loose = "2", "entrypoint2", "entrypoint2"
	after.Nodes[8].Key, after.Nodes[8].Loose = "image2", "image2"
	after.Layers = before().Layers
	p := plan.Compare(before(), after)
	p.Since = "HEAD"
	return picture.Build{Record: after, Plan: p, Before: before()}
}

func TestSVG(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, picture.SVG(&out, "example", next()))
	golden.File(t, "testdata/graph.svg", out.String())
	wellFormed(t, out.Bytes())
}

func TestHTML(t *testing.T) {
	b := next()
	b.Plan.Notes, b.Plan.Removed = []string{"a note"}, []string{"03-gone.sh"}
	var out bytes.Buffer
	require.NoError(t, picture.HTML(&out, picture.Page{Title: "example", Builds: []picture.Build{b}}))
	golden.File(t, "testdata/graph.html", out.String())
}

// report is that of the build: the tool ran, and made the same files.
func report() picture.Page {
	b := next()
	second := time.Second
	ran := map[string]time.Duration{"setup/02-tool": 6 * second, "setup/02-tool/outputs": 1, "entrypoint/entrypoint": 20 * time.Millisecond}
	b.Plan = b.Plan.WithOutcome(b.Record, plan.Outcome{Ran: ran})
	b.Record.Layers = before().Layers
	b.Record.Layers[2].Digest = "sha256:" + strings.Repeat("d", 64)
	b.Summary = "setup: 2 of 4 steps ran"
	return picture.Page{Title: "example", Builds: []picture.Build{b}, Run: &picture.Run{
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 7500 * time.Millisecond,
		Vertices: []picture.Vertex{
			{Name: "[internal] load build context", Start: 0, End: 10 * time.Millisecond, Ran: true},
			{Name: "[setup 1/2] 01-first.sh", Node: "setup/01-first.sh", Platform: "linux/amd64", Start: 20 * time.Millisecond, End: 20 * time.Millisecond, Cached: true},
			{Name: "[setup 2/2] 02-tool.sh", Node: "setup/02-tool", Platform: "linux/amd64", Start: 20 * time.Millisecond, End: 6020 * time.Millisecond, Ran: true},
			{Name: "[entrypoint] entrypoint: /entrypoint.sh", Node: "entrypoint/entrypoint", Platform: "linux/amd64", Start: 25 * time.Millisecond, End: 45 * time.Millisecond, Ran: true},
			{Name: "exporting to image", Start: 6100 * time.Millisecond, End: 7400 * time.Millisecond, Ran: true},
		},
	}}
}

func TestReport(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, picture.HTML(&out, report()))
	golden.File(t, "testdata/report.html", out.String())
}

func TestReportOfFailure(t *testing.T) {
	p := report()
	b := next()
	b.Plan = b.Plan.WithOutcome(b.Record, plan.Outcome{Ran: map[string]time.Duration{}, Failed: true})
	b.Record.Layers = nil
	p.Builds = []picture.Build{b}
	p.Run.Error = "process \"/context/setup/scripts/02-tool.sh\" did not complete successfully: exit code: 1"
	p.Run.Vertices[2].Error, p.Run.Vertices[2].Log = "exit code: 1", "one line\nand <another>\n"
	p.Run.Vertices[3].Ran, p.Run.Vertices[3].Stopped = false, true
	p.Run.Vertices = p.Run.Vertices[:4]
	var out bytes.Buffer
	require.NoError(t, picture.HTML(&out, p))
	golden.File(t, "testdata/failed.html", out.String())

	out.Reset()
	p.Builds = nil
	require.NoError(t, picture.HTML(&out, p))
	assert.Contains(t, out.String(), "exit code: 1")
	assert.Contains(t, out.String(), "[setup 2/2] 02-tool.sh")
}

// Names come from users: whatever is in them stays text.
func TestHostileNames(t *testing.T) {
	const evil = "</title></style><script>alert(1)</script>\" onload=\"alert(2)\x00\x1b[31m\xff\uFFFF&<"
	b := next()
	for i := range b.Record.Nodes {
		n := &b.Record.Nodes[i]
		n.Title += evil
		n.Vertex = evil
		n.Parts = append(n.Parts, plan.Part{Kind: "arg", Name: evil, Value: evil})
	}
	b.Plan = plan.Compare(before(), b.Record)
	b.Plan.Since, b.Plan.Notes = evil, []string{evil}
	var svg, html bytes.Buffer
	require.NoError(t, picture.SVG(&svg, evil, b))
	wellFormed(t, svg.Bytes())
	run := report().Run
	run.Vertices[0].Name, run.Vertices[0].Error, run.Vertices[0].Log, run.Error = evil, evil, evil, evil
	require.NoError(t, picture.HTML(&html, picture.Page{Title: evil, Builds: []picture.Build{b}, Run: run}))
	for _, text := range []string{svg.String(), html.String()} {
		assert.NotContains(t, text, "<script>alert")
		assert.NotContains(t, text, `" onload`)
		assert.NotContains(t, text, "\x00")
		assert.NotContains(t, text, "\x1b")
	}
	assert.Equal(t, 1, strings.Count(html.String(), "<script"), "the page's own")
}

// wellFormed asserts that a text is an XML document.
func wellFormed(t *testing.T, data []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if !assert.NoError(t, err) {
			return
		}
	}
}
