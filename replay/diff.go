package replay

import (
	"fmt"
	"slices"
	"strings"
)

// Diff returns the change from one text to another as a unified diff, which
// git apply and patch read; "" where there is none.
func Diff(name, before, after string) string {
	const context = 3
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	if head == len(a) && head == len(b) {
		return ""
	}
	start := max(0, head-context)
	end := min(tail, context)
	var lines []string
	add := func(sign string, list []string) {
		for _, l := range list {
			if l == "" { // what follows the last line end
				continue
			}
			if !strings.HasSuffix(l, "\n") {
				l += "\n\\ No newline at end of file\n"
			}
			lines = append(lines, sign+l)
		}
	}
	add(" ", a[start:head])
	for _, e := range edits(a[head:len(a)-tail], b[head:len(b)-tail]) {
		add(e.sign, []string{e.line})
	}
	add(" ", a[len(a)-tail:len(a)-tail+end])
	count := func(sign string) int {
		n := 0
		for _, l := range lines {
			if l[:1] == " " || l[:1] == sign {
				n++
			}
		}
		return n
	}
	return fmt.Sprintf("--- a/%s\n+++ b/%s\n@@ -%d,%d +%d,%d @@\n%s", name, name, start+1, count("-"), start+1, count("+"), strings.Join(lines, ""))
}

// edit is one line that stays, goes or comes.
type edit struct{ sign, line string }

// edits keeps the longest common part of two lists of lines.
func edits(a, b []string) []edit {
	common := make([][]int, len(a)+1) // of what is left from there
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var out []edit
	for len(a)+len(b) > 0 {
		i, j := len(common)-1-len(a), len(common[0])-1-len(b)
		switch {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			out = append(out, edit{" ", a[0]})
			a, b = a[1:], b[1:]
		case len(b) == 0 || len(a) > 0 && common[i+1][j] >= common[i][j+1]:
			out = append(out, edit{"-", a[0]})
			a = a[1:]
		default:
			out = append(out, edit{"+", b[0]})
			b = b[1:]
		}
	}
	return slices.Clip(out)
}
