package plan

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/terminal"
)

// Write writes a plan for people to read: what is built again and why, then
// what is not.
func (p *Plan) Write(w io.Writer, style terminal.Style) error {
	var text strings.Builder
	if p.Since != "" {
		fmt.Fprintf(&text, "compared with %s\n", p.Since)
	}
	var rows [][]terminal.Cell
	var image *Step
	for i := range p.Steps {
		s := &p.Steps[i]
		switch {
		case s.Kind == KindImage:
			image = s
		case s.Kind == KindOutputs || s.Kind == KindLayer || s.Slight(): // no work to speak of
		case s.Cache != Hit && (s.Vertex != "" || s.Kind == KindBase):
			rows = append(rows, []terminal.Cell{{Text: p.place(s)}, {Text: string(s.Cache), Color: s.Cache.color()}, {Text: s.Why() + took(s.Seconds)}})
		}
	}
	const apart = 2
	text.WriteString(style.Table(rows, apart))
	line := func(format string, args ...any) {
		text.WriteString(style.Wrap(fmt.Sprintf(format, args...), apart) + "\n")
	}
	if image != nil {
		if own := image.own(); own != "" {
			line("image configuration: %s", own)
		}
	}
	for _, title := range p.Removed {
		line("no longer there: %s", title)
	}
	line("%s", p.Verdict())
	for _, decision := range p.Told() {
		line("%s", decision)
	}
	for _, note := range p.Notes {
		line("note: %s", note)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// color is that of a state: of what runs, of what may run, and of what nobody knows.
func (c Cache) color() terminal.Color {
	switch c {
	case Miss, Invalidated:
		return terminal.Yellow
	case Conditional:
		return terminal.Cyan
	case Unknown:
		return terminal.Bold
	default:
		return terminal.Plain
	}
}

// place is how a plan names a step: by its node, or by its line and title in a
// Dockerfile.
func (p *Plan) place(s *Step) string {
	if s.Line == 0 {
		return s.Node
	}
	return fmt.Sprintf("%s:%d %s", p.File, s.Line, s.Title)
}

// Chain is the chain of causes in one line, such as
// `02-install-postgresql.sh: arg POSTGRESQL_VERSION 15.17 → 15.18; 08-patroni.sh: needs 02-install-postgresql`.
func (p *Plan) Chain() string {
	var out []string
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Cache != Hit && !s.Slight() && s.Kind != KindImage && s.Kind != KindOutputs && s.Kind != KindLayer && !s.Kind.Housekeeping() {
			title := s.Title
			if s.Line > 0 {
				title = fmt.Sprintf("%s:%d: %s", p.File, s.Line, title)
			}
			out = append(out, title+": "+s.Why())
		}
	}
	return strings.Join(out, "; ")
}

// Verdict says in a line how much is built again.
func (p *Plan) Verdict() string {
	unknown, certain, perhaps, cached, saved := 0, 0, 0, 0, 0.0
	for i := range p.Steps {
		s := &p.Steps[i]
		switch {
		case s.Kind == KindOutputs || s.Vertex == "": // no work of their own
		case s.Cache == Hit || s.Slight():
			cached++
			saved += s.Seconds
		case s.Cache == Unknown:
			unknown++
		case s.Cache == Conditional:
			perhaps++
		default:
			certain++
		}
	}
	var out string
	switch {
	case unknown > 0:
		return count(unknown, "step") + ", and unknown which of them are cached"
	case certain+perhaps == 0:
		out = "nothing is built again"
	case perhaps == 0:
		out = count(certain, "step") + " built again"
	case certain == 0:
		out = "at most " + count(perhaps, "step") + " built again"
	default:
		out = fmt.Sprintf("%s built again, at most %d more", count(certain, "step"), perhaps)
	}
	out += fmt.Sprintf(", %d cached", cached)
	if saved >= 1 {
		out += " (saves " + Duration(time.Duration(saved*float64(time.Second))) + ")"
	}
	return out
}

func took(seconds float64) string {
	if seconds < 1 {
		return ""
	}
	return " (took " + Duration(time.Duration(seconds*float64(time.Second))) + ")"
}

// Duration writes a duration as precisely as somebody wants to know it.
func Duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 100*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// Size writes a number of bytes as precisely as somebody wants to know it.
func Size(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB"} {
		if value < 1000 {
			break
		}
		value, unit = value/1000, next
	}
	if unit == "B" || value >= 100 {
		return fmt.Sprintf("%.0f %s", value, unit)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
