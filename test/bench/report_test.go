package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func some() *Results {
	return &Results{
		Date: "2026-01-31", Mode: "quick", Minutes: 8,
		Machine: Machine{CPU: "Some CPU", Cores: 2, MemoryGB: 16, Kernel: "6.1", BuildKit: "v0.1", GoVersion: "1.26", Load: 0.1},
		Rows: []RowResult{
			{Name: Cold, Cells: map[string]Cell{
				Naive:    {Seconds: []float64{100}, Ran: 5, Size: 3e8, Layers: 7},
				Best:     {Seconds: []float64{60}, Ran: 20, Size: 1e8, Layers: 9},
				Pgstrata: {Seconds: []float64{45}, Ran: 21, Size: 1e8, Layers: 8},
				Chain:    {Seconds: []float64{90}, Ran: 15},
				Observed: {Seconds: []float64{54}, Ran: 22},
			}},
			{Name: Entrypoint, Cells: map[string]Cell{
				Naive:    {Seconds: []float64{80}},
				Best:     {Seconds: []float64{0.5, 0.3, 0.4}},
				Rival:    {Seconds: []float64{0.4}},
				Direct:   {Seconds: []float64{0.6}},
				Pgstrata: {Seconds: []float64{0.43, 0.45}, Ran: 2, Cached: 40, Sent: 2100, New: 1, Pushed: 900, Memory: 30e6},
				Floor:    {Seconds: []float64{0.3}},
			}},
			{Name: "utility edited", Cells: map[string]Cell{
				Naive:    {Like: Entrypoint},
				Best:     {Seconds: []float64{0.5}},
				Pgstrata: {Error: "failed"},
			}},
		},
		Overhead: []OverheadResult{{Frontend: "pgstrata", Files: 100, Scripts: 50, Platforms: 1, Seconds: []float64{0.05}, Memory: 4e7, Vertices: 70, Definition: 20480}},
	}
}

func TestReport(t *testing.T) {
	text := Report(some())
	for _, line := range []string{
		"| cold build | 100 s | 60 s |  | 45 s | 0.45 | 0.75 |  |  |  |  |  |  |  |",
		"| entrypoint script edited | 80 s | 0.40 s | 0.40 s | 0.44 s | 0.005 | 1.10 | 1.10 | 0.60 s | 1.50 |  |  | 0.30 s |  |",
		"| utility edited | ≈ 80 s | 0.50 s |  | failed |  |  |  |  |  |  |  |  |  |",
		"| entrypoint script edited | 0 / 0 · 0 B · no layer | 0 / 0 · 0 B · no layer | 2 / 40 · 2.1 kB · 1 new, 900 B |  |",
		"| cold build | 90 s | 15 | 54 s | 22 | 0.60 | 0.90 |",
		"| pgstrata | 100.0 MB | 8 |  | 30.0 MB |",
		"| 100 | 50 | 1 | pgstrata | 50 ms | 500 µs | 40.0 MB | 70 | 20.5 kB |",
	} {
		assert.Contains(t, text, line+"\n")
	}
	assert.Equal(t, []string{"utility edited: pgstrata: failed"}, some().Failures())
}

func TestGoals(t *testing.T) {
	met := map[string]bool{}
	for _, g := range some().Goals() {
		met[g.Text+" | "+g.Measured] = g.Met
	}
	for goal, want := range map[string]bool{
		"an edit of the entrypoint script takes at most 1.5 times an empty solve | 1.47 (0.44 s, 0.30 s)":                                                           true,
		"… and at most 2 % of what the naive Dockerfile takes | 0.0055 (0.44 s, 80 s)":                                                                              true,
		"no row is slower than with the best Dockerfile by docker/dockerfile, which runs in a container as well, by more than 5 % | entrypoint script edited: 1.10": false,
		"no row is slower than with the best Dockerfile by the frontend in the daemon by more than 15 % | none":                                                     true,
		"pgstrata build, without a container: the same | entrypoint script edited: 1.50":                                                                            false,
		"a cold build is at least 20 % faster than with the best Dockerfile | 0.75 (45 s, 60 s)":                                                                    true,
		"the image is no larger than the best Dockerfile's | 100.0 MB, 100.0 MB":                                                                                    true,
		"after an edit of the entrypoint script its own layer alone is pushed | 1 new, 900 B":                                                                       true,
		"the unchanged naive Dockerfile: no row is slower through pgstrata by more than 5 % | not measured":                                                         false,
		"the unchanged naive Dockerfile, cleanup script edited: five times faster through pgstrata | not measured":                                                  false,
	} {
		got, ok := met[goal]
		assert.True(t, ok, "%s\nis none of\n%v", goal, met)
		assert.Equal(t, want, got, goal)
	}
}

func TestMedian(t *testing.T) {
	assert.Zero(t, Median(nil))
	assert.InDelta(t, 2, Median([]float64{3, 1, 2}), 0)
	assert.InDelta(t, 2.5, Median([]float64{4, 1, 2, 3}), 0)
}

func TestSent(t *testing.T) {
	statuses := `{"statuses":[{"id":"transferring context:","vertex":"sha256:a","current":10}]}
{"statuses":[{"id":"transferring context:","vertex":"sha256:a","current":30},{"id":"transferring dockerfile:","vertex":"sha256:b","current":5}]}
{"statuses":[{"id":"exporting layers","vertex":"sha256:c","current":99}]}
an error of the command's own
`
	assert.Equal(t, int64(35), sent(statuses))
}

// A report takes the place of the one before, and of nothing else.
func TestWriteInto(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(file, []byte("before\n"+begin+"outdated\n"+end+"after\n"), 0o600))
	require.NoError(t, WriteInto(file, some()))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(data)
	assert.True(t, strings.HasPrefix(text, "before\n"+begin) && strings.HasSuffix(text, end+"after\n"), text)
	assert.NotContains(t, text, "outdated")
	require.NoError(t, os.WriteFile(file, []byte("no place\n"), 0o600))
	assert.ErrorContains(t, WriteInto(file, some()), "no place for results")
}
