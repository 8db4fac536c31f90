package dockerfile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
)

// reorder moves what steps of a driver are spared, and what is declared, below the
// steps that do without it. Instructions keep their order wherever it matters.
func (r *stageReader) reorder() {
	r.spare()
	var args []*Item
	for i := len(r.items) - 1; i >= 0; i-- {
		it := r.items[i]
		switch {
		case it.spared:
			r.move(i, r.copyPasses)
		case it.copy != nil && it.copy.movable && r.groups > 0:
			r.lowerUnread(i)
		case r.labels(i):
			r.move(i, labelPasses)
		case r.sets(i):
			r.move(i, r.envPasses)
		case it.arg != "":
			args = append(args, it)
			if r.named(i) {
				r.move(i, r.argPasses)
			} else if r.groups > 0 && r.stepBelow(i) {
				r.decide(it.In, Held, "%s: nothing speaks of it by name, so every step below depends on it", it.arg)
			}
		}
	}
	r.tellSpared()
	r.rejoin()
	r.tellMoved()
	slices.Reverse(args)
	r.tellArgs(args)
}

// lowerUnread moves a COPY of which every step sees all below the steps that are
// known not to look: all that they run is known, and nothing of it is meant.
func (r *stageReader) lowerUnread(i int) {
	it, before := r.items[i], slices.Clone(r.items)
	r.move(i, func(it, other *Item) bool {
		if other.whole == it.whole && it.whole != nil {
			return false
		}
		if other.facts == nil {
			return r.copyPasses(it, other)
		}
		return r.unread(it, other)
	})
	if len(it.copy.files) > 0 || !it.moved {
		return
	}
	// Directories alone are no reason to come between two steps.
	for _, below := range r.items[slices.Index(r.items, it)+1:] {
		if below.whole == it.whole {
			break
		}
		if below.facts != nil {
			r.items, it.moved = before, false
			return
		}
	}
}

// unread reports whether a step is known to do without a COPY.
func (r *stageReader) unread(it, step *Item) bool {
	f := step.facts
	if step.group == 0 || f.Unknown != "" || !r.stepAllows(it.copy, step, false) || slices.ContainsFunc(it.copy.files, func(name string) bool { return f.Reads[name] }) {
		return false
	}
	var rest []Mount
	at := slices.Index(r.items, step)
	for _, part := range r.items[at:] {
		if part.first != it {
			continue
		}
		m, ok := mountsFor(part.copy, step, false)
		if !ok || f.touches(part.copy, false) {
			return false
		}
		rest = append(rest, m...)
	}
	for dir := range f.Dirs {
		if overlaps(it.copy, dir) && !slices.ContainsFunc(rest, func(m Mount) bool { return paths.Within(m.Target, dir) }) {
			return false
		}
	}
	for tree := range f.Trees {
		if overlaps(it.copy, tree) {
			return false
		}
	}
	for name := range f.Named { // a directory above it, which it may make
		if name != "/" && name != it.copy.dest && paths.Within(it.copy.dest, name) {
			return false
		}
	}
	return true
}

func (r *stageReader) stepBelow(i int) bool {
	return slices.ContainsFunc(r.items[i:], func(it *Item) bool { return it.group > 0 })
}

// tellSpared says of each COPY which files not every step sees.
func (r *stageReader) tellSpared() {
	files := map[*Item][]string{}
	for _, it := range r.items {
		if it.moved && it.copy != nil && len(it.copy.files) > 0 {
			whole := it.whole
			if whole == nil {
				whole = it
			}
			files[whole] = append(files[whole], it.copy.files...)
		}
	}
	for whole, list := range files {
		r.decide(whole.In, Moved, "hidden from the steps that do without: %s", few(list))
	}
}

// tellMoved says which other instructions come after steps that they were in front
// of.
func (r *stageReader) tellMoved() {
	for _, it := range r.items {
		if !it.moved {
			continue
		}
		switch cmd := it.In.Command.(type) {
		case *instructions.RunCommand:
			r.decide(it.In, Moved, "its chmod comes after the steps that do without the files; in mounts these have their mode already")
		case *instructions.LabelCommand:
			r.decide(it.In, Moved, "comes after the steps, of which none sees it")
		case *instructions.EnvCommand:
			var names []string
			for _, kv := range cmd.Env {
				names = append(names, kv.Key)
			}
			r.decide(it.In, Moved, "only the steps from the first that may read it on get %s", few(names))
		}
	}
}

// tellArgs says which args are given to fewer steps, and which are not since a
// program may know their names.
func (r *stageReader) tellArgs(args []*Item) {
	var moved []string
	var first *Item
	for _, it := range args {
		if it.moved {
			moved = append(moved, it.arg)
			if first == nil {
				first = it
			}
		}
		at := slices.Index(r.items, it)
		for _, step := range r.items[at+1:] {
			if step.group > 0 && programs.Conventional(it.arg) && step.facts.MayRead(it.arg, true) {
				if !step.facts.Mentions(it.arg) && step.facts.Unknown != "" {
					r.decide(it.In, Held, "%s: %s may read it from its environment, so the steps that run it depend on it", it.arg, step.facts.Unknown)
				}
				break
			}
		}
	}
	if first != nil {
		r.decide(first.In, Moved, "only the steps from the first that may read it on depend on %s", few(moved))
	}
}

// few names some of a list.
func few(list []string) string {
	if len(list) <= 3 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s, %s and %d more", list[0], list[1], len(list)-2)
}

// named reports whether something below an ARG speaks of it by name. Any other
// counts for every step below it, as it does for BuildKit: it is there to run
// them again, or for a program that reads it.
func (r *stageReader) named(i int) bool {
	it := r.items[i]
	return slices.ContainsFunc(r.items[i+1:], func(other *Item) bool {
		return other.facts != nil && (other.facts.Mentions(it.arg) || other.varies[it.arg]) || other.arg != it.arg && it.scope.Mentions(other.In.Text, it.arg)
	})
}

// move moves an item behind the last step that it may pass.
func (r *stageReader) move(i int, passes func(it, other *Item) bool) {
	it, to := r.items[i], i
	for j := i + 1; j < len(r.items) && passes(it, r.items[j]); j++ {
		if r.items[j].facts != nil {
			to = j
		}
	}
	if to == i {
		return
	}
	r.moved, it.moved = true, true
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
		slices.SortStableFunc(r.items[from:to], func(a, b *Item) int { return a.order - b.order })
		from = to
	}
}

// copyPasses reports whether a COPY, or a step that sets modes of copied files,
// may come after another instruction.
func (r *stageReader) copyPasses(it, other *Item) bool {
	switch {
	case other.facts != nil && it.moded != nil:
		return r.modePasses(it, other)
	case other.facts != nil && other.moded != nil && other.whole != nil && !other.spared:
		return disjoint(it.copy.files, other.moded.files) && it.first != nil // its directories are there
	case other.facts != nil:
		return other.group > 0 && r.stepAllows(it.copy, other, it.first != nil)
	case it.moded != nil:
		return other.arg != "" || other.copy != nil && disjoint(it.moded.files, other.copy.files) &&
			!slices.ContainsFunc(it.moded.dirs, func(dir string) bool { return overlaps(other.copy, dir) })
	}
	switch cmd := other.In.Command.(type) {
	case *instructions.CopyCommand, *instructions.AddCommand:
		return other.copy != nil && !overlap(it.copy, other.copy)
	case *instructions.EnvCommand:
		for _, kv := range cmd.Env {
			if it.scope.Mentions(it.In.Text, kv.Key) {
				return false
			}
		}
		return true
	case *instructions.ArgCommand:
		return !it.scope.Mentions(it.In.Text, other.arg)
	case *instructions.WorkdirCommand:
		src := sourcesOf(it.In.Command)
		dir, ok := other.scope.Expand(cmd.Path)
		return ok && path.IsAbs(src.DestPath) && path.IsAbs(dir) && !paths.Within(dir, it.copy.dest) && !paths.Within(it.copy.dest, dir)
	case *instructions.OnbuildCommand:
		return false
	}
	return true
}

// modePasses reports whether a step that sets modes may come after another: one
// that only reads those files, and sees them executable.
func (r *stageReader) modePasses(it, other *Item) bool {
	if other.group == 0 || other.facts.Opaque != "" || other.facts.Wild != "" || !other.scope.Root() || it.group > 0 && other.group != it.group {
		return false
	}
	for t := range other.facts.Touched {
		for _, name := range it.moded.files {
			if paths.Within(name, t) || paths.Within(t, name) || path.Dir(t) == path.Dir(name) {
				return false
			}
		}
		for _, dir := range it.moded.dirs {
			if paths.Within(dir, t) || paths.Within(t, dir) {
				return false
			}
		}
	}
	return len(other.facts.Trees) == 0
}

// stepAllows reports whether a step can do with mounts in place of a copy. Based
// says that its directories are there.
func (r *stageReader) stepAllows(c *copyEffect, step *Item, based bool) bool {
	f := step.facts
	if f.Opaque != "" || f.Wild != "" || !step.scope.Root() || f.Unknown != "" && !c.besideScripts() {
		return false
	}
	for _, m := range step.In.mounts(step.scope) {
		if paths.Within(m.Target, c.dest) || paths.Within(c.dest, m.Target) {
			return false
		}
	}
	if f.touches(c, based) {
		return false
	}
	_, ok := mountsFor(c, step, based)
	return ok
}

// argPasses reports whether an ARG may come after another instruction: one that
// does not read it. Outside a driver that was split, a step has to be known with
// all that it runs.
func (r *stageReader) argPasses(it, other *Item) bool {
	if keepsPlace(it.arg) {
		return false
	}
	if other.facts != nil {
		if other.facts.MayRead(it.arg, other.group > 0) {
			return false
		}
		return !slices.ContainsFunc(other.In.Flags, func(flag string) bool { return it.scope.Mentions(flag, it.arg) })
	}
	if other.arg == it.arg {
		return false
	}
	if env, ok := other.In.Command.(*instructions.EnvCommand); ok {
		for _, kv := range env.Env {
			if kv.Key == it.arg || it.scope.Mentions(it.In.Text, kv.Key) {
				return false
			}
		}
	}
	if other.arg != "" && it.scope.Mentions(it.In.Text, other.arg) {
		return false
	}
	return !it.scope.Mentions(other.In.Text, it.arg)
}

// keepsPlace reports whether BuildKit itself gives an arg a meaning.
func keepsPlace(name string) bool {
	switch strings.ToUpper(name) {
	case "SOURCE_DATE_EPOCH", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "PATH", "HOME", "BASH_ENV", "ENV", "IFS":
		return true
	}
	return strings.HasPrefix(name, "BUILDKIT_") || strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "LC_") || name == "LANG"
}
