package migrate

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/paths"
)

// overlay is a build context with generated files in it.
type overlay struct {
	fs.FS
	files map[string]*File
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if f := o.files[name]; f != nil {
		return &opened{memory{path.Base(name), f}, bytes.NewReader(f.Data)}, nil
	}
	file, err := o.FS.Open(name)
	if err != nil && o.isDir(name) {
		return &openedDir{memory{path.Base(name), nil}}, nil
	}
	return file, err
}

// ReadDir implements fs.ReadDirFS.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	if err != nil && !o.isDir(name) {
		return nil, err
	}
	for _, f := range keys(o.files) {
		rest, ok := strings.CutPrefix(f, name+"/")
		if name == "." {
			rest, ok = f, true
		}
		if !ok {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		m := memory{first, o.files[f]}
		if deeper {
			m.file = nil
		}
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == first })
		switch {
		case i < 0:
			entries = append(entries, m)
		case !deeper:
			entries[i] = m
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// Lstat and ReadLink implement fs.ReadLinkFS.
func (o overlay) Lstat(name string) (fs.FileInfo, error) {
	if f := o.files[name]; f != nil {
		return memory{path.Base(name), f}, nil
	}
	info, err := fs.Lstat(o.FS, name)
	if err != nil && o.isDir(name) {
		return memory{path.Base(name), nil}, nil
	}
	return info, err
}

// ReadLink returns where a link leads.
func (o overlay) ReadLink(name string) (string, error) { return fs.ReadLink(o.FS, name) }

// isDir reports whether a generated file lies below a path.
func (o overlay) isDir(name string) bool {
	for f := range o.files {
		if paths.Below(f, name) {
			return true
		}
	}
	return false
}

// memory is a generated file, or a directory of some.
type memory struct {
	name string
	file *File
}

// Name and the others implement fs.FileInfo and fs.DirEntry.
func (m memory) Name() string               { return m.name }
func (m memory) IsDir() bool                { return m.file == nil }
func (m memory) ModTime() time.Time         { return time.Time{} }
func (m memory) Sys() any                   { return nil }
func (m memory) Type() fs.FileMode          { return m.Mode().Type() }
func (m memory) Info() (fs.FileInfo, error) { return m, nil }
func (m memory) Size() int64 {
	if m.file == nil {
		return 0
	}
	return int64(len(m.file.Data))
}

func (m memory) Mode() fs.FileMode {
	if m.file == nil {
		return fs.ModeDir | 0o755
	}
	return m.file.Mode
}

type opened struct {
	memory
	*bytes.Reader
}

func (o *opened) Stat() (fs.FileInfo, error) { return o.memory, nil }
func (o *opened) Close() error               { return nil }
func (o *opened) Size() int64                { return o.memory.Size() }

type openedDir struct{ memory }

func (o *openedDir) Stat() (fs.FileInfo, error) { return o.memory, nil }
func (o *openedDir) Close() error               { return nil }
func (o *openedDir) Read([]byte) (int, error)   { return 0, io.EOF }
