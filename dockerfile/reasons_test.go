package dockerfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/internal/golden"
)

// The page has what is told of each reason, and what lifts it.
func TestReasonsPage(t *testing.T) {
	cell := strings.NewReplacer("|", `\|`)
	var table strings.Builder
	table.WriteString("| it says | because | what lifts it |\n|---|---|---|\n")
	for _, r := range reasons() {
		assert.NotContains(t, r.says(), "%!", "an example has a value for each place")
		assert.NotEmpty(t, r.because, r.why)
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", strings.ReplaceAll(cell.Replace(r.says()), "`", "'"), cell.Replace(r.because), cell.Replace(r.lifts))
	}
	golden.Region(t, "../docs/dockerfile.md", "reasons", table.String())
}

// Each reason is told with its own edit.
func TestExplained(t *testing.T) {
	seen := map[why]bool{}
	for _, r := range reasons() {
		assert.False(t, seen[r.why], r.why)
		seen[r.why] = true
		assert.NotEmpty(t, r.lifts, r.why)
		assert.Equal(t, r.says()+"; to split it, "+r.lifts, explained(cannot(r.why, r.example...)))
	}
}
