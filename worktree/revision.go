package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// Revision returns the files that a folder had in a git revision, as the git
// program tells them. Git knows of a file's mode only whether it is
// executable, and nothing of directories' modes.
func Revision(ctx context.Context, dir, rev string) (Source, error) {
	g := git{ctx, dir}
	r := newRevision(func(id string) ([]byte, error) { return g.run("cat-file", "blob", id) })
	prefix, err := g.run("rev-parse", "--show-prefix")
	if err != nil {
		return nil, err
	}
	commit, err := g.commit(rev)
	if err != nil {
		return nil, err
	}
	tree := commit + ":" + strings.TrimSuffix(strings.TrimSuffix(string(prefix), "\n"), "/")
	list, err := g.run("ls-tree", "-r", "-t", "-z", "--full-tree", tree)
	if err != nil {
		return nil, fmt.Errorf("revision %s has no folder %s: %w", rev, dir, err)
	}
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		if err := r.add(entry); err != nil {
			return nil, err
		}
	}
	r.finish()
	return r, nil
}

// revision is a folder in a revision.
type revision struct {
	// blob returns the content of a file.
	blob     func(id string) ([]byte, error)
	objects  map[string]object
	children map[string][]string
}

func newRevision(blob func(id string) ([]byte, error)) *revision {
	return &revision{blob: blob, objects: map[string]object{}, children: map[string][]string{}}
}

// object is one entry of git's tree.
type object struct {
	id   string                 // git's, "" of what git does not know
	read func() ([]byte, error) // of a file
	stat *types.Stat
}

// add takes in one line of ls-tree: mode, type, id, a tab and the path.
func (r *revision) add(entry string) error {
	meta, name, ok := strings.Cut(entry, "\t")
	fields := strings.Fields(meta)
	if !ok || len(fields) != 3 {
		if entry == "" {
			return nil // a folder without files
		}
		return fmt.Errorf("git ls-tree: cannot read %q", entry)
	}
	bits, err := strconv.ParseUint(fields[0], 8, 32)
	if err != nil {
		return fmt.Errorf("git ls-tree: cannot read %q: %w", entry, err)
	}
	return r.put(uint32(bits), fields[2], name)
}

// The types of entries, in the upper bits of git's modes.
const (
	gitType      = 0o170000
	gitDirectory = 0o040000
	gitLink      = 0o120000
	gitModule    = 0o160000
)

// put adds a file or directory with its mode in git's notation.
func (r *revision) put(mode uint32, id, name string) error {
	st := &types.Stat{Path: name}
	switch mode & gitType {
	case gitDirectory, gitModule: // a submodule is a directory whose files are not git's
		st.Mode = uint32(fs.ModeDir | 0o755)
	case gitLink:
		st.Mode = uint32(fs.ModeSymlink | 0o777)
		target, err := r.blob(id)
		if err != nil {
			return err
		}
		st.Linkname = string(target)
	default:
		st.Mode = mode & 0o777
	}
	r.enter(st, object{id: id, read: func() ([]byte, error) { return r.blob(id) }})
	return nil
}

// disk adds a file of a folder, and the directories above it, with the modes
// that git would give them.
func (r *revision) disk(folder, name string) error {
	full := filepath.Join(folder, name)
	info, err := os.Lstat(full)
	if err != nil {
		return err
	}
	st := &types.Stat{Path: name, Mode: 0o644}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		st.Mode = uint32(fs.ModeSymlink | 0o777)
		if st.Linkname, err = os.Readlink(full); err != nil {
			return err
		}
	case !info.Mode().IsRegular():
		return nil // another repository, or what git does not keep
	case info.Mode()&0o100 != 0:
		st.Mode = 0o755
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := r.objects[dir]; ok {
			break
		}
		r.enter(&types.Stat{Path: dir, Mode: uint32(fs.ModeDir | 0o755)}, object{})
	}
	r.enter(st, object{read: func() ([]byte, error) { return os.ReadFile(full) }})
	return nil
}

// enter adds an entry.
func (r *revision) enter(st *types.Stat, o object) {
	if _, ok := r.objects[st.Path]; ok {
		return // a file that was there in the commit, and has left git since
	}
	o.stat = st
	r.objects[st.Path] = o
	r.children[path.Dir(st.Path)] = append(r.children[path.Dir(st.Path)], st.Path)
}

// finish sorts what has been put together.
func (r *revision) finish() {
	for _, names := range r.children {
		slices.Sort(names)
	}
}

// git runs git in a folder.
type git struct {
	ctx context.Context //nolint:containedctx // fsutil.FS has no place for it, and the value lives for one question
	dir string
}

// commit returns the id of a revision's commit.
func (g git) commit(rev string) (string, error) {
	// What begins with a dash must not become an option.
	id, err := g.run("rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("%q is no revision of the git repository of %s", rev, g.dir)
	}
	return strings.TrimSpace(string(id)), nil
}

func (g git) run(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(g.ctx, "git", append([]string{"-C", g.dir}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return out, nil
}

// Open implements fsutil.FS.
func (r *revision) Open(name string) (io.ReadCloser, error) {
	o, ok := r.objects[path.Clean(name)]
	if !ok || !fs.FileMode(o.stat.Mode).IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	data, err := o.read()
	return io.NopCloser(bytes.NewReader(data)), err
}

// Walk implements fsutil.FS: parents first, names in order, not the root.
func (r *revision) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	target = path.Clean("/" + target)[1:]
	if target != "" {
		if _, ok := r.objects[target]; !ok {
			return nil
		}
		return skipped(r.visit(ctx, target, fn))
	}
	return skipped(r.walk(ctx, ".", fn))
}

func (r *revision) walk(ctx context.Context, dir string, fn fs.WalkDirFunc) error {
	for _, name := range r.children[dir] {
		switch err := r.visit(ctx, name, fn); {
		case errors.Is(err, fs.SkipDir): // said of a file: the rest of its directory
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

func (r *revision) visit(ctx context.Context, name string, fn fs.WalkDirFunc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st := r.objects[name].stat
	err := fn(name, &fsutil.DirEntryInfo{Stat: st.Clone()}, nil)
	isDir := fs.FileMode(st.Mode).IsDir()
	if err != nil || !isDir {
		if isDir && errors.Is(err, fs.SkipDir) {
			return nil
		}
		return err
	}
	return r.walk(ctx, name, fn)
}

// skipped turns the wish to stop into a success.
func skipped(err error) error {
	if errors.Is(err, fs.SkipDir) || errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}
