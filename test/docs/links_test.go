// Package docs checks that what the documentation points at is there.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// pages returns all documentation, by its path in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".md" {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err = filepath.Rel(root, file)
		out[name] = string(data)
		return err
	})
	require.NoError(t, err)
	require.Contains(t, out, "README.md")
	return out
}

var (
	fences = regexp.MustCompile("(?s)```.*?```")
	links  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	spans  = regexp.MustCompile("`([^`\n]+)`")
	// repositoryPath is code that names a file of this repository: it starts
	// with one of its folders. An example's own setup/ and config/ do not.
	repositoryPath = regexp.MustCompile(`^(\.ci|\.dev|check|cmd|docs|examples|frontend|graph|hack|llb|shell|spec|test)/[\w./*-]*$`)
)

// A merge that was not finished leaves its marks, which nothing else would find in a page.
func TestNoMergeIsLeftUnfinished(t *testing.T) {
	for page, text := range pages(t) {
		for line := range strings.Lines(text) {
			for _, mark := range []string{"<<<<<<< ", ">>>>>>> "} {
				assert.False(t, strings.HasPrefix(line, mark), "%s: %s", page, line)
			}
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, m := range links.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			link := m[1]
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			target, anchor, _ := strings.Cut(link, "#")
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			_, err := os.Stat(filepath.Join(root, file))
			if !assert.NoError(t, err, "%s: link to %s", page, link) || anchor == "" {
				continue
			}
			assert.Contains(t, anchors(all[file]), anchor, "%s: link to %s", page, link)
		}
	}
}

// anchors returns the names that GitHub gives to a page's headings.
func anchors(text string) []string {
	var out []string
	for line := range strings.Lines(fences.ReplaceAllString(text, "")) {
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		title = strings.ToLower(strings.TrimSpace(title))
		title = regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(title, "")
		out = append(out, strings.ReplaceAll(title, " ", "-"))
	}
	return out
}

func TestNamedFilesAreThere(t *testing.T) {
	for page, text := range pages(t) {
		// Of the reference and the rules, paths are those of a user's tree.
		if page != "README.md" && (filepath.Dir(page) != "docs" || page == "docs/build-file.md") {
			continue
		}
		for _, m := range spans.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			name := m[1]
			if !repositoryPath.MatchString(name) || strings.HasPrefix(name, ".dev/") {
				continue
			}
			found, err := filepath.Glob(filepath.Join(root, name))
			require.NoError(t, err)
			assert.NotEmpty(t, found, "%s names %s", page, name)
		}
	}
}
