package plan_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/test/bench/scale"
)

// BenchmarkPlan makes the record of a build and compares it with the last one, for trees of more and more files. The
// definition is made once.
func BenchmarkPlan(b *testing.B) {
	scale.Benchmark(b, func(b *testing.B, dir string) func() {
		b.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		require.NoError(b, err)
		builds, err := frontend.Offline{
			Name: "Dockerfile", Data: text, Options: map[string]string{}, Now: time.Unix(1_800_000_000, 0),
			Context: func(_, _ []string) (fs.FS, error) { return os.DirFS(dir), nil },
			Last: func(string) *plan.Record {
				return &plan.Record{Bases: map[string]plan.Base{debian: {Digest: "sha256:" + strings.Repeat("1", 64), Layers: "sha256:aa"}}}
			},
		}.Resolve()
		require.NoError(b, err)
		last, err := builds[0].Record()
		require.NoError(b, err)
		return func() {
			record, err := builds[0].Record()
			require.NoError(b, err)
			require.Empty(b, plan.Compare(last, record).Runs())
		}
	})
}
