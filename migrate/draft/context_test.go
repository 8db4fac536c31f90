package draft

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/migrate/buildfile"
)

// What is generated lies beside the context's files, and hides those of its name.
func TestOverlay(t *testing.T) {
	m := NewContext(fstest.MapFS{
		"a/x": {Data: []byte("there")}, "b": {Data: []byte("there")}, "link": {Data: []byte("a/x"), Mode: fs.ModeSymlink | 0o777},
	}, nil)
	m.Generated = map[string]*buildfile.File{"a/y": {Data: []byte("made"), Mode: 0o755}, "b": {Data: []byte("made")}, "c/d/z": {Data: []byte("made")}}
	texts := map[string]string{}
	require.NoError(t, fs.WalkDir(m.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := fs.ReadFile(m.FS(), name)
		texts[name] = string(data)
		return err
	}))
	assert.Equal(t, map[string]string{"a/x": "there", "a/y": "made", "b": "made", "c/d/z": "made"}, texts)
	for name, want := range map[string]fs.FileMode{"a": fs.ModeDir, "c/d": fs.ModeDir, "link": fs.ModeSymlink, "a/y": 0} {
		info, err := fs.Lstat(m.FS(), name)
		require.NoError(t, err, name)
		assert.Equal(t, want, info.Mode().Type(), name)
	}
	target, err := fs.ReadLink(m.FS(), "link")
	require.NoError(t, err)
	assert.Equal(t, "a/x", target)
	for _, name := range []string{"a/z", "d", "c/y"} {
		_, err := fs.Stat(m.FS(), name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		_, err = fs.ReadDir(m.FS(), name)
		assert.ErrorIs(t, err, fs.ErrNotExist, name)
	}
}
