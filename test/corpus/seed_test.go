//go:build !full

package corpus

// How many random Dockerfiles of each family are built, from a fixed seed.

func usualRandom() number { return number{20261124, 15} }

func usualObserved() number { return number{20261130, 1} }

func usualNeverWorse() number { return number{20261201, 20} }

// editsOfPast is how often a tree is edited that is replayed, editsOfTree how often one
// that is observed.
const (
	editsOfPast = 6
	editsOfTree = 4
)
