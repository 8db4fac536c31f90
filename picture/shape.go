package picture

import (
	"fmt"
	"strings"
)

// shape is the outline of a box or tab, as SVG has it: with round corners, but
// where box and tab meet.
func (p *place) shape() string {
	const r = 7
	width, l, rt := boxWidth, r, r
	if o := p.owner; o != nil {
		width = tabWidth
		if o.before == p {
			rt = 0
		} else {
			l = 0
		}
	} else {
		if p.before != nil {
			l = 0
		}
		if p.after != nil {
			rt = 0
		}
	}
	corner := func(r, x, y int) string {
		if r == 0 {
			return ""
		}
		if x*y > 0 { // the way goes along x first
			return fmt.Sprintf("q%d 0 %d %d", x*r, x*r, y*r)
		}
		return fmt.Sprintf("q0 %d %d %d", y*r, x*r, y*r)
	}
	return fmt.Sprintf("M%d %dh%d%sv%d%sh%d%sv%d%sz", p.x+l, p.y,
		width-l-rt, corner(rt, 1, 1), boxHeight-2*rt, corner(rt, -1, 1),
		l+rt-width, corner(l, -1, -1), 2*l-boxHeight, corner(l, 1, -1))
}

// rounded joins points by straight lines along the axes, with round corners.
func rounded(points [][2]int) string {
	const radius = 6
	kept := points[:1:1]
	for _, p := range points[1:] { // no corner where the way goes on, or nowhere
		last := kept[len(kept)-1]
		if p == last {
			continue
		}
		if n := len(kept); n > 1 {
			before := kept[n-2]
			if before[0] == last[0] && last[0] == p[0] || before[1] == last[1] && last[1] == p[1] {
				kept[n-1] = p
				continue
			}
		}
		kept = append(kept, p)
	}
	var d strings.Builder
	fmt.Fprintf(&d, "M%d %d", kept[0][0], kept[0][1])
	for i := 1; i < len(kept)-1; i++ {
		before, at, after := kept[i-1], kept[i], kept[i+1]
		r := min(radius, distance(before, at)/2, distance(at, after)/2)
		a, b := toward(at, before, r), toward(at, after, r)
		fmt.Fprintf(&d, "L%d %dQ%d %d %d %d", a[0], a[1], at[0], at[1], b[0], b[1])
	}
	end := kept[len(kept)-1]
	fmt.Fprintf(&d, "L%d %d", end[0], end[1])
	return d.String()
}

// distance and toward are of points on a line along one of the axes.
func distance(a, b [2]int) int {
	return max(a[0]-b[0], b[0]-a[0]) + max(a[1]-b[1], b[1]-a[1])
}

func toward(from, to [2]int, by int) [2]int {
	return [2]int{from[0] + by*sign(to[0]-from[0]), from[1] + by*sign(to[1]-from[1])}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
