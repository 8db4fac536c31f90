package check

import (
	"io/fs"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// Root is the built setup's file system, as a process in it sees it: paths are
// absolute, and symbolic links lead nowhere else.
type Root struct{ FS fs.FS }

// Root is the built setup, for Contract.
func (t *Tree) Root() Root { return Root{t.Input.Setup} }

// Stat follows symbolic links inside the root, that of the path itself too.
func (r Root) Stat(name string) (fs.FileInfo, error) {
	resolved, err := spec.Resolve(r.FS, name)
	if err != nil {
		return nil, err
	}
	return fs.Lstat(r.FS, resolved)
}

// Resolve is where a path leads to, without symbolic links.
func (r Root) Resolve(name string) (string, error) {
	if r.FS == nil {
		return "", fs.ErrNotExist
	}
	return spec.Resolve(r.FS, name)
}

// Text is a script's content.
func (r Root) Text(name string) ([]byte, error) {
	resolved, err := r.Resolve(name)
	if err != nil {
		return nil, err
	}
	return interp.ReadFile(r.FS, resolved)
}

// Executable tells whether a path is a program.
func (r Root) Executable(name string) bool {
	info, err := r.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// LookPath finds a command in a list of directories, as a shell does.
func (r Root) LookPath(name, list string) (string, bool) {
	for dir := range strings.SplitSeq(list, ":") {
		if file := path.Join(dir, name); path.IsAbs(dir) && r.Executable(file) {
			return file, true
		}
	}
	return "", false
}

// Names are the entries of a database such as /etc/passwd, by name and by
// number.
func (r Root) Names(file string) map[string]bool {
	out := map[string]bool{}
	resolved, err := spec.Resolve(r.FS, file)
	if err != nil {
		return out
	}
	data, _ := fs.ReadFile(r.FS, resolved) // an unreadable one knows nobody
	for line := range strings.SplitSeq(string(data), "\n") {
		if fields := strings.Split(line, ":"); len(fields) >= 3 {
			out[fields[0]], out[fields[2]] = true, true
		}
	}
	return out
}
