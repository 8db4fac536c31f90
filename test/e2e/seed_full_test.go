//go:build full

package e2e

import "time"

// vanishSeed are new in every run, and each project meets every event.
func vanishSeed() (seed, count uint64, events int) { return uint64(time.Now().UnixNano()), 16, 4 } //nolint:gosec // any number will do
