package replay

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pgstrata/pgstrata/plan"
)

// Write writes a report for people to read.
func (r *Report) Write(w io.Writer) error {
	var text strings.Builder
	parents := ""
	if r.FirstParent {
		parents = ", first parents only"
	}
	fmt.Fprintf(&text, "%s%s: %s of %s to %s of %s\n", many(r.Commits, "commit"), parents,
		shortID(r.From.ID), r.From.Time.Format(time.DateOnly), shortID(r.To.ID), r.To.Time.Format(time.DateOnly))
	if r.Renames > 0 {
		fmt.Fprintf(&text, "%s renamed files, which keep their counts under their newest names\n", many(r.Renames, "commit"))
	}
	for _, c := range r.Contenders {
		c.unread(&text)
	}
	if err := r.table(&text); err != nil {
		return err
	}
	if len(r.Contenders) > 0 {
		if err := r.Contenders[0].causes(&text); err != nil {
			return err
		}
	}
	if err := r.changes(&text); err != nil {
		return err
	}
	r.advice(&text)
	for _, note := range r.Notes {
		fmt.Fprintf(&text, "note: %s\n", note)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// unread tells of commits that could not be built.
func (c *Contender) unread(w io.Writer) {
	if len(c.Unread) == 0 {
		return
	}
	const most = 3
	fmt.Fprintf(w, "%s could not be read by %s; what they changed counts for the next that can:\n", many(len(c.Unread), "commit"), c.Name)
	for i, u := range c.Unread {
		if i == most {
			fmt.Fprintf(w, "  and %d more\n", len(c.Unread)-most)
			break
		}
		first, _, _ := strings.Cut(u.Error, "\n")
		fmt.Fprintf(w, "  %s  %s\n", shortID(u.Commit.ID), first)
	}
}

// table has a column for each contender.
func (r *Report) table(w io.Writer) error {
	rows := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(title string, cell func(c *Contender) string) {
		fmt.Fprint(rows, title)
		for _, c := range r.Contenders {
			fmt.Fprint(rows, "\t"+cell(c))
		}
		fmt.Fprintln(rows)
	}
	fmt.Fprintln(rows)
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
	return rows.Flush()
}

// split is a share of commits that only a contender can tell for which a
// script is a step of its own.
func (c *Contender) split(n int) string {
	if !c.scripts && c.Compared > 0 {
		return "?"
	}
	return share(n, c.Compared)
}

func (c *Contender) causes(w io.Writer) error {
	if len(c.Causes) == 0 {
		return nil
	}
	const most = 10
	fmt.Fprintf(w, "\nWhat made setup run\n")
	rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
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
		fmt.Fprintf(rows, "  %s\t%s\t%s\n", many(x.Commits, "commit"), many(x.Ran, "step"), what)
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	more(w, len(c.Causes)-most)
	return nil
}

func (r *Report) changes(w io.Writer) error {
	if len(r.Files) == 0 {
		return nil
	}
	const most = 15
	fmt.Fprintf(w, "\nHow often files changed, and what they count for\n")
	rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
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
		fmt.Fprintf(rows, "  %d\t%s\t%s\n", f.Changes, f.Path, nodes)
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	more(w, len(r.Files)-most)
	return nil
}

func more(w io.Writer, n int) {
	if n > 0 {
		fmt.Fprintf(w, "  and %d more (--format json has all)\n", n)
	}
}

func (r *Report) advice(w io.Writer) {
	switch {
	case len(r.Contenders) == 0 || r.Contenders[0].Ran == 0:
		return
	case len(r.Advice) == 0:
		fmt.Fprintf(w, "\nNo other place for a script, and no split of one, would have saved a twentieth of the work.\n")
		return
	}
	fmt.Fprintf(w, "\nWhat would have saved most\n")
	for i, a := range r.Advice {
		fmt.Fprintf(w, "%d. %s\n", i+1, a.Text)
		if saves := a.saves(); saves != "" {
			fmt.Fprintf(w, "   saves %s\n", saves)
		}
		if a.Kind == "order" {
			fmt.Fprintln(w, "   pgstrata cannot see all that a script uses of another one: read both, and build, before you keep it")
		}
		if a.Note != "" {
			fmt.Fprintf(w, "   %s\n", a.Note)
		}
		if a.Edit != "" {
			fmt.Fprintf(w, "\n%s\n", a.Edit)
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
