//go:build !full

package corpus

// How many random Dockerfiles of each family are built, from a fixed seed.

func usualRandom() number { return number{20261124, 15} }

func usualObserved() number { return number{20261130, 1} }

// editsOfTree is how often a tree is edited that is observed.
const editsOfTree = 4
