package picture

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
)

// All lengths are in pixels. Columns are the same in every band, so the gaps
// between them run free from top to bottom: that is where the lines go.
const (
	boxWidth   = 150
	boxHeight  = 62
	tabWidth   = 20
	gapX       = 56
	gapY       = 18
	pitch      = boxWidth + gapX
	padX       = 24 // between two bands
	padSide    = 44 // at the picture's sides, where lines go as well
	padTop     = 38
	padBottom  = 18
	margin     = 14
	bandGap    = 12
	gateHeight = 44 // between the bands that the cache boundary parts
	headHeight = 60
	footHeight = 62
	maxColumns = 6
)

// place is where a node is drawn: as a box, or as a tab of one. The outputs of
// a script belong to the script, and so do packages that are there for it alone.
type place struct {
	node     *plan.Node
	strip    *strip
	col, row int
	x, y     int // of the left upper corner
	owner    *place
	// before and after are a box's own tabs.
	before, after *place
}

// box is what a place is part of.
func (p *place) box() *place {
	if p.owner != nil {
		return p.owner
	}
	return p
}

// left and right are where lines come in and go out.
func (p *place) left() int {
	if b := p.box().before; b != nil {
		return b.x
	}
	return p.box().x
}

func (p *place) right() int {
	if a := p.box().after; a != nil {
		return a.x + tabWidth
	}
	return p.box().x + boxWidth
}

func (p *place) middle() int { return p.y + boxHeight/2 }

// strip is one state: a band of the picture.
type strip struct {
	state      string
	places     []*place // without tabs
	cols, rows int
	// offset is the column of the picture where it begins.
	offset int
	x, y   int
	width  int
	height int
}

// layout is where everything is.
type layout struct {
	record        *plan.Record
	strips        []*strip
	places        map[string]*place
	cols          int
	width, height int
	// gate is the height at which the cache boundary is drawn, 0 where a build
	// has but one side of it.
	gate int
}

// order is how the data model has the states: those that no entrypoint file
// can reach, then the others.
func order() []string {
	return []string{graph.BaseState, graph.ToolchainState, graph.SourceState, graph.SetupState, graph.EntrypointState, graph.ImageState, graph.TestState}
}

func newLayout(r *plan.Record) *layout {
	l := &layout{record: r, places: map[string]*place{}}
	for i := range r.Nodes {
		l.places[r.Nodes[i].ID] = &place{node: &r.Nodes[i]}
	}
	byState := map[string]*strip{}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if l.tab(n) {
			continue
		}
		s := byState[n.State]
		if s == nil {
			s = &strip{state: n.State}
			byState[n.State] = s
			l.strips = append(l.strips, s)
		}
		s.places = append(s.places, l.places[n.ID])
	}
	rank := func(s *strip) int {
		if i := slices.Index(order(), s.state); i >= 0 {
			return i
		}
		return slices.Index(order(), graph.SetupState)
	}
	slices.SortStableFunc(l.strips, func(a, b *strip) int { return rank(a) - rank(b) })
	for _, s := range l.strips {
		l.columns(s)
	}
	l.positions()
	return l
}

// tab makes a tab of a node that is part of another's story.
func (l *layout) tab(n *plan.Node) bool {
	p := l.places[n.ID]
	switch n.Kind {
	case plan.KindOutputs, plan.KindLayer: // of what they are taken from
		if len(n.Edges) > 0 {
			if owner := l.places[n.Edges[0].Node]; owner.owner == nil && owner.after == nil && owner.node.State == n.State {
				p.owner, owner.after = owner, p
			}
		}
	case plan.KindPackages: // of the one script that has them for itself
		script, ok := strings.CutPrefix(n.ID, graph.ToolchainState+"/packages-")
		if owner := l.places[graph.SetupState+"/"+script]; ok && owner != nil && owner.before == nil {
			p.owner, owner.before = owner, p
		}
	}
	return p.owner != nil
}

// inBand are the boxes of the same band that a box builds on.
func (l *layout) inBand(p *place) []*place {
	var out []*place
	for _, part := range []*place{p.before, p} {
		if part == nil {
			continue
		}
		for _, e := range part.node.Edges {
			on := l.places[e.Node].box()
			if on.node.State == p.node.State && on != p && !slices.Contains(out, on) {
				out = append(out, on)
			}
		}
	}
	return out
}

// columns gives each box of a band its column and row: to the right of all
// that it builds on, and near to it.
func (l *layout) columns(s *strip) {
	byCol := map[int][]*place{}
	last := 0
	for _, p := range s.places { // each comes after those that it builds on
		for _, on := range l.inBand(p) {
			p.col = max(p.col, on.col+1)
		}
		byCol[p.col] = append(byCol[p.col], p)
		last = max(last, p.col)
	}
	for col := range last + 1 {
		l.rows(byCol[col])
	}
	if last == 0 && s.state != graph.SetupState { // nothing builds on anything: side by side
		for i, p := range s.places {
			p.col, p.row = i%maxColumns, i/maxColumns
		}
		last = min(len(s.places), maxColumns) - 1
	}
	high := 0
	for _, p := range s.places {
		high = max(high, p.row+1)
	}
	// A long chain goes on in a line below.
	wraps := last/maxColumns + 1
	s.cols = (last + wraps) / wraps
	for _, p := range s.places {
		p.row += p.col / s.cols * high
		p.col %= s.cols
		s.rows = max(s.rows, p.row+1)
	}
	l.cols = max(l.cols, s.cols)
}

// rows puts the boxes of one column under each other: each as near as can be
// to the middle of what it builds on.
func (l *layout) rows(column []*place) {
	wish := map[*place]int{}
	same := map[int]int{}
	for _, p := range column {
		on := l.inBand(p)
		if len(on) == 0 {
			wish[p] = -1 // where it comes
			continue
		}
		sum := 0
		for _, o := range on {
			sum += o.row
		}
		wish[p] = sum / len(on)
		same[wish[p]]++
	}
	slices.SortStableFunc(column, func(a, b *place) int { return wish[a] - wish[b] })
	next, nth := 0, map[int]int{}
	for _, p := range column {
		w := wish[p]
		p.row = max(next, w-(same[w]-1)/2+nth[w])
		nth[w]++
		next = p.row + 1
	}
}

// shelves are the bands that lie beside each other.
func (l *layout) shelves() [][]*strip {
	var out [][]*strip
	for i, s := range l.strips {
		if i > 0 {
			last := l.strips[i-1]
			follows := last.state == graph.BaseState && s.state == graph.ToolchainState || last.state == graph.EntrypointState && s.state == graph.ImageState
			if follows && last.cols+s.cols <= maxColumns {
				out[len(out)-1] = append(out[len(out)-1], s)
				continue
			}
		}
		out = append(out, []*strip{s})
	}
	return out
}

// positions turns columns and rows into pixels.
func (l *layout) positions() {
	shelves := l.shelves()
	for _, shelf := range shelves {
		cols := 0
		for _, s := range shelf {
			s.offset = cols
			cols += s.cols
		}
		l.cols = max(l.cols, cols)
	}
	l.cols = max(l.cols, 4) // room for the words
	l.width = columnX(l.cols-1) + boxWidth + padSide + margin
	y := headHeight
	for i, shelf := range shelves {
		if i > 0 && shelf[0].state == graph.EntrypointState {
			l.gate = y - bandGap + gateHeight/2
			y += gateHeight - bandGap
		}
		if last := shelf[len(shelf)-1]; last.state == graph.ImageState {
			last.offset = l.cols - last.cols // everything comes together at the right
		}
		height := 0
		for _, s := range shelf {
			height = max(height, padTop+s.rows*(boxHeight+gapY)-gapY+padBottom)
		}
		for j, s := range shelf {
			s.x, s.y, s.height = columnX(s.offset)-padX, y, height
			if s.offset == 0 {
				s.x = margin
			}
			s.width = l.width - margin - s.x
			if j+1 < len(shelf) {
				s.width = columnX(shelf[j+1].offset) - padX - bandGap - s.x
			}
			for _, p := range s.places {
				p.strip = s
				p.col += s.offset
				p.x, p.y = columnX(p.col), y+padTop+p.row*(boxHeight+gapY)
			}
		}
		y += height + bandGap
	}
	l.height = y - bandGap + footHeight
	for _, p := range l.places {
		switch o := p.owner; {
		case o == nil:
		case o.before == p:
			p.x, p.y = o.x-tabWidth, o.y
		default:
			p.x, p.y = o.x+boxWidth, o.y
		}
	}
}

func columnX(col int) int { return margin + padSide + col*pitch }
