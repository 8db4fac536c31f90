package dockerfile

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
)

// maxMounts is how many files a step gets as mounts of their own.
const maxMounts = 100

// mountsFor returns the mounts that a step needs in place of a copy.
func mountsFor(c *copyEffect, step *Item, based bool) ([]Mount, bool) {
	reads := maps.Clone(step.facts.Reads)
	mounts := map[Mount]bool{}
	for _, tree := range slices.Concat(slices.Collect(maps.Keys(step.facts.Trees)), slices.Collect(maps.Keys(step.facts.Near))) {
		if !overlaps(c, tree) {
			continue
		}
		if m, ok := c.tree(tree); ok {
			mounts[m] = true
			continue
		}
		if !based {
			return nil, false
		}
		c.eachIn(tree, func(name string) { reads[name] = true })
	}
	for dir := range step.facts.Beside {
		c.eachIn(dir, func(name string) {
			if !c.scripts[name] && (path.Dir(name) == dir || !paths.Shared(dir)) {
				reads[name] = true
			}
		})
	}
	for name := range reads {
		f := c.by[name]
		if f == nil {
			continue
		}
		m, ok := c.mount(name, f)
		if !ok {
			return nil, false
		}
		mounts[m] = true
	}
	for dir := range step.facts.Dirs {
		if based || !overlaps(c, dir) || slices.ContainsFunc(slices.Collect(maps.Keys(mounts)), func(m Mount) bool { return paths.Within(m.Target, dir) }) {
			continue
		}
		m, ok := c.tree(dir)
		if !ok {
			return nil, false
		}
		mounts[m] = true
	}
	return slices.SortedFunc(maps.Keys(mounts), func(a, b Mount) int { return strings.Compare(a.Target, b.Target) }), len(mounts) <= maxMounts
}

// mount is that of a file in place of a copy of it.
func (c *copyEffect) mount(name string, f *CopiedFile) (Mount, bool) {
	mode := c.chmod
	switch {
	case f.perm == fmt.Sprintf("%04o", f.Mode.Perm()):
	case f.perm != "":
		mode = f.perm
	case f.executable && f.Mode&0o111 == 0:
		mode = fmt.Sprintf("%04o", f.Mode.Perm()|0o111)
	}
	// A mode may be symbolic, or a variable; a set-id bit is in no mount's mode.
	return Mount{f.Source, name, mode}, f.Mode.IsRegular() && f.Mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) == 0 && strings.Trim(mode, "01234567") == ""
}

func overlaps(c *copyEffect, dir string) bool {
	in := func(name string) bool { return paths.Within(name, dir) }
	return slices.ContainsFunc(c.files, in) || slices.ContainsFunc(c.dirs, in)
}

func overlap(a, b *copyEffect) bool {
	if paths.Within(a.dest, b.dest) || paths.Within(b.dest, a.dest) {
		return !disjoint(a.files, b.files) || !disjointDirs(a, b)
	}
	return false
}

// disjointDirs reports whether neither copy puts files where the other does:
// the first of them makes the directory.
func disjointDirs(a, b *copyEffect) bool { return disjoint(a.dirs, b.dirs) }

func disjoint(a, b []string) bool {
	set := map[string]bool{}
	for _, name := range a {
		set[name] = true
	}
	return !slices.ContainsFunc(b, func(name string) bool { return set[name] })
}

// tree is the context directory that holds exactly what a directory of the
// stage holds.
func (c *copyEffect) tree(dir string) (Mount, bool) {
	var source string
	found := false
	if c.unasked || c.leaves(dir) {
		return Mount{}, false // it would hide what else is there
	}
	for _, name := range c.files {
		if !paths.Within(name, dir) || name == dir {
			continue
		}
		f := c.by[name]
		rel := strings.TrimPrefix(name, dir+"/")
		src, ok := strings.CutSuffix(f.Source, "/"+rel)
		if !ok || found && src != source || paths.Shared(dir) || !f.Mode.IsRegular() || c.chmod != "" || f.executable {
			return Mount{}, false
		}
		source, found = src, true
	}
	return Mount{Source: source, Target: dir}, found && (dir == c.dest && c.of == nil && c.plain || strings.HasPrefix(dir, c.dest+"/")) && plainName(source) && c.whole
}

// leaves reports whether a part of a copy leaves files of a directory to the part
// that every step sees: a step may have changed those, or taken them away.
func (c *copyEffect) leaves(dir string) bool {
	if c.of == nil {
		return false
	}
	spared := c
	for spared.of.of != nil { // a part may be one of a part
		spared = spared.of
	}
	return slices.ContainsFunc(spared.of.files, func(name string) bool { return paths.Within(name, dir) && spared.by[name] == nil })
}

// mountAll gives each step what the copies hold that now come after it.
func (r *stageReader) mountAll() {
	for i, it := range r.items {
		if it.facts == nil {
			continue
		}
		for _, later := range r.items[i+1:] {
			if later.copy != nil && later.order < it.order {
				based := later.first != nil && slices.Index(r.items, later.first) < i
				mounts, _ := mountsFor(later.copy, it, based)
				it.Mounts = append(it.Mounts, mounts...)
				for _, m := range mounts {
					if later.copy.by[m.Target] == nil { // a directory, which hides what else is there
						r.asked[it.group-1].askBelow(m.Target, later.copy.everything())
					}
				}
			}
		}
	}
}
