// Package report tells what becomes of each line of a Dockerfile that is made into
// something else.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Fate is what became of a line of the Dockerfile.
type Fate string

// The fates of lines.
const (
	// Carried is a line that the build file has, in one form or another.
	Carried Fate = "carried"
	// Dropped is a line that the build file can do without.
	Dropped Fate = "dropped"
	// Lost is a line that could not be carried over: the image lacks what it did.
	Lost Fate = "lost"
)

// Report tells what became of a Dockerfile.
type Report struct {
	// Dockerfile and BuildFile are the files' names.
	Dockerfile string `json:"dockerfile"`
	BuildFile  string `json:"buildFile"`
	// Scripts are the generated files.
	Scripts []string `json:"scripts"`
	// Lines are the lines of the Dockerfile in their order, but for empty ones.
	Lines []Line `json:"lines"`
	// Differences are those between the images that are meant.
	Differences []Difference `json:"differences"`
	// Notes are what else is worth knowing.
	Notes []Note `json:"notes"`
}

// Line is an instruction or comment of the Dockerfile.
type Line struct {
	// Start and End are its first and last line, counted from 1.
	Start int `json:"start"`
	End   int `json:"end"`
	// Text is its first line.
	Text string `json:"text"`
	Fate Fate   `json:"fate"`
	// Went says where it went, or why it was dropped or lost.
	Went []string `json:"went"`
}

// Difference is one between the image that the Dockerfile makes and the one
// that the build file makes.
type Difference struct {
	// Text says what differs, and why.
	Text string `json:"text"`
	// Paths are files and folders; one that ends in a slash stands for all below
	// it as well. Config are the keys of the image's configuration, as `docker
	// inspect` has them.
	Paths  []string `json:"paths,omitempty"`
	Config []string `json:"config,omitempty"`
}

// Note is a remark on a place.
type Note struct {
	// Where is file:line, "" for the whole.
	Where string `json:"where,omitempty"`
	Text  string `json:"text"`
}

// New is an empty one, whose lists are lists in JSON as well.
func New(dockerfile, buildFile string) *Report {
	return &Report{
		Dockerfile: dockerfile, BuildFile: buildFile,
		Scripts: []string{}, Lines: []Line{}, Differences: []Difference{}, Notes: []Note{},
	}
}

// Line finds the line of an instruction.
func (r *Report) Line(start int) *Line {
	for i := range r.Lines {
		if r.Lines[i].Start == start {
			return &r.Lines[i]
		}
	}
	return nil
}

// Record notes where a line went; what is lost stays lost, and one that went
// somewhere was not dropped.
func (r *Report) Record(start int, fate Fate, format string, args ...any) {
	l := r.Line(start)
	if l == nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	if fate != Carried {
		text = string(fate) + ": " + text
	}
	if !slices.Contains(l.Went, text) {
		l.Went = append(l.Went, text)
	}
	if l.Fate == "" || fate == Lost || fate == Carried && l.Fate == Dropped {
		l.Fate = fate
	}
}

// Differ adds a meant difference; paths of an equal one are joined.
func (r *Report) Differ(text string, paths, config []string) {
	for i := range r.Differences {
		if d := &r.Differences[i]; d.Text == text {
			d.Paths = slices.Compact(slices.Sorted(slices.Values(append(d.Paths, paths...))))
			d.Config = slices.Compact(slices.Sorted(slices.Values(append(d.Config, config...))))
			return
		}
	}
	r.Differences = append(r.Differences, Difference{text, slices.Compact(slices.Sorted(slices.Values(paths))), slices.Compact(slices.Sorted(slices.Values(config)))})
}

// Note adds a remark once.
func (r *Report) Note(where, format string, args ...any) {
	n := Note{where, fmt.Sprintf(format, args...)}
	if !slices.Contains(r.Notes, n) {
		r.Notes = append(r.Notes, n)
	}
}

// Lost are the lines that could not be carried over.
func (r *Report) Lost() []Line {
	var out []Line
	for _, l := range r.Lines {
		if l.Fate == Lost {
			out = append(out, l)
		}
	}
	return out
}

// Reason is why a line was lost, "" for one that was not.
func (l Line) Reason() string {
	for _, w := range l.Went {
		if why, ok := strings.CutPrefix(w, string(Lost)+": "); ok {
			return why
		}
	}
	return ""
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	r.writeLines(&b)
	if lost := r.Lost(); len(lost) > 0 {
		fmt.Fprintf(&b, "\nnot carried over, and to be done by hand:\n")
		for _, l := range lost {
			fmt.Fprintf(&b, "  %s:%d: %s\n", r.Dockerfile, l.Start, l.Text)
		}
	}
	if len(r.Differences) > 0 {
		b.WriteString("\nthe image differs from the Dockerfile's in this, and is meant to:\n")
		for _, d := range r.Differences {
			fmt.Fprintf(&b, "  - %s%s\n", d.Text, Some(append(slices.Clone(d.Paths), d.Config...)))
		}
	}
	if len(r.Notes) > 0 {
		b.WriteString("\nnotes:\n")
		for _, n := range r.Notes {
			where := n.Where
			if where != "" {
				where += ": "
			}
			fmt.Fprintf(&b, "  - %s%s\n", where, n.Text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeLines writes the table of lines, the texts cut so that it stays one.
func (r *Report) writeLines(b *strings.Builder) {
	const width = 44
	for _, l := range r.Lines {
		text := l.Text
		if len([]rune(text)) > width {
			text = string([]rune(text)[:width-1]) + "…"
		}
		for i, went := range grouped(l.Went) {
			if i == 0 {
				fmt.Fprintf(b, "%4d  %-*s  %s\n", l.Start, width, text, went)
			} else {
				fmt.Fprintf(b, "      %-*s  %s\n", width, "", went)
			}
		}
	}
}

// grouped joins what went to one place.
func grouped(went []string) []string {
	var out []string
	names := map[string][]string{}
	for _, w := range went {
		key, name, ok := strings.Cut(w, ": ")
		if !ok || key == string(Dropped) || key == string(Lost) {
			out = append(out, w)
			continue
		}
		if names[key] == nil {
			out = append(out, key)
		}
		names[key] = append(names[key], name)
	}
	for i, key := range out {
		out[i] += Some(names[key])
	}
	return out
}

// Some names some of the things that a difference has.
func Some(names []string) string {
	const most = 4
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf(": %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return ": " + strings.Join(names, ", ")
}
