package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// sink moves what is copied, and what is declared, below the steps that do not
// depend on it. Instructions keep their order wherever it matters.
func (r *stageReader) sink() {
	for i := len(r.items) - 1; i >= 0; i-- {
		it := r.items[i]
		switch {
		case it.copy != nil && it.copy.movable:
			if r.partition(i) {
				r.move(i+1, r.copyPasses)
			}
			r.move(i, r.copyPasses)
		case it.moded != nil:
			r.move(i, r.copyPasses)
		case it.arg != "":
			r.move(i, r.argPasses)
		}
	}
}

// reach is the place of the last step that an item may come after.
func (r *stageReader) reach(it *item, i int, passes func(it, other *item) bool) int {
	to := i
	for j := i + 1; j < len(r.items) && passes(it, r.items[j]); j++ {
		if r.items[j].facts != nil {
			to = j
		}
	}
	return to
}

// move moves an item behind the last step that it may pass.
func (r *stageReader) move(i int, passes func(it, other *item) bool) {
	it := r.items[i]
	to := r.reach(it, i, passes)
	if to == i {
		return
	}
	r.moved = true
	copy(r.items[i:to], r.items[i+1:to+1])
	r.items[to] = it
}

// order brings what stands together without a step in between back into the
// order of the original.
func (r *stageReader) order() {
	for from := 0; from < len(r.items); from++ {
		to := from
		for to < len(r.items) && r.items[to].facts == nil {
			to++
		}
		slices.SortStableFunc(r.items[from:to], func(a, b *item) int { return a.order - b.order })
		from = to
	}
}

// copyPasses reports whether a COPY, or a step that sets modes of copied files,
// may come after another instruction.
func (r *stageReader) copyPasses(it, other *item) bool {
	switch {
	case other.facts != nil && it.moded != nil:
		return r.modePasses(it, other)
	case other.facts != nil:
		return r.stepAllows(it.copy, other)
	case it.moded != nil:
		return other.arg != "" || other.copy != nil && disjoint(it.moded.files, other.copy.files) &&
			!slices.ContainsFunc(it.moded.dirs, func(dir string) bool { return overlaps(other.copy, dir) })
	}
	switch cmd := other.in.Command.(type) {
	case *instructions.CopyCommand, *instructions.AddCommand:
		return other.copy != nil && !overlap(it.copy, other.copy)
	case *instructions.EnvCommand:
		for _, kv := range cmd.Env {
			if it.scope.mentions(it.in.Text, kv.Key) {
				return false
			}
		}
		return true
	case *instructions.ArgCommand:
		return !it.scope.mentions(it.in.Text, other.arg)
	case *instructions.WorkdirCommand:
		src := sourcesOf(it.in.Command)
		dir, ok := other.scope.expand(cmd.Path)
		return ok && path.IsAbs(src.DestPath) && path.IsAbs(dir) && !Within(dir, it.copy.dest) && !Within(it.copy.dest, dir)
	case *instructions.OnbuildCommand:
		return false
	}
	return true
}

// modePasses reports whether a step that sets modes may come after another: one
// that only reads those files, and sees them executable.
func (r *stageReader) modePasses(it, other *item) bool {
	if other.facts.opaque != "" || other.facts.wild != "" || !other.scope.root() || it.group > 0 && other.group != it.group {
		return false
	}
	for t := range other.facts.touched {
		for _, name := range it.moded.files {
			if Within(name, t) || Within(t, name) || path.Dir(t) == path.Dir(name) {
				return false
			}
		}
		for _, dir := range it.moded.dirs {
			if Within(dir, t) || Within(t, dir) {
				return false
			}
		}
	}
	return len(other.facts.trees) == 0
}

// stepAllows reports whether a step can do with mounts in place of a copy.
func (r *stageReader) stepAllows(c *copying, step *item) bool {
	f := step.facts
	if f.opaque != "" || f.wild != "" || !step.scope.root() {
		return false
	}
	for _, m := range step.in.mounts(step.scope) {
		if Within(m.Target, c.dest) || Within(c.dest, m.Target) {
			return false
		}
	}
	if f.touches(c) {
		return false
	}
	_, ok := mountsFor(c, step)
	return ok
}

// mountsFor returns the mounts that a step needs in place of a copy.
func mountsFor(c *copying, step *item) ([]mount, bool) {
	mounts := map[mount]bool{}
	for tree := range step.facts.trees {
		if !overlaps(c, tree) {
			continue
		}
		m, ok := c.tree(tree)
		if !ok {
			return nil, false
		}
		mounts[m] = true
	}
	for name := range step.facts.reads {
		f := c.by[name]
		if f == nil {
			continue
		}
		if !f.mode.IsRegular() {
			return nil, false
		}
		mode := c.chmod
		if f.executable && f.mode&0o111 == 0 {
			mode = fmt.Sprintf("%04o", f.mode.Perm()|0o111)
		}
		if strings.Trim(mode, "01234567") != "" {
			return nil, false // symbolic, or a variable
		}
		mounts[mount{f.source, name, mode}] = true
	}
	for dir := range step.facts.dirs {
		if !overlaps(c, dir) || slices.ContainsFunc(slices.Collect(maps.Keys(mounts)), func(m mount) bool { return Within(m.target, dir) }) {
			continue
		}
		m, ok := c.tree(dir)
		if !ok {
			return nil, false
		}
		mounts[m] = true
	}
	return slices.SortedFunc(maps.Keys(mounts), func(a, b mount) int { return strings.Compare(a.target, b.target) }), true
}

func overlaps(c *copying, dir string) bool {
	in := func(name string) bool { return Within(name, dir) }
	return slices.ContainsFunc(c.files, in) || slices.ContainsFunc(c.dirs, in)
}

func overlap(a, b *copying) bool {
	if Within(a.dest, b.dest) || Within(b.dest, a.dest) {
		return !disjoint(a.files, b.files) || !disjointDirs(a, b)
	}
	return false
}

// disjointDirs reports whether neither copy puts files where the other does:
// the first of them makes the directory.
func disjointDirs(a, b *copying) bool { return disjoint(a.dirs, b.dirs) }

func disjoint(a, b []string) bool {
	set := map[string]bool{}
	for _, name := range a {
		set[name] = true
	}
	return !slices.ContainsFunc(b, func(name string) bool { return set[name] })
}

// tree is the context directory that holds exactly what a directory of the
// stage holds.
func (c *copying) tree(dir string) (mount, bool) {
	var source string
	found := false
	for _, name := range c.files {
		if !Within(name, dir) || name == dir {
			continue
		}
		f := c.by[name]
		rel := strings.TrimPrefix(name, dir+"/")
		src, ok := strings.CutSuffix(f.source, "/"+rel)
		if !ok || found && src != source || isSystemDir(dir) || !f.mode.IsRegular() || c.chmod != "" || f.executable {
			return mount{}, false
		}
		source, found = src, true
	}
	return mount{source: source, target: dir}, found && (dir == c.dest && c.of == nil && c.plain || strings.HasPrefix(dir, c.dest+"/")) && plainName(source) && c.whole
}

// argPasses reports whether an ARG may come after another instruction: one that
// does not read it.
func (r *stageReader) argPasses(it, other *item) bool {
	if keepsPlace(it.arg) {
		return false
	}
	if other.facts != nil {
		if other.facts.mentions(it.arg) {
			return false
		}
		return !slices.ContainsFunc(other.in.Flags, func(flag string) bool { return it.scope.mentions(flag, it.arg) })
	}
	if other.arg == it.arg {
		return false
	}
	if env, ok := other.in.Command.(*instructions.EnvCommand); ok {
		for _, kv := range env.Env {
			if kv.Key == it.arg || it.scope.mentions(it.in.Text, kv.Key) {
				return false
			}
		}
	}
	if other.arg != "" && it.scope.mentions(it.in.Text, other.arg) {
		return false
	}
	return !it.scope.mentions(other.in.Text, it.arg)
}

// keepsPlace reports whether BuildKit itself gives an arg a meaning.
func keepsPlace(name string) bool {
	switch strings.ToUpper(name) {
	case "SOURCE_DATE_EPOCH", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "PATH", "HOME", "BASH_ENV", "ENV", "IFS":
		return true
	}
	return strings.HasPrefix(name, "BUILDKIT_") || strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "LC_") || name == "LANG"
}

// mountAll gives each step what the copies hold that now come after it.
func (r *stageReader) mountAll() {
	for i, it := range r.items {
		if it.facts == nil {
			continue
		}
		for _, later := range r.items[i+1:] {
			if later.copy != nil && later.order < it.order {
				m, _ := mountsFor(later.copy, it)
				it.mounts = append(it.mounts, m...)
			}
		}
	}
}
