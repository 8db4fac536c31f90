package corpus

import (
	"archive/tar"
	"crypto/sha256"
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
)

// image is what a build has made, as a registry serves it.
type image struct {
	config *v1.ConfigFile
	root   map[string]*node // by absolute path
}

// node is a file, folder or link.
type node struct {
	kind     byte // as in archive/tar
	mode     int64
	uid, gid int
	size     int64
	digest   string // of the content
	text     string // the content itself, where it is short
	target   string // of a symbolic link
	device   string // numbers of a device
	xattrs   map[string]string
	inode    *string // the same for all names of one file
}

// entry is a node in a layer's archive, or the deletion of one.
type entry struct {
	name string
	node
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
	img := &image{config: config, root: map[string]*node{"/": {kind: tar.TypeDir, mode: 0o755}}}
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
			if err := e.content(archive); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
}

func newEntry(h *tar.Header) entry {
	e := entry{name: path.Clean("/" + h.Name), node: node{
		kind: h.Typeflag, mode: h.Mode & 0o7777, uid: h.Uid, gid: h.Gid, size: h.Size, xattrs: map[string]string{},
	}}
	for key, value := range h.PAXRecords {
		if attr, is := strings.CutPrefix(key, "SCHILY.xattr."); is {
			e.xattrs[attr] = value
		}
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		e.target = h.Linkname
	case tar.TypeLink:
		e.link = path.Clean("/" + h.Linkname)
	case tar.TypeChar, tar.TypeBlock:
		e.device = fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)
	}
	dir, base := path.Split(e.name)
	if hidden, is := strings.CutPrefix(base, ".wh."); base == ".wh..wh..opq" {
		e.name, e.opaque = path.Clean(dir), true
	} else if is {
		e.name, e.whiteout = dir+hidden, true
	}
	return e
}

// content reads a file's content.
func (e *entry) content(r io.Reader) error {
	const short = 2000
	sum, head := sha256.New(), new(strings.Builder)
	if _, err := io.Copy(io.MultiWriter(sum, head), io.LimitReader(r, short+1)); err != nil {
		return err
	}
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	if head.Len() <= short {
		e.text = head.String()
	}
	e.digest = fmt.Sprintf("%x", sum.Sum(nil))
	return nil
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
		if e.kind != tar.TypeDir {
			i.remove(e.name, true) // it may have been a folder
		}
		if e.link == "" {
			n := e.node
			n.inode = new(string)
			i.root[e.name] = &n
			continue
		}
		linked := i.root[e.link]
		if linked == nil {
			return fmt.Errorf("%s is a link to %s, which is not there", e.name, e.link)
		}
		i.root[e.name] = linked
	}
	return nil
}

func (i *image) remove(name string, itself bool) {
	if n := i.root[name]; n == nil || n.kind == tar.TypeDir {
		maps.DeleteFunc(i.root, func(other string, _ *node) bool {
			return strings.HasPrefix(other, strings.TrimSuffix(name, "/")+"/")
		})
	}
	if itself {
		delete(i.root, name)
	}
}

// linked returns all names of each file that has several.
func (i *image) linked() map[*string][]string {
	out := map[*string][]string{}
	for _, name := range sortedKeys(i.root) {
		if n := i.root[name]; n.inode != nil && n.kind != tar.TypeDir {
			out[n.inode] = append(out[n.inode], name)
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
