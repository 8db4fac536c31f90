package dockerfile

import (
	"maps"
	"path"
	"slices"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
)

// Alone is a question that a driver's text leaves open: whether a place holds
// nothing but what is copied there. A loop over scripts/*.sh runs what the image
// has there too. Whoever builds the stage can tell.
type Alone struct {
	// Pattern is an absolute path whose last part may be a shell's pattern.
	Pattern string
	// Names are those that may be there, of the files that match it, sorted.
	Names []string
}

// Beside are those of the names in a pattern's directory that match it and may
// not be there.
func (a *Alone) Beside(names []string) []string {
	var out []string
	dir, last := path.Split(a.Pattern)
	for _, name := range names {
		if (name == last || glob.Expands(last, name)) && !slices.Contains(a.Names, dir+name) {
			out = append(out, dir+name)
		}
	}
	return out
}

// asked are the questions of one RUN, by their patterns. Where it is nil, nobody
// is asked.
type asked map[string][]string

// ask notes that the answer to a pattern is that these names match it, and no
// other. It reports false where nobody is asked.
func (a asked) ask(pattern string, names []string) bool {
	if a == nil {
		return false
	}
	list := append(slices.Clone(a[pattern]), names...)
	slices.Sort(list)
	a[pattern] = slices.Compact(list)
	return true
}

// askBelow asks whether there is nothing below a directory but files of a list.
func (a asked) askBelow(dir string, files []string) {
	children := map[string]map[string]bool{dir: {}}
	for _, name := range files {
		for ; name != dir && paths.Within(name, dir); name = path.Dir(name) {
			up := path.Dir(name)
			if children[up] == nil {
				children[up] = map[string]bool{}
			}
			children[up][name] = true
		}
	}
	for up, names := range children {
		a.ask(path.Join(up, "*"), slices.Sorted(maps.Keys(names)))
		a.ask(path.Join(up, ".*"), slices.Sorted(maps.Keys(names)))
	}
}

// alone are the questions in a fixed order.
func (a asked) alone() []Alone {
	var out []Alone
	for _, pattern := range slices.Sorted(maps.Keys(a)) {
		out = append(out, Alone{pattern, a[pattern]})
	}
	return out
}
