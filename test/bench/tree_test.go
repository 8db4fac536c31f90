package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
)

// The trees are made of an example, which changes: their build files must still be such, and all scripts be there.
func TestTrees(t *testing.T) {
	for name, mode := range Modes() {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, mode.Tree)
			for _, unannotated := range []bool{false, true} {
				if unannotated {
					require.NoError(t, unannotate(dir))
				}
				text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
				require.NoError(t, err)
				in, err := frontend.ReadTree("Dockerfile", text, os.DirFS(dir), nil)
				require.NoError(t, err)
				assert.NotEmpty(t, in.Graph.Scripts)
			}
			for _, file := range []string{"Dockerfile.best", "setup/setup.sh"} {
				text, err := os.ReadFile(filepath.Join(dir, file))
				require.NoError(t, err)
				for _, word := range strings.Fields(string(text)) {
					if script, ok := strings.CutPrefix(word, "/context/"); ok {
						assert.FileExists(t, filepath.Join(dir, script), file)
					}
				}
			}
		})
	}
}
