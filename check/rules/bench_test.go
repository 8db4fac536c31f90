package rules

import (
	"os"
	"testing"

	"github.com/pgstrata/pgstrata/test/bench/scale"
)

// BenchmarkRun applies the rules to trees of more and more files.
func BenchmarkRun(b *testing.B) {
	scale.Benchmark(b, func(b *testing.B, dir string) func() {
		b.Helper()
		in := input(b, os.DirFS(dir))
		return func() { Run(in) }
	})
}
