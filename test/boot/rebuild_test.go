package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The tests that the build file names pass on the daemon, without setup
// running again.
func testTestTargetPasses(t *testing.T, img *image) {
	trace := img.build(t, testenv.Example(t, img.folder), map[string]string{"target": "test", "no-cache": "test"})
	assert.True(t, trace.Ran("[test] a server starts, answers and stops"), "%s", trace)
	assert.Empty(t, setupRan(trace), "%s", trace)
}

// An edited entrypoint script runs no setup again; a changed arg only what uses
// it and what comes after.
func testWhatRunsAgain(t *testing.T, img *image) {
	dir := testenv.Example(t, img.folder)
	edit, err := os.OpenFile(filepath.Join(dir, "entrypoint.d/entrypoint.sh"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = edit.WriteString("# edited for " + img.name + "\n") // no two examples' edits are the same
	require.NoError(t, err)
	require.NoError(t, edit.Close())
	trace := img.build(t, dir, map[string]string{"target": "image"})
	assert.Empty(t, setupRan(trace), "%s", trace)
	assert.True(t, trace.Ran("[entrypoint] entrypoint: /entrypoint.sh"), "%s", trace)

	if img.arg == "" {
		return
	}
	// There is no such version, so the build goes as far as the first step that
	// runs again. What comes after it is not taken from the cache.
	trace, err = img.attempt(t, dir, map[string]string{"target": "image", "build-arg:" + img.arg: "0.0.1"})
	require.Error(t, err)
	assert.Equal(t, img.again[:1], setupRan(trace), "%s", trace)
	for _, step := range img.again {
		assert.NotEmpty(t, trace.Find(step), "%s\n%s", step, trace)
		for _, v := range trace.Find("] " + step) {
			assert.False(t, v.Cached, "%s\n%s", step, trace)
		}
	}
}

// setupRan lists the steps of setup that ran, by their labels.
func setupRan(trace *testenv.Trace) []string {
	var ran []string
	for _, name := range trace.RanNames() {
		if group, label, ok := strings.Cut(name, "] "); ok && strings.HasPrefix(group, "[setup") {
			label, _, _ = strings.Cut(label, " (fresh since")
			ran = append(ran, label)
		}
	}
	slices.Sort(ran)
	return slices.Compact(ran)
}
