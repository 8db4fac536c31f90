package replay

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/terminal"
)

// Write writes a report for people to read.
func (r *Report) Write(w io.Writer, style terminal.Style) error {
	text := page{style: style}
	parents := ""
	if r.FirstParent {
		parents = ", first parents only"
	}
	text.line("%s%s: %s of %s to %s of %s", many(r.Commits, "commit"), parents,
		shortID(r.From.ID), r.From.Time.Format(time.DateOnly), shortID(r.To.ID), r.To.Time.Format(time.DateOnly))
	if r.Renames > 0 {
		text.line("%s renamed files, which keep their counts under their newest names", many(r.Renames, "commit"))
	}
	for _, c := range r.Contenders {
		c.unread(&text)
	}
	r.table(&text)
	if len(r.Contenders) > 0 {
		r.Contenders[0].causes(&text)
	}
	r.changes(&text)
	r.advice(&text)
	for _, note := range r.Notes {
		text.line("note: %s", note)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// page is a report as it is written.
type page struct {
	strings.Builder
	style terminal.Style
}

// line adds a line; what does not fit goes on below it.
func (p *page) line(format string, args ...any) {
	const indent = 2
	p.WriteString(p.style.Wrap(fmt.Sprintf(format, args...), indent) + "\n")
}

// heading begins a part of the report.
func (p *page) heading(text string) { p.WriteString("\n" + p.style.Paint(terminal.Bold, text) + "\n") }

// table adds rows in columns that are gap apart.
func (p *page) table(rows [][]terminal.Cell, gap int) { p.WriteString(p.style.Table(rows, gap)) }

// unread tells of commits that could not be built.
func (c *Contender) unread(w *page) {
	if len(c.Unread) == 0 {
		return
	}
	const most = 3
	w.line("%s could not be read by %s; what they changed counts for the next that can:", many(len(c.Unread), "commit"), c.Name)
	for i, u := range c.Unread {
		if i == most {
			w.line("  and %d more", len(c.Unread)-most)
			break
		}
		first, _, _ := strings.Cut(u.Error, "\n")
		w.line("  %s  %s", shortID(u.Commit.ID), first)
	}
}

// table has a column for each contender.
func (r *Report) table(w *page) {
	rows := [][]terminal.Cell{nil}
	row := func(title string, cell func(c *Contender) string) {
		cells := terminal.Row(title)
		for _, c := range r.Contenders {
			cells = append(cells, terminal.Row(cell(c))...)
		}
		rows = append(rows, cells)
	}
	row("", func(c *Contender) string { return c.Name })
	row("commits that changed nothing of the context", func(c *Contender) string { return fmt.Sprint(c.Untouched) })
	row("commits that could be compared", func(c *Contender) string { return fmt.Sprint(c.Compared) })
	row("  needed no step of setup", func(c *Contender) string { return share(c.None, c.Compared) })
	row("  changed one setup script", func(c *Contender) string { return c.split(c.One) })
	row("  changed more", func(c *Contender) string { return c.split(c.More) })
	row("steps of setup that ran", func(c *Contender) string {
		out := share(c.Ran, c.Steps)
		if c.Perhaps > 0 {
			out += fmt.Sprintf(", at most %d more", c.Perhaps)
		}
		return out
	})
	row("  of, had each commit built all", func(c *Contender) string { return fmt.Sprint(c.Steps) })
	for _, c := range r.Contenders {
		if c.AllSeconds > 0 {
			row("time that they take", func(c *Contender) string { return duration(c.Seconds) + " of " + duration(c.AllSeconds) })
			break
		}
	}
	const apart = 3
	w.table(rows, apart)
}

// split is a share of commits that only a contender can tell for which a
// script is a step of its own.
func (c *Contender) split(n int) string {
	if !c.scripts && c.Compared > 0 {
		return "?"
	}
	return share(n, c.Compared)
}

func (c *Contender) causes(w *page) {
	if len(c.Causes) == 0 {
		return
	}
	const most = 10
	w.heading("What made setup run")
	var rows [][]terminal.Cell
	for i, x := range c.Causes {
		if i == most {
			break
		}
		what := strings.TrimSpace(x.Kind + " " + x.Name)
		switch x.Kind {
		case "file", "link", "directory":
			what = x.Name
		case "new":
			what = "a step that was not there before"
		case "image":
			what = "the base image's name"
		}
		rows = append(rows, terminal.Row("  "+many(x.Commits, "commit"), many(x.Ran, "step"), what))
	}
	w.table(rows, gap)
	w.more(len(c.Causes) - most)
}

// gap is how far the columns of lists are apart.
const gap = 2

func (r *Report) changes(w *page) {
	if len(r.Files) == 0 {
		return
	}
	const most = 15
	w.heading("How often files changed, and what they count for")
	var rows [][]terminal.Cell
	for i, f := range r.Files {
		if i == most {
			break
		}
		const few = 3
		nodes := strings.Join(f.Nodes[:min(len(f.Nodes), few)], ", ")
		if n := len(f.Nodes) - few; n > 0 {
			nodes += fmt.Sprintf(" and %d more", n)
		}
		switch {
		case f.Path == r.BuildFile:
			nodes = "the build file"
		case len(f.Nodes) == 0:
			nodes = "nothing"
		}
		rows = append(rows, terminal.Row(fmt.Sprintf("  %d", f.Changes), f.Path, nodes))
	}
	w.table(rows, gap)
	w.more(len(r.Files) - most)
}

func (p *page) more(n int) {
	if n > 0 {
		p.line("  and %d more (--format json has all)", n)
	}
}

func (r *Report) advice(w *page) {
	switch {
	case len(r.Contenders) == 0 || r.Contenders[0].Ran == 0:
		return
	case len(r.Advice) == 0:
		w.line("\nNo other place for a script, and no split of one, would have saved a twentieth of the work.")
		return
	}
	w.heading("What would have saved most")
	for i, a := range r.Advice {
		w.line("%d. %s", i+1, a.Text)
		if saves := a.saves(); saves != "" {
			w.line("   saves %s", saves)
		}
		if a.Kind == "order" {
			w.line("   pgstrata cannot see all that a script uses of another one: read both, and build, before you keep it")
		}
		if a.Note != "" {
			w.line("   %s", a.Note)
		}
		if a.Edit != "" {
			w.WriteString("\n" + w.style.Diff(a.Edit) + "\n")
		}
	}
}

// saves says how much an advice saves: up to that, where it depends on the
// files that a script makes.
func (a *Advice) saves() string {
	what := "runs of scripts"
	if a.Kind == "class" {
		what = "entrypoint layers"
	}
	var parts []string
	if a.Seconds > 0 {
		parts = append(parts, duration(a.Seconds))
	}
	if a.Saves > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d %s", a.Saves, a.Of, what))
	}
	out := strings.Join(parts, ", ")
	if a.Kind == "split" && out != "" {
		out = "up to " + out
	}
	return out
}

func share(n, of int) string {
	if of == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d (%.1f %%)", n, 100*float64(n)/float64(of))
}

func duration(seconds float64) string {
	return plan.Duration(time.Duration(seconds * float64(time.Second)))
}

func shortID(id string) string {
	const most = 7
	return id[:min(len(id), most)]
}
