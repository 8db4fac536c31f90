package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/replay"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/terminal"
)

// applyFixes shows what cures findings mechanically as a diff, and edits the
// files. It returns the fixes that are in.
func (c *checkRun) applyFixes(w io.Writer, findings []check.Finding) ([]*check.Fix, error) {
	files := map[string][]*check.Fix{}
	for _, f := range findings {
		if f.Fix != nil {
			files[f.File] = append(files[f.File], f.Fix)
		}
	}
	var applied []*check.Fix
	for _, name := range slices.Sorted(maps.Keys(files)) {
		before := string(c.source(name).Data)
		after, in := edited(before, files[name])
		if len(in) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(w, terminal.Of(w).Diff(replay.Diff(name, before, after))); err != nil {
			return nil, err
		}
		if err := c.replace(name, after); err != nil {
			return nil, err
		}
		applied = append(applied, in...)
	}
	return applied, nil
}

// replace writes the build file, or a file of the context.
func (c *checkRun) replace(name, text string) error {
	if name == c.name {
		c.text = []byte(text) // what is left is shown in it
		return rewrite(c.file, text)
	}
	root, err := os.OpenRoot(c.dir) // no link leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return cmp.Or(err, f.Close())
}

// rewrite gives a file another text, and leaves its mode.
func rewrite(file, text string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), info.Mode().Perm())
}

// edited is a text with fixes in it, and those that are: of two at one place,
// the first.
func edited(text string, fixes []*check.Fix) (string, []*check.Fix) {
	fixes = slices.Clone(fixes)
	slices.SortStableFunc(fixes, func(a, b *check.Fix) int {
		return cmp.Or(cmp.Compare(a.Range.Start.Line, b.Range.Start.Line), cmp.Compare(a.Range.Start.Column, b.Range.Start.Column))
	})
	lines := strings.SplitAfter(text, "\n")
	starts := make([]int, len(lines))
	for i := 1; i < len(lines); i++ {
		starts[i] = starts[i-1] + len(lines[i-1])
	}
	offset := func(p spec.Position, behind int) int {
		if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column-1+behind > len(lines[p.Line-1]) {
			return -1
		}
		return starts[p.Line-1] + p.Column - 1 + behind
	}
	var (
		b    strings.Builder
		in   []*check.Fix
		done int
	)
	for _, f := range fixes {
		from, to := offset(f.Range.Start, 0), offset(f.Range.End, 1)
		if f.Range.End.Line == f.Range.Start.Line && f.Range.End.Column < f.Range.Start.Column {
			to = from
		}
		if from < done || to < from {
			continue
		}
		b.WriteString(text[done:from])
		b.WriteString(f.Text)
		done = to
		in = append(in, f)
	}
	b.WriteString(text[done:])
	return b.String(), in
}
