package rules

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/bench/scale"
)

// BenchmarkRun applies the rules to trees of more and more files. The time for each file must not grow with their number.
func BenchmarkRun(b *testing.B) {
	for _, n := range scale.Sizes() {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			require.NoError(b, scale.Write(dir, n))
			in := input(b, os.DirFS(dir))
			b.ReportAllocs()
			for b.Loop() {
				Run(in)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/file")
		})
	}
}
