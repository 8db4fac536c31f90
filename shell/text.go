package shell

import (
	"sort"
	"strings"
)

// Text is a piece of source text: a whole file, or text nested in it that is
// handed to a shell. Offsets of nested text are mapped to those of the file.
type Text struct {
	Src    string
	parent *Text
	// segs map offsets of src to offsets in the parent, in ascending order.
	segs []Seg
	// lines are the offsets at which the lines of a file start.
	lines []int
}

// Seg says that from offset in on, the text continues parent's offset out. With
// a width it stands for that much of the parent instead: an expansion.
type Seg struct{ Inner, Outer, Width int }

// Span is a half-open range of offsets.
type Span struct{ From, To int }

// NewText is the text of a file.
func NewText(src string) *Text {
	lines := make([]int, 1, 1+strings.Count(src, "\n"))
	for i := 0; i < len(src); i++ {
		if src[i] == '\n' {
			lines = append(lines, i+1)
		}
	}
	return &Text{Src: src, lines: lines}
}

// root maps an offset to the file's.
func (t *Text) root(off int) (*Text, int) {
	for t.parent != nil {
		s := t.seg(off)
		if s.Width == 0 {
			off -= s.Inner
		} else {
			off = 0
		}
		off += s.Outer
		t = t.parent
	}
	return t, off
}

// seg is the last one that starts at or before an offset.
func (t *Text) seg(off int) Seg {
	i := sort.Search(len(t.segs), func(i int) bool { return t.segs[i].Inner > off })
	if i == 0 {
		return Seg{}
	}
	return t.segs[i-1]
}

// rootEnd maps the offset at which something ends.
func (t *Text) rootEnd(end int) int {
	for t.parent != nil {
		s := t.seg(max(end-1, 0))
		if s.Width > 0 {
			end = s.Outer + s.Width
		} else {
			end += s.Outer - s.Inner
		}
		t = t.parent
	}
	return end
}

// Pos maps an offset to a position in the file.
func (t *Text) Pos(off int) Pos {
	file, off := t.root(off)
	off = min(max(off, 0), len(file.Src))
	line := sort.SearchInts(file.lines, off+1)
	return Pos{Line: line, Column: off - file.lines[line-1] + 1}
}

// Slice is what the file has between two offsets, whatever they are.
func (t *Text) Slice(from, to int) string {
	file, from := t.root(from)
	to = min(t.rootEnd(to), len(file.Src))
	if from < 0 || from >= to {
		return ""
	}
	return file.Src[from:to]
}

// Nested makes a text out of another one.
func (t *Text) Nested(src string, segs []Seg) *Text {
	return &Text{Src: src, parent: t, segs: segs}
}
