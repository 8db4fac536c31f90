package testenv

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Image is an image read back from the registry: not what a build meant, but what a user gets.
type Image struct {
	Digest string
	Config *v1.ConfigFile
	Layers []*Layer

	files func() map[string]Entry
}

// Layer is one layer, with what its tar archive holds.
type Layer struct {
	Digest  string
	DiffID  string
	Size    int64   // compressed
	Entries []Entry // in the archive's order

	blob v1.Layer
}

// Entry is a file, folder or link of a layer, or the deletion of one.
type Entry struct {
	Path     string // absolute
	Type     byte   // as in archive/tar: tar.TypeReg, tar.TypeDir, …
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	Link     string // what a symbolic or hard link points to
	ModTime  time.Time
	Whiteout bool // Path is deleted
	Opaque   bool // what lower layers have in the folder Path is deleted

	layer *Layer
}

// Image reads an image, for linux/amd64 if there are several platforms, by its name in the registry (or NAME@DIGEST).
func (r *Registry) Image(tb testing.TB, image string) *Image {
	tb.Helper()
	return r.PlatformImage(tb, image, v1.Platform{OS: "linux", Architecture: "amd64"})
}

// PlatformImage reads the image of one platform.
func (r *Registry) PlatformImage(tb testing.TB, image string, platform v1.Platform) *Image {
	tb.Helper()
	img, err := r.image(image, platform)
	if err != nil {
		tb.Fatalf("image %s: %v", image, err)
	}
	return img
}

func (r *Registry) image(image string, platform v1.Platform) (*Image, error) {
	ref, err := name.ParseReference(r.Ref(image))
	if err != nil {
		return nil, err
	}
	source, err := remote.Image(ref, remote.WithPlatform(platform))
	if err != nil {
		return nil, err
	}
	digest, err := source.Digest()
	if err != nil {
		return nil, err
	}
	config, err := source.ConfigFile()
	if err != nil {
		return nil, err
	}
	blobs, err := source.Layers()
	if err != nil {
		return nil, err
	}
	img := &Image{Digest: digest.String(), Config: config}
	img.files = sync.OnceValue(func() map[string]Entry { return merge(img.Layers) })
	for _, blob := range blobs {
		layer, err := readLayer(blob)
		if err != nil {
			return nil, err
		}
		img.Layers = append(img.Layers, layer)
	}
	return img, nil
}

// Layers reads those of a folder that BuildKit exported a cache to.
func Layers(folder string) ([]*Layer, error) {
	files, err := filepath.Glob(filepath.Join(folder, "blobs", "sha256", "*"))
	if err != nil {
		return nil, err
	}
	var out []*Layer
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) { // a manifest
			continue
		}
		blob, err := tarball.LayerFromFile(file)
		if err != nil {
			return nil, err
		}
		layer, err := readLayer(blob)
		if err != nil {
			return nil, err
		}
		out = append(out, layer)
	}
	return out, nil
}

func readLayer(blob v1.Layer) (*Layer, error) {
	digest, err := blob.Digest()
	if err != nil {
		return nil, err
	}
	diffID, err := blob.DiffID()
	if err != nil {
		return nil, err
	}
	size, err := blob.Size()
	if err != nil {
		return nil, err
	}
	layer := &Layer{Digest: digest.String(), DiffID: diffID.String(), Size: size, blob: blob}
	err = layer.walk(func(entry Entry, _ io.Reader) error {
		entry.layer = layer
		layer.Entries = append(layer.Entries, entry)
		return nil
	})
	return layer, err
}

// walk calls visit for each entry, until it returns an error.
func (l *Layer) walk(visit func(Entry, io.Reader) error) error {
	content, err := l.blob.Uncompressed()
	if err != nil {
		return err
	}
	defer content.Close()
	archive := tar.NewReader(content)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Digest, err)
		}
		if err := visit(newEntry(header), archive); err != nil {
			return err
		}
	}
}

func newEntry(header *tar.Header) Entry {
	entry := Entry{
		Path:    path.Clean("/" + header.Name),
		Type:    header.Typeflag,
		Mode:    header.FileInfo().Mode(),
		UID:     header.Uid,
		GID:     header.Gid,
		Size:    header.Size,
		Link:    header.Linkname,
		ModTime: header.ModTime,
	}
	const whiteout, opaque = ".wh.", ".wh..wh..opq"
	dir, base := path.Split(entry.Path)
	switch deleted, is := strings.CutPrefix(base, whiteout); {
	case base == opaque:
		entry.Path, entry.Opaque = path.Clean(dir), true
	case is:
		entry.Path, entry.Whiteout = dir+deleted, true
	}
	return entry
}

// Paths lists what the layer adds or changes, folders apart: its files and links.
func (l *Layer) Paths() []string {
	var paths []string
	for _, entry := range l.Entries {
		if entry.Type != tar.TypeDir && !entry.Whiteout && !entry.Opaque {
			paths = append(paths, entry.Path)
		}
	}
	return paths
}

// Read returns a file's content.
func (l *Layer) Read(file string) ([]byte, error) {
	var content []byte
	found := errors.New("found")
	err := l.walk(func(entry Entry, data io.Reader) error {
		if entry.Path != file || entry.Type != tar.TypeReg || entry.Whiteout || entry.Opaque {
			return nil
		}
		var err error
		if content, err = io.ReadAll(data); err != nil {
			return err
		}
		return found
	})
	if errors.Is(err, found) {
		return content, nil
	}
	return nil, errors.Join(err, &fs.PathError{Op: "read", Path: file, Err: fs.ErrNotExist})
}

// Files is the root that a container sees: all layers on top of each other. The keys are absolute paths.
func (i *Image) Files() map[string]Entry { return i.files() }

func merge(layers []*Layer) map[string]Entry {
	files := make(map[string]Entry)
	for _, layer := range layers {
		// Deletions speak of lower layers only, wherever in the archive they stand.
		for _, entry := range layer.Entries {
			switch {
			case entry.Opaque:
				removeBelow(files, entry.Path)
			case entry.Whiteout:
				remove(files, entry.Path)
			}
		}
		for _, entry := range layer.Entries {
			if entry.Whiteout || entry.Opaque {
				continue
			}
			if entry.Type != tar.TypeDir {
				remove(files, entry.Path) // it may have been a folder
			}
			files[entry.Path] = entry
		}
	}
	return files
}

func remove(files map[string]Entry, file string) {
	if files[file].Type == tar.TypeDir {
		removeBelow(files, file)
	}
	delete(files, file)
}

func removeBelow(files map[string]Entry, dir string) {
	for file := range files {
		if strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/") {
			delete(files, file)
		}
	}
}

// Read returns the content of a file as a container sees it. It follows hard links, but no symbolic ones.
func (i *Image) Read(file string) ([]byte, error) {
	entry, is := i.files()[file]
	if !is {
		return nil, &fs.PathError{Op: "read", Path: file, Err: fs.ErrNotExist}
	}
	if entry.Type == tar.TypeLink {
		file = path.Clean("/" + entry.Link)
	}
	return entry.layer.Read(file)
}
