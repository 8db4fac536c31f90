package docs

import (
	"io/fs"
	"os"
	"path/filepath"
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
