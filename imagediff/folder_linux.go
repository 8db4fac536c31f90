package imagediff

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Folders returns how the roots of two images differ that are mounted on two
// folders.
func Folders(want, got string) ([]Mismatch, error) {
	a, err := readFolder(want)
	if err != nil {
		return nil, err
	}
	b, err := readFolder(got)
	if err != nil {
		return nil, err
	}
	return Roots(a, b), nil
}

func readFolder(dir string) (Root, error) {
	type inode struct{ device, number uint64 }
	root, known := Root{}, map[inode]*Node{}
	err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(file, &st); err != nil {
			return &fs.PathError{Op: "lstat", Path: file, Err: err}
		}
		id, name := inode{st.Dev, st.Ino}, path.Join("/", rel)
		if n := known[id]; n != nil {
			root[name] = n
			return nil
		}
		n, err := readNode(file, &st)
		if err != nil {
			return err
		}
		root[name] = n
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			known[id] = n
		}
		return nil
	})
	return root, err
}

func readNode(file string, st *unix.Stat_t) (*Node, error) {
	n := &Node{Mode: int64(st.Mode & 0o7777), UID: int(st.Uid), GID: int(st.Gid), Size: st.Size}
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		n.Kind = tar.TypeReg
		err = n.readFile(file)
	case unix.S_IFDIR:
		n.Kind = tar.TypeDir
	case unix.S_IFLNK:
		n.Kind = tar.TypeSymlink
		n.Target, err = os.Readlink(file)
	case unix.S_IFIFO:
		n.Kind = tar.TypeFifo
	case unix.S_IFCHR, unix.S_IFBLK:
		n.Kind = tar.TypeChar
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			n.Kind = tar.TypeBlock
		}
		n.Device = fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	if err == nil {
		n.Xattrs, err = xattrs(file)
	}
	return n, err
}

func (n *Node) readFile(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return n.Read(f)
}

// xattrs are a file's extended attributes. A file system may have none.
func xattrs(file string) (map[string]string, error) {
	names, err := attribute(func(buf []byte) (int, error) { return unix.Llistxattr(file, buf) })
	if errors.Is(err, syscall.ENOTSUP) {
		return nil, nil
	}
	out := map[string]string{}
	for name := range bytes.SplitSeq(names, []byte{0}) {
		if len(name) == 0 {
			continue
		}
		value, err := attribute(func(buf []byte) (int, error) { return unix.Lgetxattr(file, string(name), buf) })
		if err != nil {
			return nil, &fs.PathError{Op: "getxattr", Path: file, Err: err}
		}
		out[string(name)] = string(value)
	}
	return out, err
}

// attribute reads what a system call gives in a buffer of the right size.
func attribute(read func([]byte) (int, error)) ([]byte, error) {
	size, err := read(nil)
	if err != nil || size == 0 {
		return nil, err
	}
	buf := make([]byte, size)
	size, err = read(buf)
	return buf[:max(size, 0)], err
}
