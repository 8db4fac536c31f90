package check

import (
	"iter"
	"strings"
)

// textLines are the lines of a text with their numbers; none of a file that is
// no text.
func textLines(data []byte) iter.Seq2[int, string] {
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

// keyValue takes a line of a configuration file apart: `key = value`,
// `key: value`, `- key: value`.
func keyValue(line string) (key, value string, ok bool) {
	i := strings.IndexAny(line, "=:")
	if i < 0 {
		return "", "", false
	}
	key = strings.Trim(strings.TrimPrefix(strings.TrimSpace(line[:i]), "- "), ` "'`)
	value = strings.TrimSpace(line[i+1:])
	if comment := strings.Index(value, " #"); comment >= 0 {
		value = strings.TrimSpace(value[:comment])
	}
	return key, strings.Trim(value, `"',`), key != "" && !strings.ContainsAny(key, " #\t/")
}
