package picture

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// random is a record of any shape: what is drawn is not up to the drawing.
func random(r *rand.Rand) *plan.Record {
	states := []string{"base", "toolchain", "source", "setup", "setup", "setup", "stage of another file", "entrypoint", "image", "test"}
	kinds := []plan.Kind{plan.KindScript, plan.KindScript, plan.KindPackages, plan.KindOutputs, plan.KindLayer, plan.KindFiles}
	out := &plan.Record{Platform: "linux/amd64"}
	for i := range 1 + r.IntN(40) {
		n := plan.Node{ID: fmt.Sprint(i), State: states[r.IntN(len(states))], Kind: kinds[r.IntN(len(kinds))], Title: "a rather long title " + fmt.Sprint(i)}
		if n.State == "toolchain" && r.IntN(2) == 0 {
			n.ID = "toolchain/packages-" + n.ID
		}
		for range r.IntN(4) {
			if i > 0 {
				n.Edges = append(n.Edges, plan.Edge{Node: out.Nodes[r.IntN(i)].ID, How: plan.On})
			}
		}
		out.Nodes = append(out.Nodes, n)
	}
	return out
}

func TestLayout(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same cases each time
	for range 300 {
		record := random(r)
		l := newLayout(record)
		require.Len(t, l.places, len(record.Nodes))
		at := map[[2]int]string{}
		for id, p := range l.places {
			key := [2]int{p.x, p.y}
			require.Empty(t, at[key], "%s and %s are in one place", id, at[key])
			at[key] = id
			assert.GreaterOrEqual(t, p.x, margin)
			assert.LessOrEqual(t, p.right(), l.width-margin)
			s := p.box().strip
			assert.GreaterOrEqual(t, p.y, s.y+padTop, id)
			assert.LessOrEqual(t, p.y+boxHeight, s.y+s.height, id)
		}
		bands := map[string]*strip{}
		for i, s := range l.strips {
			bands[s.state] = s
			assert.LessOrEqual(t, s.y+s.height, l.height-footHeight)
			if i > 0 && l.strips[i-1].y == s.y {
				assert.Less(t, l.strips[i-1].x+l.strips[i-1].width, s.x, "bands beside each other have a gap")
			}
		}
		if e, s := bands["entrypoint"], bands["setup"]; e != nil && s != nil {
			assert.Greater(t, l.gate, s.y+s.height)
			assert.Less(t, l.gate, e.y)
		}
		if from, s := bands["source"], bands["setup"]; from != nil && s != nil {
			assert.Less(t, from.y+from.height, s.y, "what is fetched is above the scripts that it is for")
		}
		for i, e := range l.lines() {
			assert.NotEqual(t, e.from, e.to)
			path := e.path(lanes(l.lines())[i])
			assert.Contains(t, path, fmt.Sprintf("M%d %dL", e.from.right(), e.from.middle()))
			assert.Contains(t, path, fmt.Sprintf("L%d %d", e.to.left()-7, e.to.middle()))
		}
	}
}

// A long chain goes on in another line, and is as wide as what is there.
func TestLongChainWraps(t *testing.T) {
	record := &plan.Record{}
	for i := range 14 {
		n := plan.Node{ID: fmt.Sprint(i), State: "setup", Kind: plan.KindScript}
		if i > 0 {
			n.Edges = []plan.Edge{{Node: fmt.Sprint(i - 1), How: plan.On}}
		}
		record.Nodes = append(record.Nodes, n)
	}
	l := newLayout(record)
	assert.Equal(t, 5, l.cols, "three lines of five, five and four")
	assert.Equal(t, 3, l.strips[0].rows)
	assert.Equal(t, [2]int{0, 1}, [2]int{l.places["5"].col, l.places["5"].row})
	assert.Len(t, l.lines(), 13)
}

func TestLines(t *testing.T) {
	texts := func(title string) []string {
		var out []string
		for _, l := range lines(0, 0, title) {
			out = append(out, l.Text)
		}
		return out
	}
	assert.Equal(t, []string{"99-cleanup.sh"}, texts("99-cleanup.sh"))
	assert.Equal(t, []string{"02-install-", "postgresql.sh"}, texts("02-install-postgresql.sh"))
	assert.Equal(t, []string{"COPY entrypoint.sh", "/entrypoint.sh"}, texts("COPY entrypoint.sh /entrypoint.sh"))
	assert.Equal(t, []string{"aaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbb…"}, texts("aaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"))
	assert.Equal(t, []string{"WWWWWWWWWWW", "WWWWWWWWWW…"}, texts("WWWWWWWWWWWWWWWWWWWWWWWWWWWWW"))
}

// No two boxes of a picture have the same name, whatever the nodes are called.
func TestDistinct(t *testing.T) {
	ids := 0
	node := func(title string, line int) plan.Node {
		ids++
		return plan.Node{ID: fmt.Sprint(ids), State: "setup", Title: title, Line: line}
	}
	named := func(r *plan.Record) []plan.Node {
		l := newLayout(drawn(r))
		l.distinct()
		return l.record.Nodes
	}
	record := &plan.Record{Nodes: []plan.Node{
		node("RUN make", 3), node("RUN make", 9), node("RUN make", 9), node("runtime packages", 0), node("runtime packages", 0), node("alone", 4),
		node("RUN apt-get install -y a-package another-package-1", 5), node("RUN apt-get install -y a-package another-package-2", 6),
	}}
	var titles []string
	for _, n := range named(record) {
		titles = append(titles, n.Title)
	}
	assert.Equal(t, []string{
		"RUN make (line 3)", "RUN make (line 9)", "RUN make (1)", "runtime packages (1)", "runtime packages (2)", "alone",
		"RUN apt-get install -y a-packag… (line 5)", "RUN apt-get install -y a-packag… (line 6)",
	}, titles)
	assert.Equal(t, "RUN make", record.Nodes[0].Title, "the record is as it was")

	r := rand.New(rand.NewPCG(7, 8)) //nolint:gosec // the same cases each time
	for range 300 {
		record := &plan.Record{}
		for range 1 + r.IntN(30) {
			title := []string{"a", "a (1)", "a (line 2)", "", "Wide WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"}[r.IntN(5)]
			record.Nodes = append(record.Nodes, node(title+[]string{"", " b", "\x00"}[r.IntN(3)], r.IntN(3)))
		}
		seen := map[string]bool{}
		for _, n := range named(record) {
			text := label(n.Title)
			require.False(t, seen[text], "%q", text)
			seen[text] = true
		}
	}
}
