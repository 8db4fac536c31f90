package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"

	"github.com/pgstrata/pgstrata/modes"
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

// entry is one file, directory or link.
type entry struct {
	kind string // file, link or directory, or what else stands for files
	// name is what it is called in the context, as its path below what was
	// selected.
	name, as string
	// value is a file's digest or a link's target. mode is "" of a link, and
	// where it does not count.
	value, mode string
}

// file returns the digest and the mode of a file of the context, at the end of
// any links.
func (f *files) file(name string) (sum, mode string, err error) {
	info, err := fs.Stat(f.context, name)
	if err != nil {
		return "", "", err
	}
	sum, err = f.digest(name)
	return sum, modes.Octal(f.mode(info.Mode())), err
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
