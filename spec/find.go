package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/pgstrata/pgstrata/paths"
)

// maxFound bounds what a walk through a context looks at: links that lead to
// directories of links can make a tree of any size.
const maxFound = 200_000

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
	names, problems := find(context, pattern)
	return names, errors.Join(problems...)
}

// find returns the files that match a glob, sorted: those of the context of
// which [Matches] says so, and no others. A link that matches and leads to
// nothing is a problem.
func find(context fs.FS, pattern string) (names []string, problems []error) {
	if !doublestar.ValidatePattern(pattern) {
		return nil, []error{fmt.Errorf("%s: %w", pattern, doublestar.ErrBadPattern)}
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
		return nil, []error{err}
	}
	top, err := Resolve(context, base)
	if err != nil {
		return nil, []error{err}
	}
	if err := f.walk(base, []string{top}, f.depth); err != nil {
		return nil, []error{fmt.Errorf("%s: %w", pattern, err)}
	}
	slices.Sort(f.found)
	return f.found, f.lost
}

// finder looks for the files that match a pattern, no further down than it
// leads.
type finder struct {
	context fs.FS
	pattern string
	depth   int
	seen    int
	found   []string
	// lost are the links that match and lead to nothing.
	lost []error
}

// walk looks through a directory, and depth levels of directories from it on.
// above are the directories on the way to it, itself last, without links.
func (f *finder) walk(dir string, above []string, depth int) error {
	entries, err := fs.ReadDir(f.context, dir)
	if err != nil {
		return err
	}
	f.seen += len(entries)
	if f.seen > maxFound {
		return fmt.Errorf("more than %d files are where %s looks for some; links may lead in circles", maxFound, f.pattern)
	}
	for _, e := range entries {
		name, at, isDir := path.Join(dir, e.Name()), path.Join(above[len(above)-1], e.Name()), e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			link := at
			at, err = Resolve(f.context, at)
			if err != nil && match(f.pattern, name) {
				to, _ := fs.ReadLink(f.context, link)
				f.lost = append(f.lost, fmt.Errorf("%s is a symbolic link to %s, which is not among what the build sends to the daemon; name that file too, put it in the place of the link, or leave the link out by .dockerignore", name, to))
			}
			if err != nil || leads(at, above) { // nowhere, or in a circle
				continue
			}
			info, err := fs.Stat(f.context, at)
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
		case depth > 1:
			if err := f.walk(name, append(above[:len(above):len(above)], at), depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// leads tells whether a directory is one of those above, or holds one.
func leads(to string, above []string) bool {
	return slices.ContainsFunc(above, func(dir string) bool {
		return to == "." || paths.Within(dir, to)
	})
}
