package worktree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// Sum names the files of a source, but for those that patterns of .dockerignore
// exclude: two sources with one name have the same ones.
func Sum(s Source, exclude []string) (string, error) {
	filtered, err := fsutil.NewFilterFS(s, &fsutil.FilterOpt{ExcludePatterns: exclude})
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	err = filtered.Walk(context.Background(), "", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		id := ""
		switch {
		case info.Mode().IsRegular():
			id, err = content(s, name)
		case info.Mode()&fs.ModeSymlink != 0:
			if st, ok := info.Sys().(*types.Stat); ok {
				id = st.Linkname
			}
		}
		fmt.Fprintf(sum, "%q %s %q\n", name, info.Mode(), id)
		return err
	})
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}

// content names what is in a file.
func content(s Source, name string) (string, error) {
	if r, ok := s.(*revision); ok && r.objects[name].id != "" {
		return r.objects[name].id, nil
	}
	data, err := Read(s, name)
	return fmt.Sprintf("%x", sha256.Sum256(data)), err
}
