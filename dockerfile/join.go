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
func (a *arranger) join(target *Stage) *Stage {
	for {
		from, to := a.joinable(target)
		if from == nil {
			return target
		}
		one := *to
		one.From, one.Base, one.Platform = from.From, from.Base, from.Platform
		one.Instructions = slices.Concat(from.beneath(to), to.Instructions)
		file := *a.file // the caller's stays as it is
		file.Stages = slices.Clone(file.Stages)
		file.Stages[to.Index] = &one
		a.file = &file
		if a.joined[to.Name] = append(a.joined[to.Name], from.Name); target == to {
			target = &one
		}
	}
}

// joinable is a stage and the one that is built on it alone.
func (a *arranger) joinable(target *Stage) (from, to *Stage) {
	scopes, readers := map[*Stage]*Scope{}, map[*Stage]*stageReader{}
	a.scopes, a.readers = scopes, readers
	needed := a.needed(target)
	for _, s := range a.file.Stages[:target.Index+1] {
		r := a.reader(s)
		r.walk(r.read)
		scopes[s], readers[s] = r.scope, r
		base := a.base(s)
		if base != nil && needed[s] && r.groups > 0 && s.Platform == "" && base.Platform == "" && declares(base) && !slices.ContainsFunc(base.Instructions, isOnbuild) && a.uses(base, needed) == 1 {
			return base, s
		}
	}
	return nil, nil
}

// beneath are a stage's instructions as a part of the one that is built on it: an
// ENTRYPOINT there takes its CMD away.
func (s *Stage) beneath(upper *Stage) []*Instruction {
	if !slices.ContainsFunc(upper.Instructions, func(in *Instruction) bool {
		_, ok := in.Command.(*instructions.EntrypointCommand)
		return ok
	}) {
		return s.Instructions
	}
	return slices.DeleteFunc(slices.Clone(s.Instructions), isCmd)
}

func declares(s *Stage) bool {
	return slices.ContainsFunc(s.Instructions, func(in *Instruction) bool {
		_, ok := in.Command.(*instructions.ArgCommand)
		return ok
	})
}

// uses counts how often the stages of a build refer to a stage.
func (a *arranger) uses(s *Stage, needed map[*Stage]bool) int {
	n := 0
	for other := range needed {
		if a.base(other) == s {
			n++
		}
		for _, in := range other.Instructions {
			for _, from := range a.froms(in) {
				if a.file.Stage(from, other.Index) == s {
					n++
				}
			}
		}
	}
	return n
}
