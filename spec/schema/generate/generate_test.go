package generate

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/internal/golden"
)

const page = "../../../docs/build-file.md"

func mappings(t *testing.T) []Mapping {
	t.Helper()
	out, err := Mappings(os.DirFS("../.."))
	require.NoError(t, err)
	require.Equal(t, "File", out[0].Type)
	return out
}

// The schema that is embedded is that of the types.
func TestSchemaIsUpToDate(t *testing.T) {
	text, err := JSONSchema(mappings(t))
	require.NoError(t, err)
	golden.File(t, "../build-file.json", text)
}

// The reference has a table for each mapping, with a row for each key.
func TestReferenceIsUpToDate(t *testing.T) {
	data, err := os.ReadFile(page)
	require.NoError(t, err)
	var headings []string
	for line := range strings.Lines(string(data)) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			headings = append(headings, strings.TrimSpace(h))
		}
	}
	for _, m := range mappings(t) {
		golden.Region(t, page, "keys of "+m.Type, m.Table(headings))
	}
}
