package dockerfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
)

// Unpacks reports whether ADD unpacks a file of the context, by its first bytes as
// BuildKit does. Known is false where these do not tell.
func Unpacks(context fs.FS, name string) (unpacks, known bool) {
	file, err := context.Open(name)
	if err != nil {
		return false, false
	}
	defer file.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(file, head)
	if err != nil && n == 0 && !errors.Is(err, io.EOF) {
		return false, false
	}
	for _, magic := range [][]byte{{0x1f, 0x8b}, []byte("BZh"), {0xfd, '7', 'z', 'X', 'Z', 0}, {0x28, 0xb5, 0x2f, 0xfd}} {
		if bytes.HasPrefix(head[:n], magic) {
			return true, true
		}
	}
	if n < len(head) || bytes.IndexByte(head, 0) < 0 { // the head of an archive is longer, and has zeros
		return false, true
	}
	return true, bytes.HasPrefix(head[257:], []byte("ustar"))
}
