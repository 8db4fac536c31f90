package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
)

// newGraph prepares the drawing of one build. run is nil where it did not run.
func newGraph(title string, index int, b Build, run *Run) *drawing {
	b.Record = drawn(b.Record)
	l := newLayout(b.Record)
	l.distinct()
	d := &drawing{
		ID: fmt.Sprintf("b%d", index), Title: clean(title), Platform: clean(b.Record.Platform), Width: l.width, Height: l.height,
	}
	if b.Plan.Since != "" {
		d.About = "compared with " + clean(b.Plan.Since)
	}
	if run == nil { // else the page says what it came to
		d.About = strings.TrimPrefix(d.About+": "+b.Plan.Verdict(), ": ")
	}
	d.About = cut(d.About, l.width/7)
	for _, title := range b.Plan.Removed {
		d.Removed = append(d.Removed, clean(title))
	}
	for _, decision := range b.Plan.Told() {
		d.Decisions = append(d.Decisions, clean(decision))
	}
	for _, note := range b.Plan.Notes {
		d.Notes = append(d.Notes, clean(note))
	}
	v := &viewer{build: b, run: run, layout: l, drawing: d, byID: map[string]*nodeView{}}
	for i := range b.Record.Nodes {
		v.node(i, &b.Record.Nodes[i])
	}
	v.links()
	v.bands()
	v.lines()
	v.legend()
	return d
}

// viewer turns nodes into what the templates show.
type viewer struct {
	build   Build
	run     *Run
	layout  *layout
	drawing *drawing
	byID    map[string]*nodeView
}

func (v *viewer) node(i int, n *plan.Node) {
	step := v.build.Plan.Step(n.ID)
	if step == nil { // a plan of another record: nothing is known
		step = &plan.Step{Node: n.ID, State: n.State, Kind: n.Kind, Title: n.Title, Vertex: n.Vertex, Cache: plan.Unknown}
	}
	p := v.layout.places[n.ID]
	out := &nodeView{
		ID: fmt.Sprintf("%s-n%d", v.drawing.ID, i), Node: n, Step: step,
		Name: clean(n.ID), Title: clean(n.Title), Vertex: clean(n.Vertex),
		State: v.state(n, step), Tab: p.owner != nil,
		Shape: p.shape(), Why: clean(step.Why()), Size: v.size(n), Parts: v.parts(n),
	}
	for _, c := range step.Causes {
		out.Causes = append(out.Causes, clean(c.Text))
	}
	out.Class = out.State.Class()
	out.About = about(out.State, v.run != nil)
	v.times(out)
	if out.Tab {
		out.MarkX, out.MarkY = p.x+tabWidth/2, p.middle()
	} else {
		out.MarkX, out.MarkY = p.x+17, p.y+boxHeight-14
		out.LabelX, out.LabelY = p.x+29, p.y+boxHeight-10
		out.Lines = lines(p.x+9, p.y+18, n.Title)
	}
	out.Label = string(out.State)
	if extra := cmp.Or(strings.TrimPrefix(out.Took, brief), out.Size); extra != "" {
		out.Label += " · " + extra
	}
	v.byID[n.ID] = out
	v.drawing.Nodes = append(v.drawing.Nodes, out)
}

// state is how a node is drawn.
func (v *viewer) state(n *plan.Node, s *plan.Step) state {
	if v.run == nil || v.run.Error == "" {
		return state(s.Cache)
	}
	done := false
	for _, x := range v.vertices(n.ID) {
		if x.Error != "" {
			return failed
		}
		done = done || x.Ran || x.Cached
	}
	if !done && s.Cache != plan.Hit {
		return unreached
	}
	return state(s.Cache)
}

func (v *viewer) vertices(node string) []Vertex {
	var out []Vertex
	for _, x := range v.run.Vertices {
		if x.Node == node && x.Platform == v.build.Record.Platform {
			out = append(out, x)
		}
	}
	return out
}

// times says how long a step took: in this build, else when it last ran.
func (v *viewer) times(n *nodeView) {
	last := time.Duration(n.Step.Seconds * float64(time.Second))
	if v.run == nil {
		n.Took = duration(last)
		return
	}
	n.Before = duration(last)
	for _, x := range v.vertices(n.Node.ID) {
		if x.Ran {
			n.Took = duration(x.End - x.Start)
		}
	}
}

// size is that of the layers that a node made.
func (v *viewer) size(n *plan.Node) string {
	var sum int64
	r := v.build.Record
	for i, l := range r.Layers {
		made := r.Maker(l)
		if made != nil && made.ID == n.ID || n.ID == graph.BaseState && i < ofBase(r) {
			sum += l.Size
		}
	}
	if sum == 0 {
		return ""
	}
	return plan.Size(sum)
}

// parts are what counts for a node, beside what counted.
func (v *viewer) parts(n *plan.Node) []partView {
	var before []plan.Part
	known := false
	if v.build.Before != nil {
		if was := v.build.Before.Node(n.ID); was != nil {
			before, known = was.Parts, true
		}
	}
	var out []partView
	for _, p := range n.Parts {
		one := partView{Kind: p.Kind, Name: clean(p.Name), Value: clean(short(p.Value))}
		i := slices.IndexFunc(before, func(o plan.Part) bool { return o.Kind == p.Kind && o.Name == p.Name })
		switch {
		case i >= 0 && before[i].Value != p.Value && !slices.Contains(before, p):
			one.Before = clean(short(before[i].Value))
		case i < 0 && known:
			one.Before = "nothing"
		}
		out = append(out, one)
	}
	return out
}

// links are the neighbors of each node.
func (v *viewer) links() {
	for _, n := range v.drawing.Nodes {
		n.Box = v.byID[v.layout.places[n.Node.ID].box().node.ID].ID
	}
	words := map[plan.How]string{plan.On: "runs on", plan.Needs: "needs the files of", plan.Content: "takes files of"}
	for _, n := range v.drawing.Nodes {
		for _, e := range n.Node.Edges {
			on := v.byID[e.Node]
			if on == nil {
				continue
			}
			n.On = append(n.On, linkView{on.ID, clean(on.Node.Title), words[e.How]})
			on.For = append(on.For, linkView{n.ID, clean(n.Node.Title), ""})
		}
	}
}

func (v *viewer) bands() {
	l := v.layout
	for _, s := range l.strips {
		all, again, maybe, unsure := 0, 0, 0, 0
		for _, n := range v.drawing.Nodes {
			if n.Node.State != s.state || n.Node.Vertex == "" || n.Node.Kind == plan.KindOutputs {
				continue
			}
			all++
			switch n.State {
			case hit:
			case unknown:
				unsure++
			case conditional:
				maybe++
			default:
				again++
			}
		}
		text := ""
		switch {
		case all == 0:
		case unsure > 0:
			text = fmt.Sprintf("%d unknown", unsure)
		case again+maybe == 0:
			text = fmt.Sprintf("%d cached", all)
		case maybe == 0:
			text = fmt.Sprintf("%d of %d run", again, all)
		case again == 0:
			text = fmt.Sprintf("≤ %d of %d run", maybe, all)
		default:
			text = fmt.Sprintf("%d–%d of %d run", again, again+maybe, all)
		}
		if v.run != nil {
			text = strings.Replace(text, " run", " ran", 1)
		}
		v.drawing.Strips = append(v.drawing.Strips, stripView{
			Name: clean(s.state), About: text, X: s.x, Y: s.y, Width: s.width, Height: s.height, TextX: s.x + 12, TextY: s.y + 21,
		})
	}
	if l.gate > 0 {
		v.drawing.Gate = &gateView{X: margin, Y: l.gate, Width: l.width - 2*margin}
	}
}

func (v *viewer) lines() {
	list := v.layout.lines()
	lanes := lanes(list)
	for i, e := range list {
		from, to := v.byID[e.from.node.ID], v.byID[e.to.node.ID]
		head := "line"
		if s := v.carries(e); s != "" {
			head = s.Class()
		}
		v.drawing.Lines = append(v.drawing.Lines, lineView{e.path(lanes[i]), head, from.ID, to.ID})
	}
	// What carries a cause is drawn above the rest, what is sure above all.
	rank := func(head string) int {
		return slices.Index([]string{"line", unknown.Class(), miss.Class(), conditional.Class(), invalidated.Class(), failed.Class()}, head)
	}
	slices.SortStableFunc(v.drawing.Lines, func(a, b lineView) int { return rank(a.Head) - rank(b.Head) })
	for _, e := range v.drawing.Lines {
		if !slices.Contains(v.drawing.Heads, e.Head) {
			v.drawing.Heads = append(v.drawing.Heads, e.Head)
		}
	}
}

// carries is the state of what is built again because of the line's origin:
// conditional where the origin is.
func (v *viewer) carries(e line) state {
	for _, part := range []*place{e.to.before, e.to, e.to.after} {
		if part == nil {
			continue
		}
		n := v.byID[part.node.ID]
		for _, c := range n.Step.Causes {
			on := v.layout.places[c.Node]
			switch {
			case n.State == hit || n.State == unreached || on == nil || on.box() != e.from:
			case v.byID[c.Node].State == conditional:
				return conditional
			default:
				return n.State
			}
		}
	}
	return ""
}

func (v *viewer) legend() {
	x := margin + 12
	for _, s := range states() {
		n := 0
		for _, node := range v.drawing.Nodes {
			if node.State == s {
				n++
			}
		}
		if n == 0 && (s == failed || s == unreached || s == unknown || v.run != nil) {
			continue
		}
		text := about(s, v.run != nil)
		v.drawing.Legend = append(v.drawing.Legend, legendView{s, text, x, v.layout.height - 38, x + 15, v.layout.height - 34})
		x += 44 + 7*(len(s)+len(text))
	}
	if slices.ContainsFunc(v.drawing.Nodes, func(n *nodeView) bool { return n.Tab }) {
		v.drawing.Foot = &textLine{margin + 5, v.layout.height - 14, "tabs of a box: at its left packages for it alone, at its right the files that it hands on"}
	}
}
