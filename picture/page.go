package picture

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/plan"
)

// page is a Page as the templates need it.
type page struct {
	Title    string
	Run      *runView
	Drawings []*drawing
	Several  bool
}

func newPage(p Page) *page {
	out := &page{Title: clean(p.Title), Several: len(p.Builds) > 1}
	if p.Run != nil {
		out.Run = newRun(p)
	}
	for i, b := range p.Builds {
		d := newGraph(p.Title, i, b, p.Run)
		d.Several = out.Several
		if p.Run != nil {
			d.layers(b)
		}
		out.Drawings = append(out.Drawings, d)
	}
	return out
}

// layerView is one layer of the image.
type layerView struct {
	By, Size, Digest string
	// Percent is its size, of the largest one's.
	Percent int
	// New tells that the image before did not have it.
	New bool
}

// layers fills in the layers, and how they compare with the image before.
func (d *drawing) layers(b Build) {
	had := map[string]bool{}
	var before, sum, added, largest int64
	if b.Before != nil {
		for _, l := range b.Before.Layers {
			had[l.Digest] = true
			before += l.Size
		}
	}
	for _, l := range b.Record.Layers {
		largest = max(largest, l.Size)
	}
	count := 0
	base := ofBase(b.Record)
	for i, l := range b.Record.Layers {
		sum += l.Size
		if !had[l.Digest] {
			count++
			added += l.Size
		}
		by := cmp.Or(l.By, "unknown")
		if i < base {
			by = strings.TrimSuffix("base: "+l.By, ": ")
		}
		d.Layers = append(d.Layers, layerView{
			By: clean(by), Size: plan.Size(l.Size), Digest: short(l.Digest), Percent: int(100 * l.Size / max(largest, 1)), New: !had[l.Digest],
		})
	}
	d.LayerSummary = fmt.Sprintf("%d layers, %s, as they are stored and pushed.", len(b.Record.Layers), plan.Size(sum))
	if len(had) > 0 {
		d.LayerSummary += fmt.Sprintf(" The build before had %d, %s; %d of now are new, %s.", len(b.Before.Layers), plan.Size(before), count, plan.Size(added))
	}
}

// ofBase is how many of an image's layers are its base's: those below all that
// the build's steps made.
func ofBase(r *plan.Record) int {
	for i, l := range r.Layers {
		if r.Maker(l) != nil {
			return i
		}
	}
	return 0 // nobody knows
}

// step is what a vertex stands for, or nil.
func (p Page) step(v Vertex) *plan.Step {
	for _, b := range p.Builds {
		if b.Record.Platform == v.Platform {
			return b.Plan.Step(v.Node)
		}
	}
	return nil
}

// runView is a Run as the templates need it.
type runView struct {
	Title, Took, Started, Error string
	Sign                        state
	Summaries                   []string
	// Logs are the ends of what failed vertices printed.
	Logs          []Vertex
	Width, Height int
	Ticks         []tickView
	Rows          []rowView
}

type tickView struct {
	X    int
	Text string
}

// rowView is one vertex in the time line.
type rowView struct {
	Name, Label, Hint  string
	State              state
	Y, Height          int
	Top, Thick, Middle int
	Base               int // of its words
	X, Wide            int // of its bar
	TextX              int
	Anchor, Text       string
}

func newRun(p Page) *runView {
	r := &runView{
		Title: clean(p.Title), Took: plan.Duration(p.Run.Took), Started: p.Run.Started.Format("2006-01-02 15:04:05"),
		Error: clean(p.Run.Error), Sign: hit,
	}
	if p.Run.Error != "" {
		r.Sign = failed
	}
	for _, b := range p.Builds {
		if b.Summary != "" {
			r.Summaries = append(r.Summaries, clean(b.Summary))
		}
	}
	r.timeline(p)
	return r
}

// timeline lays out a row for each vertex.
func (r *runView) timeline(p Page) {
	const (
		top, height, thick = 30, 22, 12
		names, chart, end  = 400, 740, 90
		letters            = 54
	)
	run, total := p.Run, p.Run.Took
	for _, v := range run.Vertices {
		total = max(total, v.End)
	}
	total = max(total, time.Millisecond)
	x := func(d time.Duration) int { return names + int(int64(chart)*int64(d)/int64(total)) }
	for _, v := range run.Vertices {
		if v.Error != "" && v.Log != "" {
			r.Logs = append(r.Logs, Vertex{Name: clean(v.Name), Log: clean(v.Log)})
		}
		y := top + height*len(r.Rows)
		row := rowView{
			Name: clean(v.Name), Label: clean(cut(v.Name, letters)), State: hit, Y: y, Height: height,
			Top: y + (height-thick)/2, Thick: thick, Middle: y + height/2, Base: y + height/2 + 4, Anchor: "start",
		}
		took := duration(max(v.End-v.Start, 1))
		row.X = x(v.Start)
		row.Text, row.TextX = "cached", row.X+4
		row.Hint = fmt.Sprintf("%s\nfrom the cache, looked up after %s", row.Name, plan.Duration(v.Start))
		if !v.Cached {
			row.State, row.Text, row.Wide = ran, took, max(x(v.End)-row.X, 2)
			row.TextX = row.X + row.Wide + 5
			row.Hint = fmt.Sprintf("%s\nran for %s, from %s to %s", row.Name, took, plan.Duration(v.Start), plan.Duration(v.End))
		}
		if s := p.step(v); s != nil && s.Cache != plan.Hit && !v.Cached {
			row.State = state(s.Cache)
		}
		if v.Stopped {
			row.State, row.Text = unreached, "stopped"
		}
		if v.Error != "" {
			row.State = failed
			row.Hint += "\n" + clean(v.Error)
		}
		if row.TextX > names+chart+end-46 { // no room at its right
			row.TextX, row.Anchor = row.X-5, "end"
		}
		r.Rows = append(r.Rows, row)
	}
	r.Width, r.Height = names+chart+end, top+height*len(r.Rows)+10
	step := tick(total)
	for t := time.Duration(0); t <= total; t += step {
		r.Ticks = append(r.Ticks, tickView{x(t), seconds(t)})
	}
}

// tick is a round time of which the time line has some.
func tick(total time.Duration) time.Duration {
	const most = 9
	for unit := time.Millisecond; ; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if total/(n*unit) <= most {
				return n * unit
			}
		}
	}
}

func seconds(t time.Duration) string {
	if t%time.Second != 0 {
		return fmt.Sprintf("%.1f s", t.Seconds())
	}
	return fmt.Sprintf("%d s", t/time.Second)
}
