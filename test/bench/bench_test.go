//go:build bench

package bench_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/bench"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestBench measures, prints, and writes what came out to .dev/benchmarks.json. BENCH is full, quick, profile or observed. With UPDATE set
// the results go into the documentation.
func TestBench(t *testing.T) {
	name := cmp.Or(os.Getenv("BENCH"), "full")
	mode, ok := bench.Modes()[name]
	require.True(t, ok, "BENCH is full, quick, profile or observed, not %q", name)
	update := os.Getenv("UPDATE") != ""
	file := "../../.dev/benchmarks.json"
	if update {
		file = "../../docs/benchmarks.json"
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))

	start := time.Now()
	runner := &bench.Runner{
		TB:   t,
		Mode: mode,
		Say: func(format string, args ...any) {
			fmt.Printf("%7s  %s\n", time.Since(start).Truncate(time.Second), fmt.Sprintf(format, args...))
		},
		Saved: func(r *bench.Results) error { return r.Save(file) },
	}
	results, err := runner.Run()
	require.NoError(t, err)
	fmt.Printf("\n%s\n", bench.Report(results))
	if update {
		require.NoError(t, bench.WriteInto("../../docs/benchmarks.md", results))
	}
	require.Empty(t, results.Failures())
}
