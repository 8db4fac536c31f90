package check

import (
	"io/fs"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// root is the built setup's file system, as a process in it sees it: paths are
// absolute, and symbolic links lead nowhere else.
type root struct{ fsys fs.FS }

func (t *tree) root() root { return root{t.in.Setup} }

// stat follows symbolic links inside the root, that of the path itself too.
func (r root) stat(name string) (fs.FileInfo, error) {
	resolved, err := spec.Resolve(r.fsys, name)
	if err != nil {
		return nil, err
	}
	return fs.Lstat(r.fsys, resolved)
}

// resolve is where a path leads to, without symbolic links.
func (r root) resolve(name string) (string, error) {
	if r.fsys == nil {
		return "", fs.ErrNotExist
	}
	return spec.Resolve(r.fsys, name)
}

// text is a script's content.
func (r root) text(name string) ([]byte, error) {
	resolved, err := r.resolve(name)
	if err != nil {
		return nil, err
	}
	return shell.ReadFile(r.fsys, resolved)
}

// executable tells whether a path is a program.
func (r root) executable(name string) bool {
	info, err := r.stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// lookPath finds a command in a list of directories, as a shell does.
func (r root) lookPath(name, list string) (string, bool) {
	for dir := range strings.SplitSeq(list, ":") {
		if file := path.Join(dir, name); path.IsAbs(dir) && r.executable(file) {
			return file, true
		}
	}
	return "", false
}

// names are the entries of a database such as /etc/passwd, by name and by
// number.
func (r root) names(file string) map[string]bool {
	out := map[string]bool{}
	resolved, err := spec.Resolve(r.fsys, file)
	if err != nil {
		return out
	}
	data, _ := fs.ReadFile(r.fsys, resolved) // an unreadable one knows nobody
	for line := range strings.SplitSeq(string(data), "\n") {
		if fields := strings.Split(line, ":"); len(fields) >= 3 {
			out[fields[0]], out[fields[2]] = true, true
		}
	}
	return out
}
