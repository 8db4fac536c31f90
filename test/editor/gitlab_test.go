//go:build full

package editor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The recipe of docs/ci.md is what GitLab's own schema takes.
func TestGitLabRecipe(t *testing.T) {
	page, err := os.ReadFile("../../docs/ci.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(page), "\n## GitLab\n")
	require.True(t, ok)
	_, rest, ok = strings.Cut(rest, "\n```yaml\n")
	require.True(t, ok)
	recipe, _, ok := strings.Cut(rest, "\n```\n")
	require.True(t, ok)

	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	schema := filepath.Join(cache, "pgstrata/editor/gitlab.json")
	s := start(t)
	found := s.openBy(schema, "gitlab-ci.yml", recipe)
	assert.Empty(t, found.Diagnostics)
	found = s.openBy(schema, "broken.yml", strings.Replace(recipe, "\nbuild:\n", "\nimage:\n", 1)) // no job: the image of all jobs
	assert.NotEmpty(t, found.Diagnostics)
}
