package terminal

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text between words where lines end. What goes on stands below the
// line's first word, and by indent columns more. A word that is longer than a line
// stays whole: it may be a path.
func (s Style) Wrap(text string, indent int) string {
	if s.Width <= 0 {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		line, ended := strings.CutSuffix(line, "\n")
		out.WriteString(s.wrap(line, indent))
		if ended {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func (s Style) wrap(line string, indent int) string {
	if utf8.RuneCountInString(line) <= s.Width {
		return line
	}
	words := strings.TrimLeft(line, " ")
	start := len(line) - len(words)
	var out strings.Builder
	out.WriteString(strings.Repeat(" ", start))
	column, below := start, start+indent
	for i, word := range strings.Fields(words) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > s.Width:
			out.WriteString("\n" + strings.Repeat(" ", below))
			column = below
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += width
	}
	return out.String()
}

// Cell is a text of a table.
type Cell struct {
	Text  string
	Color Color
}

// Row makes cells of texts.
func Row(texts ...string) []Cell {
	out := make([]Cell, len(texts))
	for i, text := range texts {
		out[i].Text = text
	}
	return out
}

// narrow is the least that a last column is wide; where less is left of a line, its
// texts stand below.
const narrow = 30

// Table writes rows in columns that are gap apart. The last column has what is left
// of the line: what does not fit goes on below.
func (s Style) Table(rows [][]Cell, gap int) string {
	var widths []int
	for _, row := range rows {
		for i, c := range row[:max(0, len(row)-1)] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		line, column := "", 0
		for i, c := range row {
			if i == len(row)-1 {
				line = s.last(line, c, column)
				break
			}
			fill := widths[i] + gap - utf8.RuneCountInString(c.Text)
			line += s.Paint(c.Color, c.Text) + strings.Repeat(" ", fill)
			column += widths[i] + gap
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// last is a row with its last cell, which begins at a column.
func (s Style) last(row string, c Cell, column int) string {
	left := s.Width - column
	if s.Width <= 0 || utf8.RuneCountInString(c.Text) <= left {
		return row + s.Paint(c.Color, c.Text)
	}
	const below = 4
	if left < narrow && row != "" {
		column, row = below, strings.TrimRight(row, " ")+"\n"+strings.Repeat(" ", below)
	}
	lines := strings.Split(Style{Width: max(s.Width-column, 1)}.Wrap(c.Text, 0), "\n")
	for i, line := range lines {
		lines[i] = s.Paint(c.Color, line)
	}
	return row + strings.Join(lines, "\n"+strings.Repeat(" ", column))
}

// Diff colors a unified diff.
func (s Style) Diff(text string) string {
	if !s.Colored {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		line, ended := strings.CutSuffix(line, "\n")
		out.WriteString(s.Paint(lineColor(line), line))
		if ended {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func lineColor(line string) Color {
	switch {
	case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
		return Bold
	case strings.HasPrefix(line, "@@"):
		return Cyan
	case strings.HasPrefix(line, "-"):
		return Red
	case strings.HasPrefix(line, "+"):
		return Green
	}
	return Plain
}
