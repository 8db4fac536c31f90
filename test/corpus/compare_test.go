package corpus

import (
	"archive/tar"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// mismatch is one difference between two builds: of a file by its path, of the
// "configuration", the "output" and so on.
type mismatch struct{ where, what string }

// compare returns the differences between two images that are not meant:
// `-` is what dockerfile.v0 has, `+` what pgstrata has.
func compare(want, got *image) []mismatch {
	a, b := want.describe(), got.describe()
	names := maps.Clone(a)
	maps.Copy(names, b)
	var out []mismatch
	for _, name := range sortedKeys(names) {
		if a[name] == b[name] {
			continue
		}
		texts := [2]string{a[name], b[name]}
		for i := range texts {
			if texts[i] == "" {
				texts[i] = "not there"
			}
		}
		out = append(out, mismatch{name, fmt.Sprintf("\n\t- %s\n\t+ %s", texts[0], texts[1])})
	}
	if diff := cmp.Diff(without(want.config), without(got.config)); diff != "" {
		out = append(out, mismatch{"configuration", "\n" + diff})
	}
	return out
}

// without is a configuration without what is meant to differ.
func without(c *v1.ConfigFile) *v1.ConfigFile {
	c = c.DeepCopy()
	for _, d := range meant() {
		if d.config != nil {
			d.config(c)
		}
	}
	return c
}

// describe writes down all that counts of each file.
func (i *image) describe() map[string]string {
	linked := i.linked()
	out := map[string]string{}
	for name, n := range i.root {
		if slices.ContainsFunc(meant(), func(d difference) bool { return d.file != nil && d.file(name) }) {
			continue
		}
		out[name] = n.String()
		if names := linked[n.inode]; len(names) > 1 {
			out[name] += " linked as " + strings.Join(names, ", ")
		}
	}
	return out
}

// String describes a file.
func (n *node) String() string {
	kinds := map[byte]string{
		tar.TypeReg: "file", tar.TypeDir: "folder", tar.TypeSymlink: "link",
		tar.TypeChar: "character device", tar.TypeBlock: "block device", tar.TypeFifo: "pipe",
	}
	text := fmt.Sprintf("%s %04o %d:%d", kinds[n.kind], n.mode, n.uid, n.gid)
	switch n.kind {
	case tar.TypeReg:
		text += fmt.Sprintf(" %d bytes %.12s %q", n.size, n.digest, n.text)
	case tar.TypeSymlink:
		text += " to " + n.target
	}
	for _, name := range sortedKeys(n.xattrs) {
		text += fmt.Sprintf(" %s=%x", name, n.xattrs[name])
	}
	return text + n.device
}
