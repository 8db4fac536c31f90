package compile

import (
	"github.com/moby/buildkit/client/llb"
)

// Squashing names the vertices of a squash.
type Squashing struct{ Flatten, Diff, Merge llb.ConstraintsOpt }

// Squash returns the files of upper, which descends from lower: as lower and
// one layer of exactly what differs, or as one layer for everything where the
// daemon cannot merge and diff. The copy gives the differ two plain trees to
// compare, so that what was made and deleted in between is gone.
func Squash(lower, upper llb.State, mergeDiff bool, name Squashing, opts ...llb.ConstraintsOpt) llb.State {
	with := func(o llb.ConstraintsOpt) []llb.ConstraintsOpt {
		return append([]llb.ConstraintsOpt{o}, opts...)
	}
	flat := llb.Scratch().File(llb.Copy(upper, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}), with(name.Flatten)...)
	if !mergeDiff {
		return flat
	}
	diff := llb.Diff(lower, flat, with(name.Diff)...)
	return llb.Merge([]llb.State{lower, diff}, with(name.Merge)...)
}
