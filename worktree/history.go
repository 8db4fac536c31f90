package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// History is the git history of a folder: one process of git tells the
// contents of all its commits. It must be closed.
type History struct {
	git    git
	prefix string // of the folder in the repository
	store  *store
	trees  map[string][]treeEntry
	// untracked lists what git does not know yet.
	untracked func() ([]string, error)
}

// Commit is a commit as a folder sees it.
type Commit struct {
	// ID is the commit's hash, Parents those of its parents, the first first.
	ID      string
	Parents []string
	// Time is the committer's.
	Time time.Time
	// Subject is the first line of its message.
	Subject string
	// Changes are the files of the folder that differ from the parent's: a merge has
	// none, unless merges stand for what was on their branches.
	Changes []Change
}

// Change is one file that a commit changed, made or deleted.
type Change struct {
	// Path is relative to the folder.
	Path string
	// From is the file's name before, of one that was renamed.
	From string
	// Deleted tells that it is no longer there.
	Deleted bool
}

// OpenHistory opens the git history of a folder.
func OpenHistory(ctx context.Context, dir string) (*History, error) {
	h := &History{git: git{ctx, dir}, trees: map[string][]treeEntry{}}
	prefix, err := h.git.run("rev-parse", "--show-prefix")
	if err != nil {
		return nil, err
	}
	h.prefix = strings.TrimSuffix(strings.TrimSuffix(string(prefix), "\n"), "/")
	h.untracked = sync.OnceValues(h.new)
	h.store, err = openStore(ctx, dir)
	return h, err
}

// Close ends the process.
func (h *History) Close() error { return h.store.close() }

// Range says which commits of a history are meant.
type Range struct {
	// Since is a revision: the commits after it; "" for all.
	Since string
	// Most is how many of the newest, 0 for all.
	Most int
	// FirstParent leaves out what was on branches: a merge stands for it.
	FirstParent bool
}

// Commits returns commits that HEAD comes from, each after its parents.
func (h *History) Commits(r Range) ([]Commit, error) {
	args := []string{
		"-c", "log.showSignature=false", "log", "--topo-order", "--relative", "--diff-merges=off",
		"-z", "--name-status", "--find-renames", "--no-color", "--format=format:%H%x00%P%x00%ct%x00%s",
	}
	if r.FirstParent {
		args = append(args, "--first-parent", "--diff-merges=first-parent")
	}
	if r.Most > 0 {
		args = append(args, "--max-count="+strconv.Itoa(r.Most))
	}
	if _, err := h.git.commit("HEAD"); err != nil {
		return nil, fmt.Errorf("the git repository of %s has no commit yet", h.git.dir)
	}
	rng := "HEAD"
	if r.Since != "" {
		id, err := h.git.commit(r.Since)
		if err != nil {
			return nil, err
		}
		rng = id + "..HEAD"
	}
	out, err := h.git.run(append(args, rng, "--")...)
	if err != nil {
		return nil, err
	}
	return parseLog(string(out))
}

// parseLog reads the log: of each commit four fields, the last of them with a
// line end and the first change behind it where there are any, then its
// changes, then an empty field if it had some.
func parseLog(text string) ([]Commit, error) {
	var out []Commit
	fields := strings.Split(strings.TrimSuffix(text, "\x00"), "\x00")
	next := func() string {
		if len(fields) == 0 {
			return ""
		}
		f := fields[0]
		fields = fields[1:]
		return f
	}
	for len(fields) > 0 {
		c := Commit{ID: next()}
		if c.ID == "" {
			continue
		}
		c.Parents = strings.Fields(next())
		seconds, err := strconv.ParseInt(next(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git log: cannot read the time of commit %q: %w", c.ID, err)
		}
		c.Time = time.Unix(seconds, 0).UTC()
		subject, status, _ := strings.Cut(next(), "\n")
		c.Subject = subject
		for status != "" {
			change := Change{Path: next(), Deleted: status[0] == 'D'}
			if status[0] == 'R' {
				change.From, change.Path = change.Path, next()
			}
			c.Changes = append(c.Changes, change)
			status = next()
		}
		out = append(out, c)
	}
	slices.Reverse(out)
	return out, nil
}

// Tree returns the folder's files in a commit, and a name for all of it: two
// commits with one name have the same files. Its error is [fs.ErrNotExist]
// where the commit has no such folder.
func (h *History) Tree(commit string) (Source, string, error) {
	r, name, err := h.tree(commit)
	if err != nil {
		return nil, "", err
	}
	r.finish()
	return r, name, nil
}

func (h *History) tree(commit string) (*revision, string, error) {
	kind, id, _, err := h.store.get(commit + ":" + h.prefix)
	if err == nil && kind != "tree" {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, "", err
	}
	r := newRevision(h.store.blob)
	if err := h.fill(r, id, ""); err != nil {
		return nil, "", err
	}
	return r, id, nil
}

// TreeAndNew returns the folder's files in a commit as [History.Tree] does, and
// with them those that git does not know yet: what is about to be added.
func (h *History) TreeAndNew(commit string) (Source, string, error) {
	r, name, err := h.tree(commit)
	if err != nil {
		return nil, "", err
	}
	list, err := h.untracked()
	if err != nil {
		return nil, "", err
	}
	for _, name := range list {
		if err := r.disk(h.git.dir, name); err != nil {
			return nil, "", err
		}
	}
	r.finish()
	return r, name, nil
}

// new lists the folder's files that git neither knows nor ignores.
func (h *History) new() ([]string, error) {
	list, err := h.git.run("ls-files", "--others", "--exclude-standard", "-z")
	return strings.FieldsFunc(string(list), func(r rune) bool { return r == 0 }), err
}

// fill puts a tree's files together.
func (h *History) fill(r *revision, tree, dir string) error {
	entries, ok := h.trees[tree]
	if !ok {
		_, _, data, err := h.store.get(tree)
		if err != nil {
			return err
		}
		if entries, err = parseTree(data, len(tree)/2); err != nil {
			return err
		}
		h.trees[tree] = entries
	}
	for _, e := range entries {
		name := path.Join(dir, e.name)
		if err := r.put(e.mode, e.id, name); err != nil {
			return err
		}
		if e.mode&gitType == gitDirectory {
			if err := h.fill(r, e.id, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// treeEntry is one line of a tree object.
type treeEntry struct {
	mode     uint32
	id, name string
}

// parseTree reads a tree object: mode, a space, name, a zero byte, and the id
// of that many bytes.
func parseTree(data []byte, size int) ([]treeEntry, error) {
	var out []treeEntry
	for rest := string(data); rest != ""; {
		head, after, ok := strings.Cut(rest, "\x00")
		octal, name, spaced := strings.Cut(head, " ")
		mode, err := strconv.ParseUint(octal, 8, 32)
		if !ok || !spaced || err != nil || len(after) < size {
			return nil, errors.New("a tree object of git cannot be read")
		}
		out = append(out, treeEntry{uint32(mode), fmt.Sprintf("%x", after[:size]), name})
		rest = after[size:]
	}
	return out, nil
}
