//go:build full

package corpus

import "time"

// How many random Dockerfiles of each family are built, from a seed that is new in every run.

func usualRandom() number   { return number{now(), 40} }
func usualRecorded() number { return number{now(), 60} }
func usualKinds() number    { return number{now(), 60} }

func usualObserved() number { return number{20261201, 14} }

func usualNeverWorse() number { return number{now(), 100} }

// editsOfPast is how often a tree is edited that is replayed, editsOfTree how often one
// that is observed.
const (
	editsOfPast = 15
	editsOfTree = 22
)

func now() uint64 { return uint64(time.Now().UnixNano()) } //nolint:gosec // any number will do
