package docs

import (
	"path/filepath"
	"testing"

	"github.com/pgstrata/pgstrata/test/internal/console"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// docs/migrate.md shows what pgstrata migrate prints.
func TestMigratePage(t *testing.T) {
	console.Run(t, filepath.Join(root, "docs/migrate.md"), console.Session{
		Dir: testenv.Example(t, "dockerfile"),
		Env: []string{"PATH=" + console.Program(t, testenv.Program(t, "pgstrata"))},
	})
}
