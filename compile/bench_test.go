package compile

import (
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/test/bench/scale"
)

// BenchmarkCompile goes from a build file and its tree to the definition, for trees of more and more files. The time for
// each file must not grow with their number.
func BenchmarkCompile(b *testing.B) {
	for _, n := range scale.Sizes() {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			require.NoError(b, scale.Write(dir, n))
			context := os.DirFS(dir)
			text, err := fs.ReadFile(context, "Dockerfile")
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				f, err := spec.Load("Dockerfile", text, spec.Options{})
				require.NoError(b, err)
				require.NoError(b, f.Discover(context))
				g, err := graph.New(f, context, graph.Options{Platform: "linux/amd64", Now: time.Unix(1_800_000_000, 0)})
				require.NoError(b, err)
				opt := testOptions()
				states, err := Graph(g, opt)
				require.NoError(b, err)
				_, err = states.Image.Marshal(b.Context(), llb.WithCaps(*opt.Caps))
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/file")
		})
	}
}
