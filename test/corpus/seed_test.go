//go:build !full

package corpus

// usual are the seed and the number of random Dockerfiles.
func usual() (seed, count uint64) { return 20261124, 15 }
