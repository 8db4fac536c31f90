package spec

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxLinks is how many symbolic links one path may have, as in Linux.
const maxLinks = 40

// Resolve returns a path of a file system without symbolic links, as a
// process with that root sees it: no link leads out of it. The path is
// absolute, or relative to the root; the result is as fs.FS wants it.
func Resolve(fsys fs.FS, name string) (string, error) {
	rest := strings.Split(path.Clean("/"+name), "/")
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
		info, err := fs.Lstat(fsys, next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		links++
		if links > maxLinks {
			return "", &fs.PathError{Op: "stat", Path: name, Err: errors.New("too many symbolic links")}
		}
		to, err := fs.ReadLink(fsys, next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(to) {
			at = "."
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return at, nil
}

// acyclic is a context without the links that lead to a directory they are in:
// who walks it gets to an end.
type acyclic struct{ fs.FS }

// ReadDir implements fs.ReadDirFS.
func (a acyclic) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(a.FS, dir)
	return slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool {
		return e.Type()&fs.ModeSymlink != 0 && a.loops(dir, e.Name())
	}), err
}

func (a acyclic) loops(dir, link string) bool {
	to, err := Resolve(a.FS, path.Join(dir, link))
	if err != nil { // it leads nowhere, or to itself
		return true
	}
	for ; ; dir = path.Dir(dir) {
		if above, err := Resolve(a.FS, dir); err != nil || above == to {
			return true
		}
		if dir == "." {
			return false
		}
	}
}
