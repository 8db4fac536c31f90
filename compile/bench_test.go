package compile

import (
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

// BenchmarkCompile goes from a build file and its tree to the definition, for trees of more and more files.
func BenchmarkCompile(b *testing.B) {
	scale.Benchmark(b, func(b *testing.B, dir string) func() {
		b.Helper()
		context := os.DirFS(dir)
		text, err := fs.ReadFile(context, "Dockerfile")
		require.NoError(b, err)
		return func() {
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
	})
}
