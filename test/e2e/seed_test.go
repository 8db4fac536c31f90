//go:build !full

package e2e

// vanishSeed are the seed and the number of random projects: the same in every
// run, so that nobody's change fails for a mistake of somebody else's.
func vanishSeed() (seed, count uint64) { return 20261130, 4 }
