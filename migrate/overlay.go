package migrate

import (
	"io/fs"
	"slices"
	"strings"
	"testing/fstest"
)

// overlay is a build context with generated files in it.
type overlay struct {
	fs.FS
	generated fstest.MapFS
}

// overlay is the context with the generated files as they are now.
func (m *migration) overlay() fs.FS {
	out := overlay{m.opt.Dockerfile.Context, fstest.MapFS{}}
	for name, f := range m.generated {
		out.generated[name] = &fstest.MapFile{Data: f.Data, Mode: f.Mode}
	}
	return out
}

// of is the one of both that has a path: a generated file hides another, and a
// directory is the context's where that has it.
func (o overlay) of(name string) fs.FS {
	if o.generated[name] != nil {
		return o.generated
	}
	if _, err := fs.Lstat(o.FS, name); err != nil {
		if _, err := o.generated.Lstat(name); err == nil {
			return o.generated
		}
	}
	return o.FS
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) { return o.of(name).Open(name) }

// Lstat implements fs.ReadLinkFS.
func (o overlay) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(o.of(name), name) }

// ReadLink implements fs.ReadLinkFS.
func (o overlay) ReadLink(name string) (string, error) { return fs.ReadLink(o.of(name), name) }

// ReadDir implements fs.ReadDirFS.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	generated, none := o.generated.ReadDir(name)
	if err != nil && none != nil {
		return nil, err
	}
	for _, own := range generated {
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == own.Name() })
		switch {
		case i < 0:
			entries = append(entries, own)
		case !own.IsDir():
			entries[i] = own
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}
