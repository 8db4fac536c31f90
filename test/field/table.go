package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
)

// report is all that was measured.
type report struct {
	Files     []measure `json:"files"`
	Histories []history `json:"histories,omitempty"`
}

// row is one tree, or all of them.
type row struct {
	name                                         string
	files, unread, split, divided, caches, whole int
	errors, warnings, notes                      int
	migrated, refused, lost, fresh               int
	commits, less, more, notReplayable           int
	ran, buildkit                                float64
}

func (r *row) add(m measure) {
	r.files++
	if m.Error != "" {
		r.unread++
		return
	}
	if has(m.Decisions, dockerfile.Split) {
		r.split++
	}
	if has(m.Decisions, dockerfile.Divided) {
		r.divided++
	}
	if m.Caches > 0 {
		r.caches++
	}
	if has(m.Decisions, dockerfile.Whole) {
		r.whole++
	}
	for _, f := range m.Findings {
		switch f.Severity {
		case check.Error:
			r.errors++
		case check.Warning:
			r.warnings++
		case check.Note:
			r.notes++
		}
	}
	switch {
	case m.Migrated.Refused != "":
		r.refused++
	case m.Migrated.Error == "":
		r.migrated++
	}
	r.lost += m.Migrated.Lost
	r.fresh += len(m.Migrated.New)
}

func (r *row) replay(h history) {
	if h.Error != "" {
		r.notReplayable++
		return
	}
	r.commits += h.Commits
	r.ran += h.Ran
	r.buildkit += h.BuildKit
	r.more += len(h.More)
	r.less += h.Less
}

func has(decisions []decision, kind dockerfile.DecisionKind) bool {
	return slices.ContainsFunc(decisions, func(d decision) bool { return d.Kind == kind })
}

// write prints a line for each tree, the totals, and what was counted.
func (r *report) write(w io.Writer) error {
	rows, total := map[string]*row{}, &row{name: "all"}
	of := func(tree string) *row {
		if rows[tree] == nil {
			rows[tree] = &row{name: tree}
		}
		return rows[tree]
	}
	rules, decisions, fresh, lost := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, m := range r.Files {
		of(m.Tree).add(m)
		total.add(m)
		for _, f := range m.Findings {
			rules[f.Rule]++
		}
		for _, d := range m.Decisions {
			decisions[kind(d.Text)]++
		}
		for _, w := range m.Migrated.Why {
			_, text, _ := strings.Cut(w, ": ")
			lost[kind(text)]++
		}
		for _, f := range m.Migrated.New {
			fresh[f.Rule]++
		}
	}
	for _, h := range r.Histories {
		of(h.Tree).replay(h)
		total.replay(h)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "tree\tfiles\tunread\tsplit\tdivided\tcaches\twhole\terrors\twarnings\tnotes\tmigrated\trefused\tlost lines\tnew findings\tcommits\tinstructions run\tBuildKit\tless\tmore")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		rows[name].print(t)
	}
	total.print(t)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, part := range []struct {
		title  string
		counts map[string]int
	}{{"findings by rule", rules}, {"decisions", decisions}, {"lost lines", lost}, {"findings in migrated files that the Dockerfile does not give", fresh}} {
		if err := counted(w, part.title, part.counts); err != nil {
			return err
		}
	}
	return nil
}

func (r *row) print(w io.Writer) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%d\t%d\n", r.name, r.files, r.unread, r.split, r.divided, r.caches, r.whole,
		r.errors, r.warnings, r.notes, r.migrated, r.refused, r.lost, r.fresh, r.commits, r.ran, r.buildkit, r.less, r.more)
}

// counted prints how often each was there, most often first.
func counted(w io.Writer, title string, counts map[string]int) error {
	if len(counts) == 0 {
		return nil
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	if _, err := fmt.Fprintf(w, "\n%s\n", title); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := fmt.Fprintf(w, "%6d  %s\n", counts[name], name); err != nil {
			return err
		}
	}
	return nil
}
