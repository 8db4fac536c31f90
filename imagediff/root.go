package imagediff

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Root are an image's files by absolute path. The names of one file have one
// node.
type Root map[string]*Node

// Node is a file, folder or link.
type Node struct {
	Kind     byte // as in archive/tar, where a hard link is what it links to
	Mode     int64
	UID, GID int
	Size     int64
	Digest   string // of the content
	Text     string // the content itself, where it is short
	Target   string // of a symbolic link
	Device   string // numbers of a device
	Xattrs   map[string]string
}

// Read takes in a file's content.
func (n *Node) Read(r io.Reader) error {
	const short = 2000
	sum, head := sha256.New(), new(strings.Builder)
	if _, err := io.Copy(io.MultiWriter(sum, head), io.LimitReader(r, short+1)); err != nil {
		return err
	}
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	if head.Len() <= short {
		n.Text = head.String()
	}
	n.Digest = fmt.Sprintf("%x", sum.Sum(nil))
	return nil
}

// String describes a file.
func (n *Node) String() string {
	kinds := map[byte]string{
		tar.TypeReg: "file", tar.TypeDir: "folder", tar.TypeSymlink: "link",
		tar.TypeChar: "character device", tar.TypeBlock: "block device", tar.TypeFifo: "pipe",
	}
	text := fmt.Sprintf("%s %04o %d:%d", kinds[n.Kind], n.Mode, n.UID, n.GID)
	switch n.Kind {
	case tar.TypeReg:
		text += fmt.Sprintf(" %d bytes %.12s %q", n.Size, n.Digest, n.Text)
	case tar.TypeSymlink:
		text += " to " + n.Target
	}
	for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
		text += fmt.Sprintf(" %s=%x", name, n.Xattrs[name])
	}
	return text + n.Device
}

// linked returns all names of each file that has several.
func (r Root) linked() map[*Node][]string {
	out := map[*Node][]string{}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if n := r[name]; n.Kind != tar.TypeDir {
			out[n] = append(out[n], name)
		}
	}
	return out
}
