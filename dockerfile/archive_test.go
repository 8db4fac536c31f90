package dockerfile

import (
	"archive/tar"
	"bytes"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ADD unpacks what is an archive by its first bytes, whatever its name says.
func TestUnpacks(t *testing.T) {
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "a", Mode: 0o644, Size: 1}))
	_, err := w.Write([]byte("a"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	old := bytes.Clone(plain.Bytes()) // a header without the name of its format
	copy(old[257:], make([]byte, 8))
	context := fstest.MapFS{
		"a.conf": {Data: plain.Bytes()}, "old": {Data: old}, "b.txt": {Data: []byte{0x1f, 0x8b, 8}}, "c.tar": {Data: []byte("none\n")}, "node.cnf": {Data: bytes.Repeat([]byte("x=1\n"), 400)}, "empty.zip": {},
	}
	for name, want := range map[string][2]bool{
		"a.conf": {true, true}, "old": {true, false}, "b.txt": {true, true}, "c.tar": {false, true}, "node.cnf": {false, true}, "empty.zip": {false, true}, "gone": {false, false},
	} {
		unpacks, known := Unpacks(context, name)
		assert.Equal(t, want, [2]bool{unpacks, known}, name)
	}
}
