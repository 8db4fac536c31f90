package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxBraces bounds how many words a brace expansion makes.
const maxBraces = 256

// braces expands {a,b} and {1..3}.
func braces(w *syntax.Word) []*syntax.Word {
	// The tree is shared and must not change: SplitBraces works on a copy.
	w = &syntax.Word{Parts: w.Parts}
	if !syntax.SplitBraces(w) {
		return []*syntax.Word{w}
	}
	list, ok := expandBraces(w.Parts, 0)
	if !ok {
		return []*syntax.Word{w} // its BraceExp parts then count as unknown
	}
	out := make([]*syntax.Word, len(list))
	for i, parts := range list {
		out[i] = &syntax.Word{Parts: parts}
	}
	return out
}

func hasBrace(w *syntax.Word) bool {
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok && strings.IndexByte(lit.Value, '{') >= 0 {
			return true
		}
	}
	return false
}

// expandBraces lists the words that parts expand to.
func expandBraces(parts []syntax.WordPart, depth int) ([][]syntax.WordPart, bool) {
	out := [][]syntax.WordPart{nil}
	for _, part := range parts {
		br, ok := part.(*syntax.BraceExp)
		if !ok {
			for i := range out {
				out[i] = append(out[i], part)
			}
			continue
		}
		choices, ok := braceChoices(br, depth)
		if !ok || len(out)*len(choices) > maxBraces {
			return nil, false
		}
		next := make([][]syntax.WordPart, 0, len(out)*len(choices))
		for _, head := range out {
			for _, tail := range choices {
				next = append(next, append(head[:len(head):len(head)], tail...))
			}
		}
		out = next
	}
	return out, true
}

func braceChoices(br *syntax.BraceExp, depth int) ([][]syntax.WordPart, bool) {
	if depth > 16 {
		return nil, false
	}
	if br.Sequence {
		return braceSequence(br)
	}
	var out [][]syntax.WordPart
	for _, elem := range br.Elems {
		list, ok := expandBraces(elem.Parts, depth+1)
		if !ok || len(out)+len(list) > maxBraces {
			return nil, false
		}
		out = append(out, list...)
	}
	return out, true
}

func braceSequence(br *syntax.BraceExp) ([][]syntax.WordPart, bool) {
	if len(br.Elems) != 2 {
		return nil, false
	}
	from, to := br.Elems[0].Lit(), br.Elems[1].Lit()
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	letters := false
	if err1 != nil || err2 != nil {
		if len(from) != 1 || len(to) != 1 {
			return nil, false
		}
		a, b, letters = int(from[0]), int(to[0]), true
	}
	if b-a >= maxBraces || a-b >= maxBraces {
		return nil, false
	}
	width := 0
	if !letters && (strings.HasPrefix(from, "0") || strings.HasPrefix(to, "0")) {
		width = max(len(from), len(to))
	}
	step := 1
	if b < a {
		step = -1
	}
	var out [][]syntax.WordPart
	for i := a; ; i += step {
		s := strconv.Itoa(i)
		if letters {
			s = string(rune(i))
		}
		s = strings.Repeat("0", max(0, width-len(s))) + s
		out = append(out, []syntax.WordPart{&syntax.Lit{Value: s}})
		if i == b {
			return out, true
		}
	}
}
