package corpus

import (
	"archive/tar"
	"bytes"
	"maps"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/imagediff"
)

// A comparison that sees nothing proves nothing: each change of one thing has
// to be found, and nothing where nothing was changed.
func TestComparisonSeesEachDifference(t *testing.T) {
	file := tar.Header{Name: "opt/file", Typeflag: tar.TypeReg, Mode: 0o644, Size: 4}
	link := tar.Header{Name: "opt/link", Typeflag: tar.TypeSymlink, Linkname: "file"}
	same := tar.Header{Name: "opt/same", Typeflag: tar.TypeLink, Linkname: "opt/file"}
	base := func() []tar.Header {
		return []tar.Header{file, link, same, {Name: "opt/other", Typeflag: tar.TypeReg, Mode: 0o644, Size: 4}}
	}
	want := packed(t, base()...)
	assert.Empty(t, compare(want, packed(t, base()...)))

	changes := map[string]func(list []tar.Header) []tar.Header{
		"mode":       func(l []tar.Header) []tar.Header { l[0].Mode = 0o4755; return l },
		"owner":      func(l []tar.Header) []tar.Header { l[0].Uid = 5; return l },
		"group":      func(l []tar.Header) []tar.Header { l[0].Gid = 5; return l },
		"content":    func(l []tar.Header) []tar.Header { l[0].Size = 3; return l },
		"attribute":  func(l []tar.Header) []tar.Header { l[0].PAXRecords = attribute(); return l },
		"target":     func(l []tar.Header) []tar.Header { l[1].Linkname = "other"; return l },
		"kind":       func(l []tar.Header) []tar.Header { l[1].Typeflag = tar.TypeDir; return l },
		"link group": func(l []tar.Header) []tar.Header { l[2].Linkname = "opt/other"; l[2], l[3] = l[3], l[2]; return l },
		"not there":  func(l []tar.Header) []tar.Header { return l[:3] },
		"more":       func(l []tar.Header) []tar.Header { return append(l, tar.Header{Name: "new", Typeflag: tar.TypeFifo}) },
	}
	for name, change := range changes {
		assert.NotEmpty(t, compare(want, packed(t, change(base())...)), name)
	}
}

func TestCachesAreNotCompared(t *testing.T) {
	want := packed(t, tar.Header{Name: "var/cache/apt/x.deb", Typeflag: tar.TypeReg}, tar.Header{Name: "var/cache/apt", Typeflag: tar.TypeDir, Mode: 0o755})
	assert.Empty(t, compare(want, packed(t, tar.Header{Name: "var/cache/apt", Typeflag: tar.TypeDir, Mode: 0o755})))
	assert.NotEmpty(t, compare(want, packed(t)), "the folder itself is")
}

func TestLayersAreStacked(t *testing.T) {
	img := packed(t, tar.Header{Name: "a/b", Typeflag: tar.TypeReg}, tar.Header{Name: "a/c", Typeflag: tar.TypeReg}, tar.Header{Name: "d", Typeflag: tar.TypeReg})
	require.NoError(t, img.apply(layered(t, tar.Header{Name: ".wh.d"}, tar.Header{Name: "a/.wh..wh..opq"}, tar.Header{Name: "a/e", Typeflag: tar.TypeReg})))
	assert.Equal(t, []string{"/", "/a/e"}, sortedKeys(img.root))
}

func attribute() map[string]string {
	return map[string]string{"SCHILY.xattr.security.capability": "x"}
}

// packed is an image of one layer.
func packed(t *testing.T, headers ...tar.Header) *image {
	t.Helper()
	img := &image{config: &v1.ConfigFile{Config: v1.Config{Env: []string{"A=1", "B=2"}}}, root: imagediff.Root{"/": {Kind: tar.TypeDir}}, above: map[string]bool{}}
	require.NoError(t, img.apply(layered(t, headers...)))
	return img
}

func layered(t *testing.T, headers ...tar.Header) []entry {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range headers {
		h.PAXRecords = maps.Clone(h.PAXRecords)
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write([]byte("text")[:h.Size])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	entries, err := readEntries(&archive)
	require.NoError(t, err)
	return entries
}
