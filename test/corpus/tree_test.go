package corpus

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// write puts a specimen's files into a folder. What begins with #! is
// executable. The manifest's lines then do what they say, in their order:
//
//	mode 4755 FILE           empty DIR               crlf FILE
//	symlink LINK TARGET      hardlink LINK FILE      xattr FILE NAME HEX
//	archive FILE.tar.gz DIR  (the folder's files go into the archive)
func (t *tree) write(dir string) error {
	for _, f := range t.files {
		mode := fs.FileMode(0o644)
		if bytes.HasPrefix(f.Data, []byte("#!")) {
			mode = 0o755
		}
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // a build context
			return err
		}
		if err := os.WriteFile(name, f.Data, mode); err != nil {
			return err
		}
		if err := os.Chmod(name, mode); err != nil { // whatever the umask is
			return err
		}
	}
	for _, a := range t.manifest {
		if err := a.apply(dir); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(a, " "), err)
		}
	}
	return nil
}

func (a action) apply(dir string) error {
	at := func(i int) string { return filepath.Join(dir, a[i]) }
	switch {
	case len(a) == 3 && a[0] == "mode":
		n, err := strconv.ParseUint(a[1], 8, 32)
		if err != nil {
			return err
		}
		return syscall.Chmod(at(2), uint32(n)) // with the set-uid bits, as chmod has them
	case len(a) == 2 && a[0] == "empty":
		return os.MkdirAll(at(1), 0o755) //nolint:gosec // a build context
	case len(a) == 2 && a[0] == "crlf":
		data, err := os.ReadFile(at(1))
		if err != nil {
			return err
		}
		return os.WriteFile(at(1), bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), 0o600) // which keeps its mode
	case len(a) == 3 && a[0] == "symlink":
		return os.Symlink(a[2], at(1))
	case len(a) == 3 && a[0] == "hardlink":
		return os.Link(at(2), at(1))
	case len(a) == 4 && a[0] == "xattr":
		var value []byte
		if _, err := fmt.Sscanf(a[3], "%x", &value); err != nil {
			return err
		}
		return syscall.Setxattr(at(1), a[2], value, 0)
	case len(a) == 3 && a[0] == "archive":
		if err := pack(at(1), at(2)); err != nil {
			return err
		}
		return os.RemoveAll(at(2))
	}
	return fmt.Errorf("no such action")
}

// pack makes a compressed archive of a folder's files.
func pack(file, dir string) error {
	var buf bytes.Buffer
	compressed := gzip.NewWriter(&buf)
	w := tar.NewWriter(compressed)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, buf.Bytes(), 0o644) //nolint:gosec // a build context
}
