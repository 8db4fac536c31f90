//go:build !full

package corpus

// How many random Dockerfiles of each family are built, from a fixed seed.

func usualRandom() number { return number{20261124, 15} }
