package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// files reads the build context as the daemon's cache does: contents, modes
// and the targets of links count; times and owners never do, since a client
// sends none.
type files struct {
	context fs.FS
	changed func(name string) bool
	git     bool
	digests map[string]string
}

func newFiles(context fs.FS, opt Options) *files {
	return &files{context: context, changed: opt.Changed, git: opt.Git, digests: map[string]string{}}
}

// entry is one file of a tree.
type entry struct {
	kind  string // file, link or directory
	value string
	mode  fs.FileMode
}

// file describes a file of the context, at the end of any links.
func (f *files) file(name string) (entry, error) {
	info, err := fs.Stat(f.context, name)
	if err != nil {
		return entry{}, err
	}
	sum, err := f.digest(name)
	return entry{"file", sum, f.mode(info.Mode())}, err
}

// mode is what counts of a file's mode.
func (f *files) mode(m fs.FileMode) fs.FileMode {
	const bits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	if !f.git {
		return m & bits
	}
	if m.IsDir() || m&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

// digest hashes a file's content.
func (f *files) digest(name string) (string, error) {
	if sum, ok := f.digests[name]; ok {
		return sum, nil
	}
	r, err := f.context.Open(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if f.changed != nil && f.changed(name) {
		h.Write([]byte("\x00 as if it were changed"))
	}
	sum := hex.EncodeToString(h.Sum(nil))
	f.digests[name] = sum
	return sum, nil
}

// mount is the tree that a script sees, put together as package llb copies it:
// later copies lie over earlier ones, and directories that a copy has to make
// have one mode, whatever the context's have.
func (f *files) mount(inputs []graph.Input) ([]Part, error) {
	tree := map[string]entry{}
	for _, in := range slices.Backward(inputs) { // the script itself comes last
		f.parents(tree, in.Path)
		if in.Dir {
			from, err := spec.Resolve(f.context, in.Path) // not every fs.FS reads a link below another
			if err != nil {
				return nil, err
			}
			if err := f.dir(tree, from, in.Path); err != nil {
				return nil, err
			}
			continue
		}
		e, err := f.file(in.Path)
		if err != nil {
			return nil, err
		}
		if in.Why == "script" {
			e.mode = 0o755 // it is set in the copy
		}
		tree[in.Path] = e
	}
	var parts []Part
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		e := tree[name]
		parts = append(parts, Part{Kind: e.kind, Name: name, Value: e.value})
		if e.kind != "link" { // a link has no mode of its own
			parts = append(parts, Part{Kind: "mode", Name: name, Value: octal(e.mode)})
		}
	}
	return parts, nil
}

// parents adds the directories above a name.
func (f *files) parents(tree map[string]entry, name string) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := tree[dir]; !ok {
			tree[dir] = entry{kind: "directory", mode: 0o755}
		}
	}
}

// dir adds what is in a directory by another name, not following the links in it.
func (f *files) dir(tree map[string]entry, from, name string) error {
	if _, ok := tree[name]; !ok && name != "." {
		tree[name] = entry{kind: "directory", mode: 0o755} // made by the copy of its contents
	}
	entries, err := fs.ReadDir(f.context, from)
	if err != nil {
		return err
	}
	for _, d := range entries {
		source, child := path.Join(from, d.Name()), path.Join(name, d.Name())
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			tree[child] = entry{kind: "directory", mode: f.mode(info.Mode())}
			if err := f.dir(tree, source, child); err != nil {
				return err
			}
		case d.Type()&fs.ModeSymlink != 0:
			target, err := fs.ReadLink(f.context, source)
			if err != nil {
				return err
			}
			tree[child] = entry{kind: "link", value: target}
		default:
			e, err := f.file(source)
			if errors.Is(err, fs.ErrInvalid) { // a socket or device: nothing that a script reads
				continue
			}
			if err != nil {
				return err
			}
			tree[child] = e
		}
	}
	return nil
}

func octal(m fs.FileMode) string {
	bits := uint32(m.Perm())
	for bit, in := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&in != 0 {
			bits |= bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}
