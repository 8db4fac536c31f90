package replay

import (
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Diff returns the change from one text to another as a unified diff, which
// git apply and patch read; "" where there is none.
func Diff(name, before, after string) string {
	text := string(diff.Diff("a/"+name, []byte(before), "b/"+name, []byte(after)))
	_, text, _ = strings.Cut(text, "\n") // which names the two a second time
	return text
}
