//go:build !full

package e2e

// vanishSeed are the seed, the number of random projects and that of events for
// each: the same in every run, so that nobody's change fails for a mistake of somebody else's.
func vanishSeed() (seed, count uint64, events int) { return 20261130, 4, 1 }
