package replay

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDiff(t *testing.T) {
	assert.Empty(t, Diff("f", "a\n", "a\n"))
	assert.Equal(t, `--- a/f
+++ b/f
@@ -2,8 +2,8 @@
 2
 3
 4
-5
 6
+5
 7
 8
 9
`, Diff("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "1\n2\n3\n4\n6\n5\n7\n8\n9\n10\n"))
}

// git takes what Diff writes, whatever the texts are.
func TestDiffApplies(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same cases each time
	text := func() string {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			fmt.Fprintf(&b, "%d\n", random.IntN(5))
		}
		return strings.TrimSuffix(b.String(), strings.Repeat("\n", random.IntN(2)))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	for range 60 {
		before, after := text(), text()
		diff := Diff("f", before, after)
		if before == after {
			assert.Empty(t, diff)
			continue
		}
		require.NoError(t, os.WriteFile(file, []byte(before), 0o600))
		cmd := exec.Command("git", "-C", dir, "apply", "--unidiff-zero", "-")
		cmd.Stdin = strings.NewReader(diff)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s\nfrom %q to %q", out, diff, before, after)
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, after, string(got), diff)
	}
}
