//go:build full

package corpus

import "time"

// usualSeed is new in every run.
func usualSeed() uint64 { return uint64(time.Now().UnixNano()) } //nolint:gosec // any number will do
