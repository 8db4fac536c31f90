//go:build full

package corpus

import "time"

// usual are the seed, new in every run, and the number of random Dockerfiles.
func usual() (seed, count uint64) { return uint64(time.Now().UnixNano()), 40 } //nolint:gosec // any number will do
