package narrow

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher"
	digest "github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
)

// copied is one file or directory of the build context that a copy puts into an
// image.
type copied struct {
	// vertex and action are the copy's.
	vertex digest.Digest
	action int
	copy   *pb.FileActionCopy
	// source is its path in the context, target the one in the image.
	source, target string
	dir            bool
	// unsure tells that it may be at another target just as well.
	unsure bool
	// area is where the copy may put files, whatever is in the context.
	area    string
	exclude *patternmatcher.PatternMatcher
}

// What a copy has at a path.
type kind string

const (
	file      kind = "file"
	directory kind = "directory"
	link      kind = "link"
	other     kind = "other"
	// way is a directory above what is copied, which a copy makes where there is
	// none: whether it has made it, the context does not tell.
	way kind = "way"
)

// found is what a copy has at a path.
type found struct {
	kind kind
	// source is the path in the context, of a way none; info is what is there.
	source string
	info   fs.FileInfo
}

// tree is the build context, as copies see it.
type tree struct {
	fs.FS
	digests *memory[string]
	// ahead are digests that were asked for at once; see ahead.go.
	ahead map[string]string
}

func newTree(context fs.FS) *tree { return &tree{FS: context, digests: newMemory[string]()} }

// sum stands for a list of words.
func sum(words ...string) string {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// at returns what a copy has at a path of the image, nil for nothing.
func (t *tree) at(c *copied, name string) (*found, error) {
	switch {
	case paths.Below(c.target, name), c.dir && name == c.target:
		return &found{kind: way, source: c.source}, nil
	case name == c.target:
		return t.look(c.source)
	case !c.dir || !paths.Below(name, c.target):
		return nil, nil
	}
	rel := strings.TrimPrefix(name[len(c.target):], "/")
	if out, err := c.excludes(rel); out || err != nil {
		return nil, err
	}
	return t.look(path.Join(c.source, rel))
}

func (c *copied) excludes(rel string) (bool, error) {
	if c.exclude == nil {
		return false, nil
	}
	return c.exclude.MatchesOrParentMatches(rel)
}

// look returns what is at a path of the context, no link followed.
func (t *tree) look(name string) (*found, error) {
	info, err := fs.Lstat(t.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f := &found{other, name, info}
	switch m := info.Mode(); {
	case m.IsRegular():
		f.kind = file
	case m.IsDir():
		f.kind = directory
	case m&fs.ModeSymlink != 0:
		f.kind = link
	}
	return f, nil
}

// value stands for what a copy has at a path.
func (t *tree) value(c *copied, f *found) (string, error) {
	switch f.kind {
	case way:
		return "", nil
	case link:
		target, err := fs.ReadLink(t.FS, f.source)
		return target, err
	}
	text := modes.Octal(f.info.Mode())
	if c.copy.Mode >= 0 && c.copy.ModeStr == "" {
		text = "" // it has the mode that the copy gives
	}
	if st, ok := f.info.Sys().(*fstypes.Stat); ok {
		for _, name := range slices.Sorted(maps.Keys(st.Xattrs)) {
			text += sum(name, string(st.Xattrs[name]))
		}
	}
	if f.kind != file {
		return text, nil
	}
	content, err := t.digest(f.source)
	return text + " " + content, err
}

// digest is that of a file's content.
func (t *tree) digest(name string) (string, error) {
	if known, ok := t.ahead[name]; ok {
		return known, nil
	}
	return t.digests.once(name, func() (string, error) {
		r, err := t.Open(name)
		if err != nil {
			return "", err
		}
		defer r.Close()
		h := sha256.New()
		const atOnce = 1 << 20
		if _, err := io.CopyBuffer(h, r, make([]byte, atOnce)); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	})
}

// names are the entries that a copy makes in a directory of the image, with their
// kinds.
func (t *tree) names(c *copied, dir string) (map[string]*found, error) {
	out := map[string]*found{}
	if c.dir && paths.Within(dir, c.target) {
		at, err := t.at(c, dir)
		if err != nil || at == nil || at.kind != directory && at.kind != way {
			return nil, err
		}
		entries, err := fs.ReadDir(t.FS, at.source)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			f, err := t.at(c, path.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			if f != nil {
				out[e.Name()] = f
			}
		}
		return out, nil
	}
	if paths.Below(c.target, dir) {
		name, _, _ := strings.Cut(strings.TrimPrefix(c.target[len(dir):], "/"), "/")
		f, err := t.at(c, path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if f != nil {
			out[name] = f
		}
	}
	return out, nil
}

// seen returns what a step sees of copies when it asks for a path.
func (t *tree) seen(list []*copied, k Kind, name string) (Seen, error) {
	if k == All {
		if tooLarge, err := t.tooLarge(list, name); tooLarge || err != nil {
			return Seen{k, large, name}, err
		}
	}
	var words []string
	for i, c := range list {
		var more []string
		var err error
		switch k {
		case At:
			more, err = t.valueAt(c, name)
		case Names:
			more, err = t.listing(c, name)
		case All:
			more, err = t.everything(c, name)
		}
		if err != nil {
			return Seen{}, err
		}
		if len(more) > 0 {
			words = append(append(words, fmt.Sprint(i)), more...)
		}
	}
	if len(words) == 0 {
		return Seen{k, Nothing, name}, nil
	}
	return Seen{k, sum(words...), name}, nil
}

func (t *tree) valueAt(c *copied, name string) ([]string, error) {
	f, err := t.at(c, name)
	if err != nil || f == nil {
		return nil, err
	}
	value, err := t.value(c, f)
	return []string{string(f.kind), value}, err
}

func (t *tree) listing(c *copied, name string) ([]string, error) {
	entries, err := t.names(c, name)
	var words []string
	for _, n := range slices.Sorted(maps.Keys(entries)) {
		words = append(words, n, string(entries[n].kind))
	}
	return words, err
}

// everything stands for all that a copy has at a path and below it.
func (t *tree) everything(c *copied, name string) ([]string, error) {
	if !paths.Within(name, c.target) && !paths.Within(c.target, name) {
		return nil, nil
	}
	if paths.Within(c.target, name) {
		name = c.target
	}
	words, err := t.valueAt(c, name)
	if err != nil || len(words) == 0 || kind(words[0]) != directory && kind(words[0]) != way {
		return words, err
	}
	entries, err := t.names(c, name)
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Sorted(maps.Keys(entries)) {
		more, err := t.everything(c, path.Join(name, n))
		if err != nil {
			return nil, err
		}
		words = append(append(words, "/"+n), more...)
	}
	return words, nil
}

// tooLarge reports whether what copies have at a path and below it is too much to be
// read in each build.
func (t *tree) tooLarge(list []*copied, name string) (bool, error) {
	const most = 128 << 20
	var size int64
	for _, c := range list {
		err := t.walk(c, name, func(f *found) bool {
			size += f.info.Size()
			return size <= most
		})
		if err != nil {
			return false, err
		}
	}
	return size > most, nil
}

// walk visits the files that a copy has at a path and below it, until one is enough.
func (t *tree) walk(c *copied, name string, visit func(f *found) bool) error {
	if paths.Within(c.target, name) {
		name = c.target
	}
	_, err := t.visit(c, name, visit)
	return err
}

func (t *tree) visit(c *copied, name string, visit func(f *found) bool) (more bool, err error) {
	f, err := t.at(c, name)
	if err != nil || f == nil {
		return err == nil, err
	}
	if f.kind == file {
		return visit(f), nil
	}
	if f.kind != directory && f.kind != way {
		return true, nil
	}
	entries, err := t.names(c, name)
	if err != nil {
		return false, err
	}
	for n := range entries {
		if more, err := t.visit(c, path.Join(name, n), visit); !more {
			return false, err
		}
	}
	return true, nil
}
