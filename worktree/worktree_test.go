package worktree_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/worktree"
)

// folder writes files, and links where the text begins with an arrow.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		if target, ok := cutArrow(text); ok {
			require.NoError(t, os.Symlink(target, full))
			continue
		}
		require.NoError(t, os.WriteFile(full, []byte(text), 0o644))
		require.NoError(t, os.Chmod(full, 0o640))
	}
	return dir
}

func cutArrow(text string) (string, bool) {
	const arrow = "-> "
	if len(text) > len(arrow) && text[:len(arrow)] == arrow {
		return text[len(arrow):], true
	}
	return "", false
}

func files() map[string]string {
	return map[string]string{
		"setup/a.sh":       "a",
		"setup/deep/b.sh":  "b",
		"setup/link":       "-> deep/b.sh",
		"setup/out":        "-> ../../../etc/passwd",
		"setup/loop":       "-> loop",
		"other/c":          "c",
		"linked":           "-> setup/deep",
		"notes/x.bak":      "x",
		".dockerignore":    "**/*.bak\n",
		"Image.dockerfile": "base: x\n",
	}
}

// all lists the files of a tree.
func all(t *testing.T, context fs.FS) []string {
	t.Helper()
	var out []string
	require.NoError(t, fs.WalkDir(context, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, name)
		}
		return err
	}))
	return out
}

func TestFilter(t *testing.T) {
	source, err := worktree.Dir(folder(t, files()))
	require.NoError(t, err)
	exclude, err := worktree.Ignored(source, source, "Image.dockerfile")
	require.NoError(t, err)
	assert.Equal(t, []string{"**/*.bak"}, exclude)
	for name, tc := range map[string]struct {
		filter worktree.Filter
		want   []string
	}{
		"everything":   {worktree.Filter{Exclude: exclude}, []string{".dockerignore", "Image.dockerfile", "linked", "other/c", "setup/a.sh", "setup/deep/b.sh", "setup/link", "setup/loop", "setup/out"}},
		"paths":        {worktree.Filter{Exclude: exclude, Paths: []string{"other", "notes"}}, []string{"other/c"}},
		"a link's end": {worktree.Filter{Paths: []string{"linked"}}, []string{"linked", "setup/deep/b.sh"}},
		"globs":        {worktree.Filter{Globs: []string{"*/c"}}, []string{"other/c"}},
	} {
		t.Run(name, func(t *testing.T) {
			context, err := worktree.New(source, tc.filter)
			require.NoError(t, err)
			assert.Equal(t, tc.want, all(t, context))
		})
	}
}

func TestIgnoreFileBesideTheBuildFile(t *testing.T) {
	tree := files()
	tree["Image.dockerfile.dockerignore"] = "other\n"
	source, err := worktree.Dir(folder(t, tree))
	require.NoError(t, err)
	exclude, err := worktree.Ignored(source, source, "Image.dockerfile")
	require.NoError(t, err)
	assert.Equal(t, []string{"other"}, exclude)
}

func TestLinksAreFollowedInsideTheContext(t *testing.T) {
	source, err := worktree.Dir(folder(t, files()))
	require.NoError(t, err)
	context, err := worktree.New(source, worktree.Filter{})
	require.NoError(t, err)
	for _, name := range []string{"setup/link", "linked/b.sh"} {
		data, err := fs.ReadFile(context, name)
		require.NoError(t, err, name)
		assert.Equal(t, "b", string(data))
	}
	info, err := context.Lstat("setup/link")
	require.NoError(t, err)
	assert.Equal(t, fs.ModeSymlink, info.Mode().Type())
	info, err = context.Stat("setup/link")
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o640), info.Mode())
	target, err := context.ReadLink("setup/link")
	require.NoError(t, err)
	assert.Equal(t, "deep/b.sh", target)
	for _, name := range []string{"setup/out", "setup/loop", "missing", "other/c/d"} {
		_, err := context.Stat(name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
	}
	_, err = context.ReadLink("other/c")
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = context.ReadDir("other/c")
	require.Error(t, err)
}

func TestRevision(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "image")
	require.NoError(t, os.CopyFS(dir, os.DirFS(folder(t, map[string]string{"setup/a.sh": "one", "setup/a/b": "b", "c": "c", "notes.bak": "x"}))))
	require.NoError(t, os.Symlink("a.sh", filepath.Join(dir, "setup/link")))
	require.NoError(t, os.Chmod(filepath.Join(dir, "setup/a.sh"), 0o700))
	git := func(args ...string) {
		out, err := exec.Command("git", append([]string{"-C", top, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "one")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "setup/a.sh"), []byte("two"), 0o600))

	source, err := worktree.Revision(t.Context(), dir, "HEAD")
	require.NoError(t, err)
	context, err := worktree.New(source, worktree.Filter{Exclude: []string{"*.bak"}, Paths: []string{"setup"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"setup/a/b", "setup/a.sh", "setup/link"}, all(t, context))
	data, err := fs.ReadFile(context, "setup/link")
	require.NoError(t, err)
	assert.Equal(t, "one", string(data))
	info, err := fs.Stat(context, "setup/a.sh")
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o755), info.Mode())

	_, err = worktree.Revision(t.Context(), dir, "--help")
	require.ErrorContains(t, err, `"--help" is no revision`)
	_, err = worktree.Revision(t.Context(), t.TempDir(), "HEAD")
	require.ErrorContains(t, err, "git rev-parse")
}
