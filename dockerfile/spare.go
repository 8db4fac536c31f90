package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
)

// A step of a driver is spared the scripts of the other steps, and what only
// these read: an edit of a script then runs it and those after it. From a step that
// runs a program of unknown reading only what lies in the scripts' directories is
// hidden. Nothing else is hidden from a step. So a COPY is taken apart into the files that are spared
// and the others: the others stay where they are, with all directories, and what
// is spared comes below the steps that do without it.

// maxApart is how many files of one COPY are told apart: each is a flag.
const maxApart = 200

// sparing are the files of a stage that not every step sees.
type sparing struct {
	// scripts are those that the drivers run, and the drivers themselves.
	scripts map[string]bool
	// files are the scripts and what only steps of drivers read.
	files map[string]bool
	// modes says that a step sets the modes of directories: a COPY of their
	// files by name leaves them alone, one of the directory does not.
	modes bool
}

// sparing works out which files are spared.
func (r *stageReader) sparing() *sparing {
	s := &sparing{scripts: map[string]bool{}, files: map[string]bool{}}
	for _, it := range r.items {
		s.modes = s.modes || it.moded != nil && len(it.moded.dirs) > 0
		if it.group == 0 || it.part == nil {
			continue
		}
		if it.part.Child != nil {
			s.scripts[it.part.Child.Absolute] = true
		}
		if it.part.of != nil {
			for _, script := range it.part.of.Scripts() {
				s.scripts["/"+script.Path] = true
			}
		}
	}
	maps.Copy(s.files, s.scripts)
	for _, it := range r.items {
		if it.group == 0 {
			continue
		}
		maps.Copy(s.files, it.facts.Reads)
		for tree := range it.facts.Trees {
			if paths.Shared(tree) || s.scriptsIn(tree) {
				continue // it looks around, rather than read these
			}
			for _, other := range r.items {
				if other.copy != nil {
					other.copy.eachIn(tree, func(name string) { s.files[name] = true })
				}
			}
		}
	}
	return s
}

func (s *sparing) scriptsIn(dir string) bool {
	for name := range s.scripts {
		if paths.Within(name, dir) {
			return true
		}
	}
	return false
}

// spare takes the stage's copies apart.
func (r *stageReader) spare() {
	if r.groups == 0 {
		return
	}
	s := r.sparing()
	for i := 0; i < len(r.items); i++ {
		it := r.items[i]
		var parts []*Item
		switch {
		case it.copy != nil && it.copy.movable:
			parts = r.copyApart(it, s)
		case it.moded != nil:
			parts = modeApart(it, s)
		}
		if parts != nil {
			for _, part := range parts {
				part.whole = it
			}
			r.items = slices.Replace(r.items, i, i+1, parts...)
			i += len(parts) - 1
		}
	}
}

// rejoin puts parts together again between which no step has come.
func (r *stageReader) rejoin() {
	first, last := map[*Item]int{}, map[*Item]int{}
	for i, it := range r.items {
		if it.whole == nil {
			continue
		}
		if _, ok := first[it.whole]; !ok {
			first[it.whole] = i
		}
		last[it.whole] = i
	}
	joined := map[*Item]bool{}
	for whole := range first {
		joined[whole] = !slices.ContainsFunc(r.items[first[whole]:last[whole]+1], func(it *Item) bool { return it.facts != nil && it.whole != whole })
	}
	var out []*Item
	for i, it := range r.items {
		switch {
		case !joined[it.whole]:
			out = append(out, it)
		case i == last[it.whole]:
			out = append(out, it.whole)
		}
	}
	r.items = out
}

// copyApart are the parts of a COPY: what every step sees, and what is spared.
// It is nil where the COPY holds nothing of that, or cannot be taken apart.
func (r *stageReader) copyApart(it *Item, s *sparing) []*Item {
	c := it.copy
	spared := func(name string) bool { return s.files[name] }
	mine := slices.DeleteFunc(slices.Clone(c.files), func(name string) bool { return !spared(name) })
	if len(mine) == 0 || len(mine) > maxApart {
		return nil
	}
	all := len(mine) == len(c.files)
	first, rest := *it, *it
	first.copy, rest.copy = c.only(func(name string) bool { return !spared(name) }), c.only(spared)
	first.copy.dirs = c.dirs
	rest.copy.scripts, rest.spared = s.scripts, true
	cmd, ok := it.In.Command.(*instructions.CopyCommand)
	switch {
	case !ok || cmd.Link:
	case c.whole && len(cmd.SourcePaths) == 1 && !glob.Has(cmd.SourcePaths[0]) && !r.opt.NoExcludes:
		for _, name := range mine {
			first.excludes = append(first.excludes, strings.TrimPrefix(strings.TrimPrefix(name, c.dest), "/"))
		}
		rest.first = &first
		if all && !s.modes {
			return []*Item{&first, &rest}
		}
		return append([]*Item{&first}, rest.byDirectory()...)
	case c.listed && !all:
		first.listed = true
		rest.first = &first
		return append([]*Item{&first}, rest.byDirectory()...)
	}
	if !all {
		return nil
	}
	rest.copy = c
	c.scripts = s.scripts
	return []*Item{&rest}
}

// byDirectory are the parts of a copy: one for each directory.
func (it *Item) byDirectory() []*Item {
	var out []*Item
	c := it.copy
	for _, dir := range directories(c.files) {
		one := *it
		one.copy = c.only(func(name string) bool { return path.Dir(name) == dir })
		one.copy.scripts = c.scripts
		one.listed = true
		out = append(out, &one)
	}
	return out
}

func directories(files []string) []string {
	var out []string
	for _, name := range files {
		out = append(out, path.Dir(name))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// modeApart are the parts of a step that makes files executable: what it does to
// files that every step sees, and to those that are spared.
func modeApart(it *Item, s *sparing) []*Item {
	m := it.moded
	var mine, others []string
	for _, name := range m.files {
		if s.files[name] {
			mine = append(mine, name)
		} else {
			others = append(others, name)
		}
	}
	if len(mine) == 0 {
		return nil
	}
	rest := *it
	rest.spared = true
	if len(others) == 0 && len(m.dirs) == 0 {
		return []*Item{&rest}
	}
	if m.mode == "" || len(it.In.Flags) > 0 {
		return nil
	}
	first := *it
	first.moded = &modeChange{mode: m.mode, files: others, dirs: m.dirs}
	rest.moded = &modeChange{mode: m.mode, files: mine}
	rest.command = fmt.Sprintf("chmod %s %s", m.mode, strings.Join(mine, " "))
	if len(m.dirs) == 0 {
		first.command = fmt.Sprintf("chmod %s %s", m.mode, strings.Join(others, " "))
	}
	return []*Item{&first, &rest}
}

// besideScripts reports whether a copy holds nothing but a driver's scripts and what
// lies in their directories: no program is taken to look for that which nobody
// tells it of.
func (c *copyEffect) besideScripts() bool {
	dirs := Paths{}
	for script := range c.scripts {
		if dir := path.Dir(script); !paths.Shared(dir) {
			dirs[dir] = true
		}
	}
	return !slices.ContainsFunc(c.files, func(name string) bool { return !c.scripts[name] && !dirs.Cover(name) })
}

// eachIn calls a function for each file of a copy below a directory.
func (c *copyEffect) eachIn(dir string, do func(name string)) {
	for _, name := range c.files {
		if paths.Within(name, dir) {
			do(name)
		}
	}
}

// only is the part of a copy whose files are wanted.
func (c *copyEffect) only(wanted func(name string) bool) *copyEffect {
	part := *c
	part.files, part.by, part.of = nil, map[string]*CopiedFile{}, c
	for _, name := range c.files {
		if wanted(name) {
			part.files = append(part.files, name)
			part.by[name] = c.by[name]
		}
	}
	part.dirs = nil
	for _, dir := range directories(part.files) {
		for ; !paths.Shared(dir) && paths.Within(dir, c.dest); dir = path.Dir(dir) {
			part.dirs = append(part.dirs, dir)
		}
	}
	slices.Sort(part.dirs)
	part.dirs = slices.Compact(part.dirs)
	return &part
}
