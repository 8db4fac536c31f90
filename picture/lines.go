package picture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/plan"
)

// line is a drawn dependency, from box to box.
type line struct {
	from, to *place
	// causes are the dependencies behind it that make the one run again
	// because of the other.
	edges []plan.Edge
}

// lines are the dependencies that say something: not those within a box, not
// those that other lines lead to as well, and not those on directories, which run
// nothing to speak of.
func (l *layout) lines() []line {
	reach := map[string]map[string]bool{} // what a node builds on, at any distance
	for i := range l.record.Nodes {
		n := &l.record.Nodes[i]
		all := map[string]bool{}
		for _, e := range n.Edges {
			all[e.Node] = true
			for id := range reach[e.Node] {
				all[id] = true
			}
		}
		reach[n.ID] = all
	}
	var out []line
	for i := range l.record.Nodes {
		n := &l.record.Nodes[i]
		to := l.places[n.ID].box()
		for _, e := range n.Edges {
			from := l.places[e.Node].box()
			through := slices.ContainsFunc(n.Edges, func(o plan.Edge) bool { return reach[o.Node][e.Node] })
			if through || from == to {
				continue
			}
			i := slices.IndexFunc(out, func(o line) bool { return o.from == from && o.to == to })
			if i < 0 {
				i = len(out)
				out = append(out, line{from: from, to: to})
			}
			out[i].edges = append(out[i].edges, e)
		}
	}
	return out
}

// drawn is a record without housekeeping: what builds on that builds on what is
// before it. Directories that files lie in run nothing to speak of, so they are
// left out.
func drawn(r *plan.Record) *plan.Record {
	var through func(edges []plan.Edge) []plan.Edge
	through = func(edges []plan.Edge) []plan.Edge {
		var out []plan.Edge
		for _, e := range edges {
			switch n := r.Node(e.Node); {
			case e.How == plan.Directories:
			case n != nil && n.Kind.Housekeeping():
				out = append(out, through(n.Edges)...)
			default:
				out = append(out, e)
			}
		}
		return out
	}
	out := *r
	out.Nodes = nil
	for _, n := range r.Nodes {
		if !n.Kind.Housekeeping() {
			n.Edges = through(n.Edges)
			out.Nodes = append(out.Nodes, n)
		}
	}
	return &out
}

// distinct gives boxes titles that are drawn differently. Those of two that are
// drawn alike end with the node's line in the Dockerfile, or else with a number.
func (l *layout) distinct() {
	alike, taken := map[string]int{}, map[string]bool{}
	var boxes []*plan.Node
	for i := range l.record.Nodes {
		if n := &l.record.Nodes[i]; l.places[n.ID].owner == nil {
			boxes = append(boxes, n)
			alike[label(n.Title)]++
			taken[label(n.Title)] = true
		}
	}
	for _, n := range boxes {
		if alike[label(n.Title)] < 2 {
			continue
		}
		title := n.Title
		n.Title = marked(title, fmt.Sprintf("(line %d)", n.Line))
		for k := 1; n.Line == 0 && k == 1 || taken[label(n.Title)]; k++ {
			n.Title = marked(title, fmt.Sprintf("(%d)", k))
		}
		taken[label(n.Title)] = true
	}
}

// label is how a title is drawn.
func label(title string) string {
	var out []string
	for _, line := range lines(0, 0, title) {
		out = append(out, line.Text)
	}
	return strings.Join(out, "\n")
}

// marked is a title that is drawn with a mark at its end.
func marked(title, mark string) string {
	out := title + " " + mark
	for rest := []rune(title); len(rest) > 0 && !strings.HasSuffix(label(out), mark); rest = rest[:len(rest)-1] {
		out = string(rest) + "… " + mark
	}
	return out
}

// lanes tells lines apart that share a gap: those that come together in a box
// are drawn as one, those that spread from a box as another.
func lanes(list []line) []int {
	const step, many = 5, 3
	into := map[*place]int{}
	for _, e := range list {
		into[e.to]++
	}
	var from []*place
	out := make([]int, len(list))
	for i, e := range list {
		if into[e.to] >= many {
			continue
		}
		if !slices.Contains(from, e.from) {
			from = append(from, e.from)
		}
		out[i] = step * (1 + slices.Index(from, e.from)%2)
	}
	return out
}

// path is a line's way: out to the right, along the gaps between columns and
// rows, and in from the left.
func (e line) path(lane int) string {
	const arrow, near = 7, 11
	out := e.from.x + pitch - tabWidth - near - lane
	in := e.to.x - tabWidth - near - lane
	points := [][2]int{{e.from.right(), e.from.middle()}, {out, e.from.middle()}}
	if out != in {
		gap := e.to.y - gapY/2 + lane/2 - 2
		if e.from.strip != e.to.strip { // in at the top of the band, and down from there
			gap = e.to.strip.y + padTop - gapY/2 + lane/2 - 2
		}
		points = append(points, [2]int{out, gap}, [2]int{in, gap})
	}
	points = append(points, [2]int{in, e.to.middle()}, [2]int{e.to.left() - arrow, e.to.middle()})
	return rounded(points)
}
