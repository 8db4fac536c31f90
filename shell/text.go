package shell

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"
)

// text is a piece of source text: a whole file, or text nested in it that is
// handed to a shell. Offsets of nested text are mapped to those of the file.
type text struct {
	src    string
	parent *text
	// segs map offsets of src to offsets in the parent, in ascending order.
	segs []seg
	// lines are the offsets at which the lines of a file start.
	lines []int
}

// seg says that from offset in on, the text continues parent's offset out. With
// a width it stands for that much of the parent instead: an expansion.
type seg struct{ in, out, width int }

// span is a half-open range of offsets.
type span struct{ from, to int }

func newText(src string) *text {
	lines := make([]int, 1, 1+strings.Count(src, "\n"))
	for i := 0; i < len(src); i++ {
		if src[i] == '\n' {
			lines = append(lines, i+1)
		}
	}
	return &text{src: src, lines: lines}
}

// root maps an offset to the file's.
func (t *text) root(off int) (*text, int) {
	for t.parent != nil {
		s := t.seg(off)
		if s.width == 0 {
			off -= s.in
		} else {
			off = 0
		}
		off += s.out
		t = t.parent
	}
	return t, off
}

// seg is the last one that starts at or before an offset.
func (t *text) seg(off int) seg {
	i := sort.Search(len(t.segs), func(i int) bool { return t.segs[i].in > off })
	if i == 0 {
		return seg{}
	}
	return t.segs[i-1]
}

// rootEnd maps the offset at which something ends.
func (t *text) rootEnd(end int) int {
	for t.parent != nil {
		s := t.seg(max(end-1, 0))
		if s.width > 0 {
			end = s.out + s.width
		} else {
			end += s.out - s.in
		}
		t = t.parent
	}
	return end
}

// pos maps an offset to a position in the file.
func (t *text) pos(off int) Pos {
	file, off := t.root(off)
	off = min(max(off, 0), len(file.src))
	line := sort.SearchInts(file.lines, off+1)
	return Pos{Line: line, Column: off - file.lines[line-1] + 1}
}

// slice is what the file has between two offsets, whatever they are.
func (t *text) slice(from, to int) string {
	file, from := t.root(from)
	to = min(t.rootEnd(to), len(file.src))
	if from < 0 || from >= to {
		return ""
	}
	return file.src[from:to]
}

// nested makes a text out of another one.
func (t *text) nested(src string, segs []seg) *text {
	return &text{src: src, parent: t, segs: segs}
}

// plain brings a file's bytes into a form in which every offset stays what it
// was, but nothing is left that means something else to the reader than to a
// shell: the parser refuses bytes that are not UTF-8, which shells accept, and
// the lowest control characters are the package's own marks.
func plain(src []byte) (s string, bom bool, invalid int) {
	invalid = -1
	var out []byte
	edit := func() []byte {
		if out == nil {
			out = bytes.Clone(src)
		}
		return out
	}
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		bom = true
		copy(edit(), "   ")
	}
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			if c <= markNested && c != 0 {
				edit()[i] = '%'
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 {
			if invalid < 0 {
				invalid = i
			}
			edit()[i] = '%'
		}
		i += size
	}
	if out != nil {
		return string(out), bom, invalid
	}
	return string(src), bom, invalid
}

// crlf finds the end of the first line that ends in carriage return, line feed.
func crlf(src string) int { return strings.Index(src, "\r\n") }
