//go:build !linux

package trace

import (
	"fmt"
	"os"
)

// Stub does nothing: programs are traced on Linux alone.
func Stub() {}

// Main needs Linux, where steps of builds run.
func Main([]string) int {
	fmt.Fprintln(os.Stderr, "pgstrata: trace: programs can be traced on Linux alone")
	return 2
}
