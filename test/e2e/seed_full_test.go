//go:build full

package e2e

import "time"

// vanishSeed are new in every run.
func vanishSeed() (seed, count uint64) { return uint64(time.Now().UnixNano()), 24 } //nolint:gosec // any number will do
