package llb

import (
	bk "github.com/moby/buildkit/client/llb"
)

// Squashing names the vertices of a squash.
type Squashing struct{ Flatten, Diff, Merge bk.ConstraintsOpt }

// Squash returns the files of upper, which descends from lower: as lower and
// one layer of exactly what differs, or as one layer for everything where the
// daemon cannot merge and diff. The copy gives the differ two plain trees to
// compare, so that what was made and deleted in between is gone.
func Squash(lower, upper bk.State, mergeDiff bool, name Squashing, opts ...bk.ConstraintsOpt) bk.State {
	with := func(o bk.ConstraintsOpt) []bk.ConstraintsOpt {
		return append([]bk.ConstraintsOpt{o}, opts...)
	}
	flat := bk.Scratch().File(bk.Copy(upper, "/", "/", &bk.CopyInfo{CopyDirContentsOnly: true}), with(name.Flatten)...)
	if !mergeDiff {
		return flat
	}
	diff := bk.Diff(lower, flat, with(name.Diff)...)
	return bk.Merge([]bk.State{lower, diff}, with(name.Merge)...)
}
