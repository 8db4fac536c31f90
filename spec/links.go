package spec

import (
	"errors"
	"io/fs"
	"path"
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
