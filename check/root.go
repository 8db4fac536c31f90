package check

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// root is the built setup's file system, as a process in it sees it: paths are
// absolute, and symbolic links lead nowhere else.
type root struct{ fsys fs.FS }

func (t *tree) root() root { return root{t.in.Setup} }

// maxLinks is how many symbolic links one path may have, as in Linux.
const maxLinks = 40

// stat follows symbolic links inside the root, that of the path itself too.
func (r root) stat(name string) (fs.FileInfo, error) {
	info, _, err := r.resolve(name)
	return info, err
}

// resolve is stat that also returns the path without links, as fs.FS has it.
func (r root) resolve(name string) (fs.FileInfo, string, error) {
	rest := strings.Split(strings.TrimPrefix(path.Clean("/"+name), "/"), "/")
	at, links := ".", 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := fs.Lstat(r.fsys, next)
		if err != nil {
			return nil, "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		links++
		if links > maxLinks {
			return nil, "", &fs.PathError{Op: "stat", Path: name, Err: errors.New("too many symbolic links")}
		}
		to, err := fs.ReadLink(r.fsys, next)
		if err != nil {
			return nil, "", err
		}
		if path.IsAbs(to) {
			at = "."
		}
		rest = append(strings.Split(strings.TrimPrefix(to, "/"), "/"), rest...)
	}
	info, err := fs.Lstat(r.fsys, at)
	return info, at, err
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
	_, resolved, err := r.resolve(file)
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
