package scaffold

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pgstrata/pgstrata/spec"
)

// editor changes parts of a text by their places in it, and nothing else.
type editor struct {
	text string
	cuts []cut
}

// cut replaces the bytes from one offset up to, not including, another.
type cut struct {
	from, to int
	with     string
}

// replace puts a text in the place of another.
func (e *editor) replace(from, to int, with string) { e.cuts = append(e.cuts, cut{from, to, with}) }

// drop takes a part away. If nothing but a comment is left of its lines, they go, and so do the lines of comment above
// them.
func (e *editor) drop(from, to int) {
	first, last := e.lineStart(from), e.lineEnd(to)
	before := strings.TrimLeft(e.text[first:from], " \t-")
	after := strings.TrimLeft(e.text[to:last], " \t;\n")
	if before != "" || after != "" && after[0] != '#' {
		for from > first && e.text[from-1] == ' ' {
			from--
		}
		e.replace(from, to, "")
		return
	}
	for first > 0 {
		above := e.lineStart(first - 1)
		if !strings.HasPrefix(strings.TrimLeft(e.text[above:first], " \t"), "#") || strings.HasPrefix(e.text[above:first], "#!") {
			break
		}
		first = above
	}
	e.replace(first, last, "")
}

// lineStart is the offset of the line that holds an offset.
func (e *editor) lineStart(offset int) int { return strings.LastIndexByte(e.text[:offset], '\n') + 1 }

// lineEnd is the offset of the line after the one that holds an offset.
func (e *editor) lineEnd(offset int) int {
	if i := strings.IndexByte(e.text[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(e.text)
}

// String returns the text with all changes made, and without empty lines that stand between nothing anymore.
func (e *editor) String() string {
	cuts := slices.Clone(e.cuts)
	slices.SortFunc(cuts, func(a, b cut) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, c := range cuts {
		if c.from < at { // a part of what is gone already
			at = max(at, c.to)
			continue
		}
		b.WriteString(e.text[at:c.from])
		b.WriteString(c.with)
		at = c.to
	}
	b.WriteString(e.text[at:])
	var lines []string
	for line := range strings.Lines(b.String()) {
		if last := len(lines) - 1; last >= 0 && lines[last] == "\n" && (line == "\n" || line == "}\n") {
			lines = lines[:last]
		}
		lines = append(lines, line)
	}
	return strings.TrimRight(strings.Join(lines, ""), "\n") + "\n"
}

// dropLines takes all lines of a place in a build file away.
func (e *editor) dropLines(r spec.Range) {
	from, to := e.offsets(r)
	e.drop(e.lineStart(from), e.lineEnd(to)-1)
}

// offsets are those of a place in a build file.
func (e *editor) offsets(r spec.Range) (from, to int) { return e.offset(r.Start), e.offset(r.End) }

func (e *editor) offset(p spec.Position) int {
	at := 0
	for range p.Line - 1 {
		at = e.lineEnd(at)
	}
	for range p.Column - 1 {
		_, size := utf8.DecodeRuneInString(e.text[at:])
		at += size
	}
	return at
}
