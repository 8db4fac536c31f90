package check

import (
	"iter"
	"strings"
)

// TextLines are the lines of a text with their numbers; none of a file that is
// no text.
func TextLines(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		text := string(data)
		if strings.IndexByte(text, 0) >= 0 {
			return
		}
		number := 0
		for line := range strings.SplitSeq(text, "\n") {
			number++
			if !yield(number, strings.TrimSuffix(line, "\r")) {
				return
			}
		}
	}
}
