// Package worktree is a build context seen from this side of the daemon: a folder,
// or a git revision of it, cut down to what the frontend would be sent.
//
// The same filter does the cutting as in a build (.dockerignore, and the paths
// that a build file can need), so a question that is answered from such a tree
// is answered about the files that a build would see.
package worktree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// Source is where files come from: [Dir] or [Revision].
type Source = fsutil.FS

// Dir returns the files of a folder as they are now.
func Dir(name string) (Source, error) { return fsutil.NewFS(name) }

// Filter says which files of a source are in the build context.
type Filter struct {
	// Exclude are .dockerignore's patterns.
	Exclude []string
	// Globs and Paths are what is needed, as [spec.File.ContextPatterns] has
	// it; with neither, everything is.
	Globs, Paths []string
}

// Tree is a build context. It implements fs.FS, fs.StatFS, fs.ReadDirFS,
// fs.ReadFileFS and fs.ReadLinkFS; symbolic links are followed inside it.
type Tree struct {
	source  Source
	entries map[string]*types.Stat
	dirs    map[string][]fs.DirEntry
}

// New lists the files of a source that a filter leaves. Their contents are
// read when they are asked for.
func New(source Source, f Filter) (*Tree, error) {
	filtered, err := fsutil.NewFilterFS(source, &fsutil.FilterOpt{
		ExcludePatterns: f.Exclude,
		IncludePatterns: f.Globs,
		FollowPaths:     f.Paths,
	})
	if err != nil {
		return nil, err
	}
	t := &Tree{
		source:  source,
		entries: map[string]*types.Stat{".": {Path: ".", Mode: uint32(fs.ModeDir | 0o755)}},
		dirs:    map[string][]fs.DirEntry{},
	}
	err = filtered.Walk(context.Background(), "", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*types.Stat)
		if !ok {
			return &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
		}
		t.entries[name] = st
		dir := path.Dir(name)
		t.dirs[dir] = append(t.dirs[dir], fs.FileInfoToDirEntry(&fsutil.StatInfo{Stat: st}))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, entries := range t.dirs {
		slices.SortFunc(entries, func(x, y fs.DirEntry) int { return strings.Compare(x.Name(), y.Name()) })
	}
	return t, nil
}

// Ignored returns the patterns that keep files out of the context:
// <file>.dockerignore beside the build file where it is there, else
// .dockerignore in the context.
func Ignored(context, beside Source, file string) ([]string, error) {
	name := file + ".dockerignore"
	data, err := Read(beside, name)
	if errors.Is(err, fs.ErrNotExist) {
		name = ".dockerignore"
		data, err = Read(context, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s, which is a file of patterns: %w", name, err)
	}
	list, err := ignorefile.ReadAll(strings.NewReader(string(data)))
	for _, pattern := range list {
		if _, wrong := patternmatcher.New([]string{pattern}); wrong != nil {
			return nil, fmt.Errorf("%s: %s is no pattern: %w", name, strings.TrimPrefix(pattern, "!"), wrong)
		}
	}
	return list, err
}

// maxText is the largest file that Read reads, in bytes.
const maxText = 4 << 20

// Read returns the content of a text of a source that people write: a build
// file, .dockerignore and the like.
func Read(s Source, name string) ([]byte, error) {
	f, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(data) > maxText {
		return nil, fmt.Errorf("%s has more than the %d bytes that are read of such a file", name, maxText)
	}
	return data, err
}

// maxLinks is how many symbolic links a path may lead through.
const maxLinks = 40

// resolve follows the symbolic links in a path, but for the last part of it
// where last is false.
func (t *Tree) resolve(name string, last bool) (string, error) {
	missing := &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	done, rest := ".", name
	for links := 0; rest != ""; {
		part, after, _ := strings.Cut(rest, "/")
		next := path.Join(done, part)
		if next == ".." || strings.HasPrefix(next, "../") {
			next = "." // a link cannot leave the context
		}
		st, ok := t.entries[next]
		if !ok {
			return "", missing
		}
		if fs.FileMode(st.Mode)&fs.ModeSymlink == 0 || after == "" && !last {
			done, rest = next, after
			continue
		}
		links++
		if links > maxLinks {
			return "", missing
		}
		if path.IsAbs(st.Linkname) {
			done = "."
		}
		rest = strings.TrimSuffix(strings.Trim(st.Linkname, "/")+"/"+after, "/")
	}
	return done, nil
}

// Stat implements fs.StatFS.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	end, err := t.resolve(name, true)
	if err != nil {
		return nil, err
	}
	return &fsutil.StatInfo{Stat: t.entries[end]}, nil
}

// Lstat implements fs.ReadLinkFS.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	end, err := t.resolve(name, false)
	if err != nil {
		return nil, err
	}
	return &fsutil.StatInfo{Stat: t.entries[end]}, nil
}

// ReadLink implements fs.ReadLinkFS.
func (t *Tree) ReadLink(name string) (string, error) {
	end, err := t.resolve(name, false)
	if err != nil {
		return "", err
	}
	st := t.entries[end]
	if fs.FileMode(st.Mode)&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return st.Linkname, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	end, err := t.resolve(name, true)
	if err != nil {
		return nil, err
	}
	if st := t.entries[end]; !fs.FileMode(st.Mode).IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return slices.Clone(t.dirs[end]), nil
}

// ReadFile implements fs.ReadFileFS.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// Open implements fs.FS.
func (t *Tree) Open(name string) (fs.File, error) {
	end, err := t.resolve(name, true)
	if err != nil {
		return nil, err
	}
	info := &fsutil.StatInfo{Stat: t.entries[end]}
	if info.IsDir() {
		return &dir{info: info, entries: slices.Clone(t.dirs[end])}, nil
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	r, err := t.source.Open(end)
	if err != nil {
		return nil, err
	}
	return &file{ReadCloser: r, info: info}, nil
}

// file is an open file.
type file struct {
	io.ReadCloser
	info fs.FileInfo
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

// dir is an open directory.
type dir struct {
	info    fs.FileInfo
	entries []fs.DirEntry
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }
func (d *dir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: fs.ErrInvalid}
}

// ReadDir implements fs.ReadDirFile.
func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.entries) {
		n = len(d.entries)
	}
	entries := d.entries[:n]
	d.entries = d.entries[n:]
	return entries, nil
}
