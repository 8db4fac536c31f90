package interp

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// maxBraces bounds how many words a brace expansion makes.
const maxBraces = 256

// braces expands {a,b} and {1..3}. Where that makes too many words, the BraceExp
// parts of the one that it returns count as unknown.
func braces(w *syntax.Word) []*syntax.Word {
	// The tree is shared and must not change: SplitBraces works on a copy.
	w = &syntax.Word{Parts: w.Parts}
	if !syntax.SplitBraces(w) {
		return []*syntax.Word{w}
	}
	var out []*syntax.Word
	for one, err := range expand.BracesSeq(nil, w) {
		if err != nil || len(out) == maxBraces {
			return []*syntax.Word{w}
		}
		out = append(out, one)
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
