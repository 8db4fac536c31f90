//go:build !full

package corpus

// usualSeed is the same in every run, so that nobody's change fails for a
// mistake of somebody else's. `make test-full` draws a new one each time.
func usualSeed() uint64 { return 20261124 }
