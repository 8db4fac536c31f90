package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/replay"
	"github.com/pgstrata/pgstrata/worktree"
)

// commits are those of the log, with the names that their files have now.
func commits(log []worktree.Commit) []replay.Commit {
	out := make([]replay.Commit, len(log))
	names := map[string]string{}
	for i := len(log) - 1; i >= 0; i-- {
		c := replay.Commit{ID: log[i].ID, Parents: log[i].Parents, Time: log[i].Time, Subject: log[i].Subject, Names: maps.Clone(names)}
		before := maps.Clone(names)
		for _, change := range log[i].Changes {
			if len(log[i].Parents) == 0 {
				break // it made the files, and changed none
			}
			name := c.Newest(change.Path)
			c.Changed = append(c.Changed, name)
			if change.Deleted {
				c.Deleted = append(c.Deleted, name)
			}
			if change.From != "" {
				c.Renamed = true
				before[change.From] = name
			}
		}
		names = before
		out[i] = c
	}
	return out
}

// reader makes records of commits, with one build file.
type reader struct {
	*options
	file string
	// history is the context's, beside that of the build file's folder.
	history, beside *worktree.History
	// today is the build file's folder as it is now, for all commits, where the
	// newest has no such build file; else nil.
	today worktree.Source
	// now is the same for all commits: what a week's end makes run again is no
	// commit's doing.
	now time.Time
	// whole takes a Dockerfile as BuildKit's own frontend does.
	whole bool
	// known are the readings by the names of all files that they come from.
	known map[string]replay.Snapshot
}

// reader returns one for a build file, given the newest commit.
func (a *analysis) reader(ctx context.Context, file, newest string) (*reader, error) {
	history, err := a.history(ctx, a.dir)
	if err != nil {
		return nil, err
	}
	r := &reader{options: a.options, history: history, file: file, now: a.now, known: map[string]replay.Snapshot{}}
	folder := filepath.Dir(file)
	beside, err := a.history(ctx, folder)
	if err == nil {
		r.beside = beside
		if has(beside, newest, filepath.Base(file)) {
			return r, nil
		}
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && r.beside != nil {
		return r, nil // it was deleted: older commits have it
	}
	r.today, err = worktree.Dir(folder)
	return r, err
}

// has tells whether a commit has a file of the history's folder.
func has(h *worktree.History, commit, name string) bool {
	files, _, err := h.Tree(commit)
	if err != nil {
		return false
	}
	_, err = worktree.Read(files, name)
	return !errors.Is(err, fs.ErrNotExist)
}

// newest resolves the last of the commits.
func (r *reader) newest(log []worktree.Commit) (*frontend.Resolved, error) {
	context, beside, _, err := r.files(log[len(log)-1].ID)
	if err != nil {
		return nil, err
	}
	return r.resolve(context, beside)
}

// parent is a commit's first parent, "" of one that has none.
func parent(c worktree.Commit) string {
	if len(c.Parents) == 0 {
		return ""
	}
	return c.Parents[0]
}

// read returns the record of a commit. Commits with the same files have the
// same one.
func (r *reader) read(commit string) replay.Snapshot {
	context, beside, key, err := r.files(commit)
	if err != nil {
		return replay.Snapshot{Err: err}
	}
	reading, ok := r.known[key]
	if !ok {
		var build *frontend.Resolved
		if build, reading.Err = r.resolve(context, beside); reading.Err == nil {
			reading.Record, reading.Err = build.Record()
		}
		if reading.Err == nil {
			reading.Files, reading.Err = r.sum(context, beside)
		}
		r.known[key] = reading
	}
	return reading
}

// files are the context's and those beside the build file in a commit, with a
// name for all of them.
func (r *reader) files(commit string) (context, beside worktree.Source, name string, err error) {
	if commit == "" {
		return nil, nil, "", errors.New("there is no commit before the first")
	}
	tree := r.history.Tree
	if r.today != nil { // with the scripts that belong to the build file, perhaps
		tree = r.history.TreeAndNew
	}
	if context, name, err = tree(commit); err != nil {
		return nil, nil, "", errors.New("the commit has no such folder")
	}
	switch {
	case r.today != nil:
		return context, r.today, name, nil
	case r.beside == r.history:
		return context, context, name, nil
	}
	beside, other, err := r.beside.Tree(commit)
	if err != nil {
		return nil, nil, "", errors.New("the commit has no folder of the build file")
	}
	return context, beside, name + other, nil
}

// sum names all that a build can be made from: the build context without what
// .dockerignore excludes, and the files of the build file's folder that belong to it.
func (r *reader) sum(context, beside worktree.Source) (string, error) {
	name := filepath.Base(r.file)
	exclude, err := worktree.Ignored(context, beside, name)
	if err != nil {
		return "", err
	}
	files, err := worktree.Sum(context, exclude)
	if err != nil || r.today != nil {
		return files, err
	}
	own, err := worktree.Sum(beside, []string{"*", "!" + name + "*", "!.dockerignore"})
	return files + own, err
}

// resolve resolves what would be built from the files of a commit.
func (r *reader) resolve(context, beside worktree.Source) (*frontend.Resolved, error) {
	offline, err := r.without(context, beside, r.file, r.now)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no build file %s", filepath.Base(r.file))
	}
	if err != nil {
		return nil, err
	}
	offline.Whole = r.whole
	offline.Lenient = r.today != nil
	builds, err := offline.Resolve()
	if err != nil {
		return nil, err
	}
	builds[0].Options.Git = true
	return &builds[0], nil
}
