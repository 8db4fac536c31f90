package frontend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
)

// contextFS is a solved state, such as the build context, as an fs.FS. Each
// question to the daemon is asked once: a state does not change.
type contextFS struct {
	ctx context.Context //nolint:containedctx // fs.FS has no place for it, and the value lives for one request
	ref client.Reference

	mu    sync.Mutex
	dirs  map[string]*directory
	files map[string]*content
}

// content is a file that was asked for.
type content struct {
	asked sync.Once
	data  []byte
	err   error
}

// directory is a directory that was asked for.
type directory struct {
	asked   sync.Once
	entries []fs.DirEntry
	byName  map[string]fs.DirEntry
	err     error
}

// maxFile is the largest file that is read at once, in bytes; what a daemon
// sends in one message is larger.
const maxFile = 8 << 20

func newContextFS(ctx context.Context, ref client.Reference) *contextFS {
	return &contextFS{ctx: ctx, ref: ref, dirs: map[string]*directory{}, files: map[string]*content{}}
}

// Open implements fs.FS.
func (c *contextFS) Open(name string) (fs.File, error) {
	info, err := c.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		entries, err := c.ReadDir(name)
		return &openDir{info: info, entries: entries}, err
	}
	return &openFile{fsys: c, name: name, info: info}, nil
}

// ReadDir implements fs.ReadDirFS.
func (c *contextFS) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := c.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	dir, err := c.list(name)
	if err != nil {
		return nil, err
	}
	return dir.entries, nil
}

// list returns a directory that is there.
func (c *contextFS) list(name string) (*directory, error) {
	c.mu.Lock()
	dir := c.dirs[name]
	if dir == nil {
		dir = &directory{}
		c.dirs[name] = dir
	}
	c.mu.Unlock()
	dir.asked.Do(func() { dir.err = c.fill(dir, name) })
	return dir, dir.err
}

func (c *contextFS) fill(dir *directory, name string) error {
	stats, err := c.ref.ReadDir(c.ctx, client.ReadDirRequest{Path: name})
	if grpcerrors.Code(err) == codes.ResourceExhausted { // the answer is one message
		err = fmt.Errorf("the directory has more entries than a build can list; exclude some in .dockerignore: %w", err)
	}
	if err != nil {
		return &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	dir.byName = make(map[string]fs.DirEntry, len(stats))
	for _, st := range stats { // the daemon sorts them by name
		e := fs.FileInfoToDirEntry(&fsutil.StatInfo{Stat: st})
		dir.entries = append(dir.entries, e)
		dir.byName[e.Name()] = e
	}
	return nil
}

// Stat implements fs.StatFS. It follows symbolic links, inside the context.
func (c *contextFS) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return &fsutil.StatInfo{Stat: &fstypes.Stat{Path: ".", Mode: uint32(fs.ModeDir | 0o755)}}, nil
	}
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	parent, err := c.Stat(path.Dir(name))
	if err != nil {
		return nil, err
	}
	if !parent.IsDir() {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	dir, err := c.list(path.Dir(name))
	if err != nil {
		return nil, err
	}
	e, ok := dir.byName[path.Base(name)]
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Info()
	}
	st, err := c.ref.StatFile(c.ctx, client.StatRequest{Path: name})
	if err != nil { // the link's end is not in the context
		return nil, &fs.PathError{Op: "stat", Path: name, Err: errors.Join(fs.ErrNotExist, err)}
	}
	return &fsutil.StatInfo{Stat: st}, nil
}

// Lstat implements fs.ReadLinkFS. No symbolic link is followed, those of
// directories above neither.
func (c *contextFS) Lstat(name string) (fs.FileInfo, error) {
	if name == "." {
		return c.Stat(name)
	}
	parent, err := c.Lstat(path.Dir(name))
	if err != nil {
		return nil, err
	}
	if parent.IsDir() {
		dir, err := c.list(path.Dir(name))
		if err != nil {
			return nil, err
		}
		if e, ok := dir.byName[path.Base(name)]; ok {
			return e.Info()
		}
	}
	return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
}

// ReadLink implements fs.ReadLinkFS.
func (c *contextFS) ReadLink(name string) (string, error) {
	info, err := c.Lstat(name)
	if err != nil {
		return "", err
	}
	st, ok := info.Sys().(*fstypes.Stat)
	if !ok || info.Mode()&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return st.Linkname, nil
}

// ReadFile implements fs.ReadFileFS.
func (c *contextFS) ReadFile(name string) ([]byte, error) {
	info, err := c.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%d bytes are more than the %d that a build reads of a file", info.Size(), maxFile)}
	}
	c.mu.Lock()
	file := c.files[name]
	if file == nil {
		file = &content{}
		c.files[name] = file
	}
	c.mu.Unlock()
	file.asked.Do(func() {
		if file.data, file.err = c.ref.ReadFile(c.ctx, client.ReadRequest{Filename: name}); file.err != nil {
			file.err = &fs.PathError{Op: "read", Path: name, Err: file.err}
		}
	})
	return file.data, file.err
}

// ahead is how many questions are asked at once of what will be needed: each of
// them is an answer to wait for. Whoever needs it is told what went wrong.
const ahead = 8

// readAhead asks for files.
func (c *contextFS) readAhead(names []string) {
	askAhead(names, func(name string) { _, _ = c.ReadFile(name) })
}

// listAhead asks for directories.
func (c *contextFS) listAhead(names []string) {
	askAhead(names, func(name string) { _, _ = c.ReadDir(name) })
}

func askAhead(names []string, ask func(name string)) {
	var group errgroup.Group
	group.SetLimit(ahead)
	for _, name := range names {
		group.Go(func() error {
			ask(name)
			return nil
		})
	}
	_ = group.Wait()
}

// walkAhead asks for all directories, as far as they are few, and returns the files
// in them.
func (c *contextFS) walkAhead() (files []string) {
	const enough = 100
	level, asked := []string{"."}, 0
	for len(level) > 0 && asked+len(level) <= enough {
		asked += len(level)
		c.listAhead(level)
		var below []string
		for _, dir := range level {
			listed, err := c.list(dir)
			if err != nil {
				continue
			}
			for _, e := range listed.entries {
				switch name := path.Join(dir, e.Name()); {
				case e.IsDir():
					below = append(below, name)
				case e.Type().IsRegular():
					files = append(files, name)
				}
			}
		}
		level = below
	}
	return files
}

// readSmall asks for all files of a context that has no more of them, and no more
// bytes.
func (c *contextFS) readSmall(count int, bytes int64) {
	files := c.walkAhead()
	for _, name := range files {
		if info, err := c.Lstat(name); err == nil {
			bytes -= info.Size()
		}
	}
	if len(files) <= count && bytes >= 0 {
		c.readAhead(files)
	}
}

// openFile is an open file. Nothing of it is fetched before it is read, and
// then a block at a time: who reads headers asks for many bytes close together.
type openFile struct {
	fsys *contextFS
	name string
	info fs.FileInfo
	at   int64

	blocks []block
}

// block is a part of a file.
type block struct {
	start int64
	data  []byte
}

// blockSize is the least that is fetched, maxBlocks how many parts are kept.
const (
	blockSize = 64 << 10
	maxBlocks = 32
)

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

func (f *openFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (f *openFile) ReadAt(p []byte, off int64) (int, error) {
	length := min(int64(len(p)), f.info.Size()-off)
	if length <= 0 {
		return 0, io.EOF
	}
	i := slices.IndexFunc(f.blocks, func(b block) bool { return off >= b.start && off+length <= b.start+int64(len(b.data)) })
	if i < 0 {
		data, err := f.fsys.ref.ReadFile(f.fsys.ctx, client.ReadRequest{
			Filename: f.name,
			Range:    &client.FileRange{Offset: int(off), Length: int(max(length, blockSize))},
		})
		if err != nil {
			return 0, err
		}
		if len(f.blocks) == maxBlocks { // of a file that is read from start to end
			f.blocks = slices.Delete(f.blocks, 0, 1)
		}
		f.blocks = append(f.blocks, block{off, data})
		i = len(f.blocks) - 1
	}
	n := copy(p, f.blocks[i].data[off-f.blocks[i].start:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// openDir is an open directory.
type openDir struct {
	info    fs.FileInfo
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: fs.ErrInvalid}
}

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		entries := d.entries
		d.entries = nil
		return entries, nil
	}
	if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	entries := d.entries[:n]
	d.entries = d.entries[n:]
	return entries, nil
}
