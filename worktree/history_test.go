package worktree_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/worktree"
)

func TestHistory(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) { testHistory(t, format) })
	}
}

func testHistory(t *testing.T, format string) {
	top := t.TempDir()
	dir := filepath.Join(top, "image one")
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", top, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-02-03T04:05:06Z")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	write := func(name, text string) {
		full := filepath.Join(top, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(text), 0o600))
	}
	commit := func(subject string) string {
		git("add", "--all")
		git("commit", "--quiet", "--allow-empty", "--message", subject)
		return git("rev-parse", "HEAD")
	}
	git("init", "--quiet", "--initial-branch=main", "--object-format="+format)
	_, err := worktree.OpenHistory(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "git rev-parse")

	write("other", "x")
	first := commit("before the folder\n\nwith more words")
	write("image one/a", "a text that is long enough to be known again\n")
	write("image one/deep/b c", "b")
	require.NoError(t, os.Symlink("a", filepath.Join(dir, "link")))
	second := commit("made")
	git("mv", "image one/a", "image one/z")
	require.NoError(t, os.Remove(filepath.Join(dir, "deep/b c")))
	write("other", "y")
	third := commit("renamed and deleted")
	git("checkout", "--quiet", "-b", "side")
	write("image one/side", "s")
	side := commit("on the side")
	git("checkout", "--quiet", "main")
	fourth := commit("empty")
	git("merge", "--quiet", "--no-ff", "--message", "merge", "side")
	merge := git("rev-parse", "HEAD")

	h, err := worktree.OpenHistory(t.Context(), dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, h.Close()) }()
	log, err := h.Commits(worktree.Range{FirstParent: true})
	require.NoError(t, err)
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	assert.Equal(t, []worktree.Commit{
		{ID: first, Parents: []string{}, Time: at, Subject: "before the folder"},
		{ID: second, Parents: []string{first}, Time: at, Subject: "made", Changes: []worktree.Change{{Path: "a"}, {Path: "deep/b c"}, {Path: "link"}}},
		{ID: third, Parents: []string{second}, Time: at, Subject: "renamed and deleted", Changes: []worktree.Change{{Path: "deep/b c", Deleted: true}, {Path: "z", From: "a"}}},
		{ID: fourth, Parents: []string{third}, Time: at, Subject: "empty"},
		{ID: merge, Parents: []string{fourth, side}, Time: at, Subject: "merge", Changes: []worktree.Change{{Path: "side"}}},
	}, log)
	part, err := h.Commits(worktree.Range{Since: second, Most: 2, FirstParent: true})
	require.NoError(t, err)
	assert.Equal(t, log[3:], part)
	every, err := h.Commits(worktree.Range{Since: third})
	require.NoError(t, err)
	assert.ElementsMatch(t, []worktree.Commit{
		{ID: side, Parents: []string{third}, Time: at, Subject: "on the side", Changes: []worktree.Change{{Path: "side"}}},
		log[3],
		{ID: merge, Parents: []string{fourth, side}, Time: at, Subject: "merge"},
	}, every, "a merge has the changes of its branch in their own commits")
	assert.Equal(t, merge, every[2].ID, "after its parents")

	// What is excluded is no part of a sum, and all else is.
	sum := func(commit string, exclude ...string) string {
		source, _, err := h.Tree(commit)
		require.NoError(t, err)
		out, err := worktree.Sum(source, exclude)
		require.NoError(t, err)
		return out
	}
	assert.Equal(t, sum(third), sum(fourth))
	assert.NotEqual(t, sum(third), sum(side))
	assert.Equal(t, sum(third), sum(side, "side"))
	assert.NotEqual(t, sum(second, "a"), sum(third, "z"))

	_, _, err = h.Tree(first)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, _, err = h.Tree("no\nhash")
	require.ErrorIs(t, err, fs.ErrNotExist)
	source, name, err := h.Tree(second)
	require.NoError(t, err)
	context, err := worktree.New(source, worktree.Filter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "deep/b c", "link"}, all(t, context))
	data, err := fs.ReadFile(context, "link")
	require.NoError(t, err)
	assert.Equal(t, "a text that is long enough to be known again\n", string(data))
	_, same, err := h.Tree(third)
	require.NoError(t, err)
	assert.NotEqual(t, name, same)
	_, again, err := h.Tree(fourth)
	require.NoError(t, err)
	assert.Equal(t, same, again, "an empty commit has the same files")

	// What is about to be added comes with each commit, and replaces nothing.
	for name, text := range map[string]string{"a": "not that one", "new/run.sh": "text", "ignored": "", ".gitignore": "ignored\n"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	require.NoError(t, os.Symlink("run.sh", filepath.Join(dir, "new/link")))
	source, _, err = h.TreeAndNew(second)
	require.NoError(t, err)
	added, err := worktree.New(source, worktree.Filter{})
	require.NoError(t, err)
	assert.Equal(t, []string{".gitignore", "a", "deep/b c", "link", "new/link", "new/run.sh"}, all(t, added))
	data, err = fs.ReadFile(added, "a")
	require.NoError(t, err)
	assert.Equal(t, "a text that is long enough to be known again\n", string(data))
	data, err = fs.ReadFile(added, "new/link")
	require.NoError(t, err)
	assert.Equal(t, "text", string(data))

	// It is what Revision says.
	revision, err := worktree.Revision(t.Context(), dir, second)
	require.NoError(t, err)
	other, err := worktree.New(revision, worktree.Filter{})
	require.NoError(t, err)
	assert.Equal(t, all(t, other), all(t, context))
}
