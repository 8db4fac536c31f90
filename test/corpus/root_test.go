package corpus

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgstrata/pgstrata/imagediff"
)

// image is what a build has made, as a registry serves it.
type image struct {
	config *v1.ConfigFile
	root   imagediff.Root
	// above are the paths that have had others below them.
	above map[string]bool
}

// entry is a node in a layer's archive, or the deletion of one.
type entry struct {
	name string
	imagediff.Node
	link             string // the name that a hard link stands for
	whiteout, opaque bool
}

// images reads images. Layers that were read once are remembered: most are
// those of base images.
type images struct {
	sync.Mutex
	layers map[v1.Hash][]entry
}

func (r *images) read(ref string) (*image, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, err
	}
	source, err := remote.Image(parsed)
	if err != nil {
		return nil, err
	}
	config, err := source.ConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := source.Layers()
	if err != nil {
		return nil, err
	}
	img := &image{config: config, root: imagediff.Root{"/": {Kind: tar.TypeDir, Mode: 0o755}}, above: map[string]bool{}}
	for _, layer := range layers {
		entries, err := r.layer(layer)
		if err != nil {
			return nil, err
		}
		if err := img.apply(entries); err != nil {
			return nil, err
		}
	}
	return img, nil
}

func (r *images) layer(layer v1.Layer) ([]entry, error) {
	digest, err := layer.Digest()
	if err != nil {
		return nil, err
	}
	r.Lock()
	defer r.Unlock()
	if entries, is := r.layers[digest]; is {
		return entries, nil
	}
	content, err := layer.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	entries, err := readEntries(content)
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", digest, err)
	}
	r.layers[digest] = entries
	return entries, nil
}

func readEntries(content io.Reader) ([]entry, error) {
	archive := tar.NewReader(content)
	var out []entry
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		e := newEntry(header)
		if header.Typeflag == tar.TypeReg {
			if err := e.Read(archive); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
}

func newEntry(h *tar.Header) entry {
	e := entry{name: path.Clean("/" + h.Name), Node: imagediff.Node{
		Kind: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Size: h.Size, Xattrs: map[string]string{},
	}}
	for key, value := range h.PAXRecords {
		if attr, is := strings.CutPrefix(key, "SCHILY.xattr."); is {
			e.Xattrs[attr] = value
		}
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		e.Target = h.Linkname
	case tar.TypeLink:
		e.link = path.Clean("/" + h.Linkname)
	case tar.TypeChar, tar.TypeBlock:
		e.Device = fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)
	}
	dir, base := path.Split(e.name)
	if hidden, is := strings.CutPrefix(base, ".wh."); base == ".wh..wh..opq" {
		e.name, e.opaque = path.Clean(dir), true
	} else if is {
		e.name, e.whiteout = dir+hidden, true
	}
	return e
}

// apply puts a layer on top of the root.
func (i *image) apply(entries []entry) error {
	for _, e := range entries { // deletions speak of lower layers, wherever in the archive they stand
		if e.opaque || e.whiteout {
			i.remove(e.name, e.whiteout)
		}
	}
	for _, e := range entries {
		if e.opaque || e.whiteout {
			continue
		}
		if e.Kind != tar.TypeDir {
			i.remove(e.name, true) // it may have been a folder
		}
		if e.link == "" {
			n := e.Node
			i.put(e.name, &n)
			continue
		}
		linked := i.root[e.link]
		if linked == nil {
			return fmt.Errorf("%s is a link to %s, which is not there", e.name, e.link)
		}
		i.put(e.name, linked)
	}
	return nil
}

func (i *image) put(name string, n *imagediff.Node) {
	i.root[name] = n
	for dir := path.Dir(name); !i.above[dir]; dir = path.Dir(dir) {
		i.above[dir] = true
	}
}

func (i *image) remove(name string, itself bool) {
	if i.above[name] {
		below := strings.TrimSuffix(name, "/") + "/"
		maps.DeleteFunc(i.root, func(other string, _ *imagediff.Node) bool { return strings.HasPrefix(other, below) })
	}
	if itself {
		delete(i.root, name)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// compare returns the differences between two images that are not meant:
// `-` is what dockerfile.v0 has, `+` what pgstrata has.
func compare(want, got *image) []mismatch {
	var out []mismatch
	differ := func(where string, m imagediff.Mismatch) {
		out = append(out, mismatch{where, fmt.Sprintf("\n\t- %s\n\t+ %s", m.Want, m.Got)})
	}
	for _, m := range imagediff.Roots(want.root, got.root) {
		differ(m.Where, m)
	}
	configs, err := imagediff.Configs(want.config, got.config)
	if err != nil {
		configs = append(configs, imagediff.Mismatch{Got: err.Error()})
	}
	for _, m := range configs {
		differ("configuration", m)
	}
	return out
}
