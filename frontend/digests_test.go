package frontend

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the program writes of files is what is read of them, and what is no file has
// no digest.
func TestDigests(t *testing.T) {
	dir := t.TempDir()
	in, list, to := filepath.Join(dir, "in"), filepath.Join(dir, "list"), filepath.Join(dir, "out")
	require.NoError(t, os.MkdirAll(filepath.Join(in, "sub"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(in, "sub/a b"), []byte("a\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(in, "empty"), nil, 0o600))
	require.NoError(t, os.Symlink("empty", filepath.Join(in, "link")))
	names := []string{"sub", "sub/a b", "empty", "link", "gone"}
	require.NoError(t, os.WriteFile(list, []byte(strings.Join(names, "\n")+"\n"), 0o600))
	require.NoError(t, WriteDigests(list, in, to))
	out, err := os.Open(to)
	require.NoError(t, err)
	defer out.Close()
	got, err := readDigests(out, names)
	require.NoError(t, err)
	sum := func(text string) string {
		h := sha256.Sum256([]byte(text))
		return hex.EncodeToString(h[:])
	}
	assert.Equal(t, map[string]string{"sub/a b": sum("a\n"), "empty": sum("")}, got)
	_, err = readDigests(strings.NewReader("one\n"), names)
	assert.Error(t, err, "an answer that was cut off")
}
