package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A build context has to hold all of its files, so the compiled example has
// copies of the other's: equal ones.
func TestExamplesHaveTheSameEntrypoint(t *testing.T) {
	const one, other = "../../examples/postgresql", "../../examples/postgresql-source"
	for _, part := range []string{"entrypoint.d", "config", "test/smoke.sh"} {
		err := filepath.WalkDir(filepath.Join(one, part), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			relative, err := filepath.Rel(one, name)
			require.NoError(t, err)
			want, err := os.ReadFile(name)
			require.NoError(t, err)
			got, err := os.ReadFile(filepath.Join(other, relative))
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), relative)
			return nil
		})
		require.NoError(t, err)
	}
}

// The table of other images' variables says something of each, once, and of
// none that the image reads itself.
func TestForeignVariables(t *testing.T) {
	const scripts = "../../examples/postgresql/entrypoint.d/scripts/utils/"
	table, err := os.ReadFile(scripts + "foreign.tsv")
	require.NoError(t, err)
	settings, err := os.ReadFile(scripts + "settings.sh")
	require.NoError(t, err)
	name := regexp.MustCompile(`^[A-Z][A-Z0-9_]*\*?$`)
	seen := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		variable, instead, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		assert.True(t, ok && instead != "" && !strings.Contains(instead, "\t"), line)
		assert.Regexp(t, name, variable)
		assert.False(t, seen[variable], variable)
		assert.NotContains(t, string(settings), "{"+variable+":=", variable)
		seen[variable] = true
	}
	assert.NotEmpty(t, seen)
}
