package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// maxFound bounds what a walk through a context looks at: links that lead to
// directories of links can make a tree of any size.
const maxFound = 500_000

// Files returns the files and directories of the context that a path or glob
// names, sorted; none is no error.
func Files(context fs.FS, pattern string) ([]string, error) {
	if !isGlob(pattern) {
		_, err := fs.Stat(context, pattern)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []string{pattern}, err
	}
	return find(context, pattern)
}

// find returns the files that match a glob, sorted: those of the context of
// which [Matches] says so, and no others.
func find(context fs.FS, pattern string) ([]string, error) {
	if !doublestar.ValidatePattern(pattern) {
		return nil, doublestar.ErrBadPattern
	}
	base, rest := doublestar.SplitPattern(pattern)
	f := &finder{context: context, pattern: pattern, depth: 1 + strings.Count(rest, "/")}
	if strings.Contains(rest, "**") {
		f.depth = maxPath
	}
	if info, err := fs.Stat(context, base); err != nil || !info.IsDir() {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	if err := f.walk(base, 1); err != nil {
		return nil, err
	}
	slices.Sort(f.found)
	return f.found, nil
}

// finder looks for the files that match a pattern, no further down than it
// leads.
type finder struct {
	context fs.FS
	pattern string
	depth   int
	seen    int
	found   []string
}

func (f *finder) walk(dir string, depth int) error {
	entries, err := fs.ReadDir(f.context, dir)
	if err != nil {
		return err
	}
	f.seen += len(entries)
	if f.seen > maxFound {
		return fmt.Errorf("more than %d files are where %s looks for some; links may lead in circles", maxFound, f.pattern)
	}
	for _, e := range entries {
		name, isDir := path.Join(dir, e.Name()), e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			if f.loops(dir, name) { // or leads nowhere
				continue
			}
			info, err := fs.Stat(f.context, name)
			if err != nil {
				return err
			}
			isDir = info.IsDir()
		}
		switch {
		case !isDir:
			if match(f.pattern, name) {
				f.found = append(f.found, name)
			}
		case depth < f.depth:
			if err := f.walk(name, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// loops tells whether a link leads to a directory that it is in.
func (f *finder) loops(dir, link string) bool {
	to, err := Resolve(f.context, link)
	if err != nil {
		return true
	}
	for ; ; dir = path.Dir(dir) {
		if above, err := Resolve(f.context, dir); err != nil || above == to {
			return true
		}
		if dir == "." {
			return false
		}
	}
}
