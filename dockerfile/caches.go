package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// use is what a step does with caches. It is nil for one of which that is not
// known: it has none, since it might read what other builds have left there.
func (it *Item) use() *cache.Use {
	f := it.facts
	if f == nil || f.Program == nil || f.Opaque != "" || f.Wild != "" {
		return nil
	}
	return &cache.Use{Program: f.Program, Vars: it.scope.lookup, Proven: true}
}

// lookup is the value of a variable of root's, "" if it is not set; known is false
// if nobody can tell.
func (s *Scope) lookup(name string) (value string, known bool) {
	switch v, ok := s.Get(name); {
	case ok:
		return v, true
	case name == "HOME":
		return "/root", true
	}
	return "", !s.Open
}

// cacheAll gives steps the mounts of the caches that they fill. Which ones depends
// on the stage and those that it is built on, and on what copies from it; so a
// stage that is added on top of it runs none of its steps again.
func (r *stageReader) cacheAll() {
	for i, it := range r.items {
		use := it.use()
		if use == nil || !it.scope.Root() {
			continue
		}
		it.Caches = slices.DeleteFunc(use.Mounts(), func(m cache.Mount) bool {
			return it.mountsAt(m.Target) || m.Tool.Name == "apt" && it.mountsAt(cache.DockerClean) ||
				r.isSet(r.items[:i], m.Tool) || r.holds(m.Target) || r.isRead(r.items[i+1:], m.Target)
		})
	}
	r.tellCaches()
}

// tellCaches says of each RUN whose downloads are kept.
func (r *stageReader) tellCaches() {
	tools := map[*Instruction][]string{}
	var order []*Instruction
	for _, it := range r.items {
		for _, m := range it.Caches {
			if tools[it.In] == nil {
				order = append(order, it.In)
			}
			if !slices.Contains(tools[it.In], m.Tool.Name) {
				tools[it.In] = append(tools[it.In], m.Tool.Name)
			}
		}
	}
	for _, in := range order {
		r.decide(in, Cached, "cache mount for the downloads of %s", strings.Join(tools[in], ", "))
	}
}

// mountsAt reports whether a RUN has a mount of its own that would meet one.
func (it *Item) mountsAt(target string) bool {
	return slices.ContainsFunc(it.In.mounts(it.scope), func(m *instructions.Mount) bool {
		own := m.Target
		if !path.IsAbs(own) {
			own = path.Join(it.scope.Dir, own)
		}
		own = path.Clean(own)
		return paths.Within(own, target) || paths.Within(target, own)
	})
}

// isSet reports whether the Dockerfile says by itself what a tool leaves in its
// directories, or has put something there, ahead of a step: then it gets just that.
func (r *stageReader) isSet(before []*Item, t cache.Tool) bool {
	for _, it := range before {
		if use := it.use(); use != nil && (use.Sets(t) || use.Leaves(t)) {
			return true
		}
		if src := sourcesOf(it.In.Command); t.IsSetting(func(file string) bool { return it.mayMake(src.DestPath, file) }) {
			return true
		}
	}
	return r.below != nil && r.below.isSet(r.below.items, t)
}

// mayMake reports whether COPY or ADD to a destination may make a file, or what
// is in it.
func (it *Item) mayMake(dest, file string) bool {
	if dest == "" {
		return false
	}
	if it.copy != nil {
		return slices.ContainsFunc(it.copy.files, func(name string) bool { return paths.Within(name, file) })
	}
	to, ok := it.scope.Expand(dest)
	if ok && !path.IsAbs(to) {
		to = path.Join(it.scope.Dir, to)
	}
	return !ok || paths.Within(path.Clean(to), file) || paths.Within(file, path.Clean(to))
}

// holds reports whether a copy puts files into a directory: a mount would hide
// them.
func (r *stageReader) holds(dir string) bool {
	return slices.ContainsFunc(r.items, func(it *Item) bool { return it.mayMake(sourcesOf(it.In.Command).DestPath, dir) }) ||
		r.below != nil && r.below.holds(dir)
}

// isRead reports whether a later step, or another stage, looks into a directory:
// then it has to hold what the Dockerfile says. The root as a whole does not
// count: that caches are not in it is documented.
func (r *stageReader) isRead(after []*Item, dir string) bool {
	for _, it := range after {
		if use := it.use(); use != nil && !use.Admits(dir) && !use.Clears(dir) || it.facts != nil && it.facts.opened {
			return true
		}
	}
	for _, s := range r.file.Stages[r.stage.Index+1:] {
		for _, in := range s.Instructions {
			if r.takes(s, in, dir) {
				return true
			}
		}
	}
	return false
}

// takes reports whether an instruction of a later stage copies or mounts a
// directory of this one, or a part of it.
func (r *stageReader) takes(s *Stage, in *Instruction, dir string) bool {
	reaches := func(from, source string) bool {
		from, ok := r.global.Expand(from)
		if ok && r.file.Stage(from, s.Index) != r.stage {
			return false
		}
		if known, _, open := strings.Cut(source, "$"); open {
			source = known + "*"
		}
		source = path.Clean("/" + source)
		ref := shell.PathRef{Path: source, Glob: glob.Has(source)}
		return source != "/" && cache.Reaches(&ref, dir)
	}
	switch cmd := in.Command.(type) {
	case *instructions.CopyCommand:
		return cmd.From != "" && slices.ContainsFunc(cmd.SourcePaths, func(source string) bool { return reaches(cmd.From, source) })
	case *instructions.RunCommand:
		return slices.ContainsFunc(in.mounts(r.global), func(m *instructions.Mount) bool {
			return m.From != "" && reaches(m.From, m.Source)
		})
	}
	return false
}
