package bench

import (
	"fmt"
	"os"
	"strings"
)

// Report is the results as text, in Markdown.
func Report(r *Results) string {
	var text strings.Builder
	m := r.Machine
	fmt.Fprintf(&text, "Measured on %s with `BENCH=%s`: %s, %d cores, %d GB, Linux %s, BuildKit %s, Go %s. The load average was %.1f before the start"+
		" and %.1f at the end. The run took %.0f minutes.\n\n", r.Date, r.Mode, m.CPU, m.Cores, m.MemoryGB, m.Kernel, m.BuildKit, m.GoVersion, m.Load, m.LoadAtEnd, r.Minutes)
	text.WriteString("### Goals\n\n" + r.goalTable() +
		"\n### Time of one build\n\n" + r.timeTable() +
		"\n### What a build waits for\n\n" + r.phaseTable(Nothing) + "\n" + r.phaseTable(Entrypoint) +
		"\n### Vertices run and cached, bytes sent, new layers\n\n" + r.workTable() +
		"\n### An unannotated tree\n\n" + r.observedTable() +
		"\n### The image\n\n" + r.imageTable() +
		"\n### The frontend alone\n\n" + r.overheadTable())
	return text.String()
}

// The results stand between these lines of the documentation.
const (
	begin = "<!-- results: begin -->\n"
	end   = "<!-- results: end -->\n"
)

// WriteInto puts the report into a file, in place of the one that is there.
func WriteInto(file string, r *Results) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, also := strings.Cut(rest, end)
	if !ok || !also {
		return fmt.Errorf("%s has no place for results: the lines %s and %s", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+Report(r)+"\n"+end+after), 0o644) //nolint:gosec // documentation
}

// Failures lists the cells that could not be measured.
func (r *Results) Failures() []string {
	var out []string
	for _, row := range r.Rows {
		for _, c := range append(Contenders(), Floors()...) {
			if err := row.Cells[c.Key].Error; err != "" {
				out = append(out, row.Name+": "+c.Name+": "+err)
			}
		}
	}
	return out
}

// table writes rows of cells, the first row as the head. All columns but the first are numbers.
func table(rows [][]string) string {
	var text strings.Builder
	for i, row := range rows {
		text.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			text.WriteString("|---|" + strings.Repeat("--:|", len(row)-1) + "\n")
		}
	}
	return text.String()
}

func (r *Results) timeTable() string {
	rows := [][]string{{
		"", "naive Dockerfile", "best Dockerfile", "… docker/dockerfile", "pgstrata", "to naive", "to best", "to … docker/dockerfile",
		"pgstrata build", "to best", "naive through pgstrata", "to naive", "empty solve", "one file copied",
	}}
	for _, row := range r.Rows {
		at := func(key string) string { return row.time(r, key) }
		rows = append(rows, []string{
			row.Name, at(Naive), at(Best), at(Rival), at(Pgstrata), r.ratio(row.Name, Pgstrata, Naive), r.ratio(row.Name, Pgstrata, Best),
			r.ratio(row.Name, Pgstrata, Rival), at(Direct), r.ratio(row.Name, Direct, Best), at(Adopted), r.ratio(row.Name, Adopted, Naive), at(Floor), at(OneFile),
		})
	}
	return table(rows)
}

// time is a contender's time in a row, with a sign where another row's stands for it.
func (row RowResult) time(r *Results, key string) string {
	cell, ok := row.Cells[key]
	switch {
	case !ok:
		return ""
	case cell.Error != "":
		return cell.Error
	case cell.Like != "":
		return "≈ " + seconds(r.Seconds(cell.Like, key))
	}
	return seconds(Median(cell.Seconds))
}

// ratio compares two contenders in a row.
func (r *Results) ratio(row, key, to string) string {
	a, b := r.Seconds(row, key), r.Seconds(row, to)
	if a == 0 || b == 0 {
		return ""
	}
	if a/b < 0.1 {
		return fmt.Sprintf("%.3f", a/b)
	}
	return fmt.Sprintf("%.2f", a/b)
}

// phaseTable has a line for each phase of a row's builds, in milliseconds. What is left is what nobody tells of: the client's
// process before its first message and after its last.
func (r *Results) phaseTable(name string) string {
	keys := []string{Best, Rival, Pgstrata, Direct, Floor}
	rows := [][]string{{name, "best Dockerfile", "… docker/dockerfile", "pgstrata", "pgstrata build", "empty solve"}}
	row := r.Row(name)
	if row == nil {
		return ""
	}
	milliseconds := func(s float64) string { return fmt.Sprintf("%.0f ms", s*1e3) }
	rest := []string{"the client's process, besides"}
	for _, key := range keys {
		left := Median(row.Cells[key].Seconds)
		for _, took := range row.Cells[key].Phases {
			left -= took
		}
		rest = append(rest, milliseconds(max(0, left)))
	}
	for _, phase := range Phases() {
		line := []string{string(phase)}
		for _, key := range keys {
			line = append(line, milliseconds(row.Cells[key].Phases[phase]))
		}
		rows = append(rows, line)
	}
	return table(append(rows, rest))
}

func (r *Results) workTable() string {
	rows := [][]string{{"", "naive Dockerfile", "best Dockerfile", "pgstrata", "naive through pgstrata"}}
	for _, row := range r.Rows {
		line := []string{row.Name}
		for _, key := range []string{Naive, Best, Pgstrata, Adopted} {
			line = append(line, row.Cells[key].work())
		}
		rows = append(rows, line)
	}
	return table(rows)
}

func (c Cell) work() string {
	if len(c.Seconds) == 0 {
		return ""
	}
	layers := "no layer"
	if c.New > 0 {
		layers = fmt.Sprintf("%d new, %s", c.New, bytes(c.Pushed))
	}
	return fmt.Sprintf("%d / %d · %s · %s", c.Ran, c.Cached, bytes(c.Sent), layers)
}

// observedTable compares a tree of which nobody has listed outputs with what observing it comes to.
func (r *Results) observedTable() string {
	rows := [][]string{{"", "unannotated tree", "ran", "unannotated tree, observed", "ran", "to unannotated", "to best"}}
	for _, row := range r.Rows {
		chain, seen := row.Cells[Chain], row.Cells[Observed]
		if len(chain.Seconds)+len(seen.Seconds) == 0 {
			continue
		}
		rows = append(rows, []string{
			row.Name, row.time(r, Chain), fmt.Sprint(chain.Ran), row.time(r, Observed), fmt.Sprint(seen.Ran),
			r.ratio(row.Name, Observed, Chain), r.ratio(row.Name, Observed, Best),
		})
	}
	return table(rows)
}

func (r *Results) imageTable() string {
	rows := [][]string{{"", "size", "layers", "frontend's memory, nothing changed", "frontend's memory, entrypoint script edited"}}
	for _, c := range Contenders() {
		memory := func(row string) string {
			found := r.Row(row)
			switch {
			case found == nil:
				return ""
			case c.Direct:
				return "in the program"
			case c.Frontend == "":
				return "in the daemon"
			}
			return bytes(found.Cells[c.Key].Memory)
		}
		if cold := r.Row(Cold); cold != nil {
			cell := cold.Cells[c.Key]
			rows = append(rows, []string{c.Name, bytes(cell.Size), fmt.Sprint(cell.Layers), memory(Nothing), memory(Entrypoint)})
		}
	}
	return table(rows)
}

func (r *Results) overheadTable() string {
	rows := [][]string{{"files", "setup scripts", "platforms", "frontend", "time to the definition", "for each file", "memory", "vertices", "definition"}}
	for _, o := range r.Overhead {
		took := Median(o.Seconds)
		rows = append(rows, []string{
			fmt.Sprint(o.Files), fmt.Sprint(o.Scripts), fmt.Sprint(o.Platforms), names()[o.Frontend],
			fmt.Sprintf("%.0f ms", took*1e3), fmt.Sprintf("%.0f µs", took*1e6/float64(o.Files)),
			bytes(o.Memory), fmt.Sprint(o.Vertices), bytes(int64(o.Definition)),
		})
	}
	return table(rows)
}

// names are what the frontends that are measured alone are called.
func names() map[string]string {
	return map[string]string{"least": "the least by hand", "dockerfile": "dockerfile.v0", "pgstrata": "pgstrata"}
}

func seconds(s float64) string {
	if s >= 10 {
		return fmt.Sprintf("%.0f s", s)
	}
	return fmt.Sprintf("%.2f s", s)
}

func bytes(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
