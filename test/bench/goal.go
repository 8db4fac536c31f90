package bench

import (
	"fmt"
	"strings"
)

// Goal is what pgstrata is meant to reach, and whether it does.
type Goal struct {
	Text     string
	Measured string
	Met      bool
}

// Goals are judged by what was measured; one that was not measured is not met.
func (r *Results) Goals() []Goal {
	entrypoint := r.Seconds(Entrypoint, Pgstrata)
	cold := Cell{}
	if row := r.Row(Cold); row != nil {
		cold = row.Cells[Pgstrata]
	}
	best := r.cell(Cold, Best)
	edit := r.cell(Entrypoint, Pgstrata)
	goals := []Goal{
		r.atMost("an edit of the entrypoint script takes at most 1.5 times an empty solve", entrypoint, r.Seconds(Entrypoint, Floor), 1.5),
		r.atMost("… and at most 1.5 times what copying that file onto the finished image takes", entrypoint, r.Seconds(Entrypoint, OneFile), 1.5),
		r.atMost("… and at most 2 % of what the naive Dockerfile takes", entrypoint, r.Seconds(Entrypoint, Naive), 0.02),
		r.notSlower("no row is slower than with the best Dockerfile by docker/dockerfile, which runs in a container as well, by more than 5 %", Pgstrata, Rival, 1.05),
		r.notSlower("no row is slower than with the best Dockerfile by the frontend in the daemon by more than 15 %", Pgstrata, Best, 1.15),
		r.notSlower("pgstrata build, without a container: the same", Direct, Best, 1.15),
		r.atMost("a cold build is at least 20 % faster than with the best Dockerfile", r.Seconds(Cold, Pgstrata), r.Seconds(Cold, Best), 0.8),
		{
			Text:     "the image is no larger than the best Dockerfile's",
			Measured: bytes(cold.Size) + ", " + bytes(best.Size),
			Met:      cold.Size > 0 && cold.Size <= best.Size,
		},
		{
			Text:     "after an edit of the entrypoint script its own layer alone is pushed",
			Measured: fmt.Sprintf("%d new, %s", edit.New, bytes(edit.Pushed)),
			Met:      edit.New == 1,
		},
		r.notSlower("the unchanged naive Dockerfile: no row is slower through pgstrata by more than 5 %", Adopted, Naive, 1.05),
	}
	for _, row := range []string{Entrypoint, "last setup script edited", "cleanup script edited", "PgBouncer version bumped"} {
		goals = append(goals, r.atMost("the unchanged naive Dockerfile, "+row+": five times faster through pgstrata", r.Seconds(row, Adopted), r.Seconds(row, Naive), 0.2))
	}
	return goals
}

func (r *Results) cell(row, contender string) Cell {
	if found := r.Row(row); found != nil {
		return found.Cells[contender]
	}
	return Cell{}
}

// atMost is the goal that one time is at most so many times another.
func (r *Results) atMost(text string, took, other, factor float64) Goal {
	g := Goal{Text: text, Measured: "not measured"}
	if took > 0 && other > 0 {
		g.Measured = fmt.Sprintf("%.3g (%s, %s)", took/other, seconds(took), seconds(other))
		g.Met = took/other <= factor
	}
	return g
}

// notSlower is the goal that a contender takes nowhere more than so many times as long as another.
func (r *Results) notSlower(text, contender, other string, factor float64) Goal {
	var slower []string
	measured := 0
	for _, row := range r.Rows {
		a, b := r.Seconds(row.Name, contender), r.Seconds(row.Name, other)
		if a == 0 || b == 0 {
			continue
		}
		measured++
		if a/b > factor {
			slower = append(slower, fmt.Sprintf("%s: %.2f", row.Name, a/b))
		}
	}
	g := Goal{Text: text, Measured: "none", Met: measured > 0 && len(slower) == 0}
	if len(slower) > 0 {
		g.Measured = strings.Join(slower, "; ")
	} else if measured == 0 {
		g.Measured = "not measured"
	}
	return g
}

func (r *Results) goalTable() string {
	rows := [][]string{{"goal", "measured", "met"}}
	for _, g := range r.Goals() {
		met := "no"
		if g.Met {
			met = "yes"
		}
		rows = append(rows, []string{g.Text, g.Measured, met})
	}
	return table(rows)
}
