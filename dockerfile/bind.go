package dockerfile

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/paths"
)

// bound is a part of the build context that a RUN mounts for itself.
type bound struct {
	copyEffect
	flag string // as it is written
}

// binds are the read-only mounts of the build context that a RUN has, as far as
// they are known, and the root file system with them.
func (r *stageReader) binds(it *Item) ([]bound, *rootfs) {
	var flags []string
	for _, f := range it.In.Flags {
		if strings.HasPrefix(f, "--mount=") {
			flags = append(flags, f)
		}
	}
	mounts := it.In.mounts(it.scope)
	root := r.root.clone()
	var out []bound
	for i, m := range mounts {
		if m.Type != instructions.MountTypeBind || m.From != "" || !m.ReadOnly || len(mounts) != len(flags) {
			continue
		}
		target := m.Target
		if !path.IsAbs(target) {
			target = path.Join(it.scope.Dir, target)
		}
		b := bound{copyEffect{dest: path.Clean(target), whole: true}, flags[i]}
		if !root.bind(paths.Inside(m.Source), &b.copyEffect) {
			continue
		}
		out = append(out, b)
	}
	return out, root
}

// bind adds the files of a mount.
func (r *rootfs) bind(source string, c *copyEffect) bool {
	files, dirs := map[string]*CopiedFile{}, map[string]bool{}
	if source == "" {
		source = "."
	}
	if !r.tree(sources{}, source, c.dest, false, files, dirs) {
		return false
	}
	r.forget(c.dest)
	c.by, c.files = files, slices.Sorted(maps.Keys(files))
	for name, f := range files {
		if !f.Mode.IsRegular() || !plainName(f.Source) || !plainName(name) {
			return false
		}
		r.add(name, f)
	}
	for dir := range dirs {
		if !paths.Shared(dir) {
			c.dirs = append(c.dirs, dir)
			r.dirs[dir] = &copiedDir{complete: true}
		}
	}
	slices.Sort(c.dirs)
	return true
}

// narrow gives the steps of one RUN the files that they read in place of whole
// mounts. A step that runs a program of which is not known what it reads keeps
// them. It changes nothing unless that does for all steps, and returns the targets
// of the mounts that were taken apart.
func narrow(steps []*Item, binds []bound) (targets []string) {
	for _, b := range binds {
		mounts := make([][]Mount, len(steps))
		for i, step := range steps {
			if step.facts.touches(&b.copyEffect, false) || step.facts.Opaque != "" {
				return targets
			}
			var ok bool
			if mounts[i], ok = mountsFor(&b.copyEffect, step, false); !ok {
				return targets
			}
		}
		narrowed := false
		for i, step := range steps {
			if step.facts.Unknown != "" || step.facts.Wild != "" {
				continue
			}
			step.without = append(step.without, b.flag)
			step.Mounts = append(step.Mounts, mounts[i]...)
			narrowed = true
		}
		if narrowed {
			targets = append(targets, b.dest)
		}
	}
	return targets
}
