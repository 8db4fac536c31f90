package plan

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
)

// selector says which files of a tree count, as BuildKit's operations say it.
type selector struct {
	// path is the file or directory, from the root.
	path string
	// follow tells that a link is followed where it is what is selected.
	follow bool
	// wildcard tells that the path is a pattern.
	wildcard bool
	// include and exclude are patterns of what is below.
	include, exclude []string
}

func (s selector) plain() bool { return !s.wildcard && len(s.include)+len(s.exclude) == 0 }

// dedupe drops what lies in another selected directory, and sorts the rest: so
// the daemon does before it reads.
func dedupe(list []selector) []selector {
	type place struct {
		path   string
		follow bool
	}
	whole := map[place]int{} // what is selected with all that is in it, and which comes first
	for i, s := range list {
		at := place{s.path, s.follow}
		if _, again := whole[at]; s.plain() && !again {
			whole[at] = i
		}
	}
	covered := func(s selector) bool {
		for dir := s.path; dir != "/" && dir != "."; {
			dir = path.Dir(dir)
			if _, ok := whole[place{dir, s.follow}]; ok {
				return true
			}
		}
		return false
	}
	var out []selector
	for i, s := range list {
		if !s.plain() || whole[place{s.path, s.follow}] == i && !covered(s) {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b selector) int { return strings.Compare(a.path, b.path) })
	return out
}

// hasWildcard tells whether a COPY's source is a pattern.
func hasWildcard(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '*', '?', '[':
			return true
		case '\\':
			i++
		}
	}
	return false
}

// maxParts is how many files of one selection are told apart in a record.
const maxParts = 4000

// selected lists the files that a selector names, with what the daemon's cache
// looks at: contents, modes, targets of links, and names below what is
// selected. What is not there is told, and no error: the build says that.
func (f *files) selected(s selector) ([]entry, error) {
	name := strings.TrimPrefix(path.Clean(s.path), "/")
	if name == "" {
		name = "."
	}
	w := &walk{files: f, selector: s}
	if s.plain() {
		err := w.whole(name, "")
		return w.found, err
	}
	err := w.filtered(name)
	return w.found, err
}

// partsOf are what counts of files that were selected by a name.
func partsOf(list []entry, name string) []Part {
	var out []Part
	for _, e := range list {
		if e.kind == "directory" && e.mode == "" { // the top of a tree, which the daemon does not look at
			continue
		}
		out = append(out, Part{Kind: e.kind, Name: e.name, Unnamed: true, As: e.as, Value: e.value})
		if e.mode != "" {
			out = append(out, Part{Kind: "mode", Name: e.name, Unnamed: true, As: e.as, Value: e.mode})
		}
	}
	if len(out) > 2*maxParts {
		return []Part{{Kind: "files", Name: paths.Inside(name), Unnamed: true, Value: hash(out)}}
	}
	return out
}

// walk collects the files of one selection.
type walk struct {
	*files
	selector
	found []entry
}

func (w *walk) add(e entry) { w.found = append(w.found, e) }

// missing notes a file that is not in the context.
func (w *walk) missing(name string) { w.add(entry{kind: "file", name: name}) }

// whole adds a file, or a directory with all that it holds.
func (w *walk) whole(name, as string) error {
	from, err := spec.Resolve(w.context, name) // not every fs.FS reads a link below another
	if err != nil {
		w.missing(name)
		return nil //nolint:nilerr // see selected
	}
	info, err := fs.Stat(w.context, from)
	if err != nil {
		w.missing(name)
		return nil //nolint:nilerr // see selected
	}
	return w.tree(from, name, as, info)
}

// tree adds what is at a place of the context under a name and, to the daemon,
// under another. Links in it are not followed.
func (w *walk) tree(from, name, as string, info fs.FileInfo) error {
	if !info.IsDir() {
		return w.entry(from, name, as, info)
	}
	w.directory(from, name, as, info)
	entries, err := fs.ReadDir(w.context, from)
	if err != nil {
		return err
	}
	for _, d := range entries {
		info, err := d.Info()
		if err != nil {
			return err
		}
		child := path.Join(name, d.Name())
		if err := w.tree(path.Join(from, d.Name()), child, path.Join("/", as, d.Name()), info); err != nil {
			return err
		}
	}
	return nil
}

// directory adds a directory; of the context's own, the mode does not count.
func (w *walk) directory(from, name, as string, info fs.FileInfo) {
	e := entry{kind: "directory", name: name, as: as}
	if from != "." {
		e.mode = modes.Octal(w.mode(info.Mode()))
	}
	w.add(e)
}

// entry adds a file or a link.
func (w *walk) entry(from, name, as string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := fs.ReadLink(w.context, from)
		w.add(entry{kind: "link", name: name, as: as, value: target})
		return err
	}
	sum, mode, err := w.file(from)
	if errors.Is(err, fs.ErrInvalid) { // a socket or device
		return nil
	}
	w.add(entry{kind: "file", name: name, as: as, value: sum, mode: mode})
	return err
}

// filtered adds what a pattern matches, and of that what the filters leave.
func (w *walk) filtered(pattern string) error {
	top := pattern
	for w.wildcard && hasWildcard(top) {
		top = path.Dir(top)
	}
	include, err := patternmatcher.New(w.include)
	if err != nil {
		return err
	}
	exclude, err := patternmatcher.New(w.exclude)
	if err != nil {
		return err
	}
	from, err := spec.Resolve(w.context, top)
	if err != nil {
		w.missing(pattern)
		return nil //nolint:nilerr // see selected
	}
	matched := "" // the last directory that the pattern matched
	return fs.WalkDir(w.context, from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := path.Join(top, strings.TrimPrefix(p, from))
		if from == "." {
			name = p
		}
		if !w.wildcard {
			matched = pattern
		} else if matched == "" || !strings.HasPrefix(name, matched+"/") {
			if ok, err := path.Match(pattern, name); !ok || err != nil {
				return err
			}
			matched = name
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, matched), "/")
		if pattern == "." {
			rel = name
		}
		for _, f := range []struct {
			m    *patternmatcher.PatternMatcher
			some bool
			want bool
		}{{include, len(w.include) > 0, true}, {exclude, len(w.exclude) > 0, false}} {
			if !f.some || rel == "" {
				continue
			}
			if ok, err := f.m.MatchesOrParentMatches(rel); err != nil || ok != f.want {
				return err
			}
		}
		return w.one(p, name, top, name == matched, d)
	})
}

// one adds one entry of a filtered selection: a directory without what is in it,
// since that is filtered too.
func (w *walk) one(from, name, top string, selected bool, d fs.DirEntry) error {
	as := strings.TrimPrefix(name, top)
	info, err := d.Info()
	switch {
	case err != nil || from == ".":
		return err
	case selected && w.follow && info.Mode()&fs.ModeSymlink != 0:
		return w.whole(name, as)
	case info.IsDir():
		w.directory(from, name, as, info)
		return nil
	}
	return w.entry(from, name, as, info)
}
