package dockerfile

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// A stage whose driver is split is often built on one that only declares: FROM
// image AS base, ARGs, FROM base AS setup. Where nothing else uses that base, the
// two are one stage, and its ARGs reach the steps that read them.

// join makes one stage of a stage with split drivers and the one that it is built
// on, as often as that is possible.
func (w *writer) join(target *Stage) *Stage {
	for {
		from, to := w.joinable(target)
		if from == nil {
			return target
		}
		one := *to
		one.From, one.Base, one.Platform = from.From, from.Base, from.Platform
		one.Instructions = slices.Concat(from.Instructions, to.Instructions)
		file := *w.file // the caller's stays as it is
		file.Stages = slices.Clone(file.Stages)
		file.Stages[to.Index] = &one
		w.file = &file
		if w.joined[to.Name] = append(w.joined[to.Name], from.Name); target == to {
			target = &one
		}
	}
}

// joinable is a stage and the one that is built on it alone.
func (w *writer) joinable(target *Stage) (from, to *Stage) {
	scopes, readers := map[*Stage]*scope{}, map[*Stage]*stageReader{}
	w.scopes, w.readers = scopes, readers
	needed := w.needed(target)
	for _, s := range w.file.Stages[:target.Index+1] {
		r := w.reader(s)
		r.read()
		scopes[s], readers[s] = r.scope, r
		base := w.file.Stage(w.baseName(s), s.Index)
		if base != nil && needed[s] && r.groups > 0 && s.Platform == "" && base.Platform == "" && declares(base) && w.uses(base, needed) == 1 {
			return base, s
		}
	}
	return nil, nil
}

func declares(s *Stage) bool {
	return slices.ContainsFunc(s.Instructions, func(in *Instruction) bool {
		_, ok := in.Command.(*instructions.ArgCommand)
		return ok
	})
}

// uses counts how often the stages of a build refer to a stage.
func (w *writer) uses(s *Stage, needed map[*Stage]bool) int {
	n := 0
	for other := range needed {
		if w.file.Stage(w.baseName(other), other.Index) == s {
			n++
		}
		for _, in := range other.Instructions {
			for _, from := range w.froms(in) {
				if w.file.Stage(from, other.Index) == s {
					n++
				}
			}
		}
	}
	return n
}
