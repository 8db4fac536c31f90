package corpus

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// apply edits the tree that a specimen was written to, or its build args. It
// returns the specimen as it is now. An edit is one of
//
//	append FILE TEXT    write FILE TEXT    remove FILE    mode 0600 FILE    arg NAME=VALUE
//	lines FILE FROM TO TEXT    (the text in place of these lines, which are counted from 1; none if TO is below FROM)
func (s *specimen) apply(dir, edit string) (*specimen, error) {
	what, rest, _ := strings.Cut(edit, " ")
	file, text, _ := strings.Cut(rest, " ")
	name := filepath.Join(dir, file)
	switch what {
	case "append", "write":
		flag := os.O_APPEND
		if what == "write" {
			flag = os.O_CREATE | os.O_TRUNC
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // a build context
				return nil, err
			}
		}
		f, err := os.OpenFile(name, flag|os.O_WRONLY, 0o644) //nolint:gosec // a build context
		if what == "append" && os.IsNotExist(err) {          // shrinking has left it out
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		_, err = fmt.Fprintln(f, text)
		if err := f.Close(); err != nil {
			return nil, err
		}
		return s, err
	case "remove":
		return s, os.RemoveAll(name)
	case "lines":
		return s, replaceLines(name, text)
	case "mode":
		var mode fs.FileMode
		if _, err := fmt.Sscanf(file, "%o", &mode); err != nil {
			return nil, err
		}
		if err := os.Chmod(filepath.Join(dir, text), mode); !os.IsNotExist(err) {
			return s, err
		}
		return s, nil
	case "arg":
		arg, value, _ := strings.Cut(rest, "=")
		other := *s
		other.options = maps.Clone(s.options)
		other.options["build-arg:"+arg] = value
		return &other, nil
	}
	return nil, fmt.Errorf("%q is no edit", edit)
}

// replaceLines does what the edit "lines" does to a file.
func replaceLines(name, what string) error {
	data, err := os.ReadFile(name) //nolint:gosec // a build context
	if err != nil {
		return err
	}
	var from, to int
	if _, err := fmt.Sscanf(what, "%d %d", &from, &to); err != nil {
		return err
	}
	words := strings.SplitN(what, " ", 3) //nolint:mnd // the two numbers, and the text
	lines := strings.SplitAfter(string(data), "\n")
	if from < 1 || from > len(lines) || to < from-1 || to > len(lines) {
		return fmt.Errorf("%s has %d lines", name, len(lines))
	}
	var text []string
	if len(words) > 2 && words[2] != "" { //nolint:mnd // there is a text
		text = []string{words[2] + "\n"}
	}
	return os.WriteFile(name, []byte(strings.Join(slices.Replace(lines, from-1, to, text...), "")), 0o644) //nolint:gosec // a build context
}

// warm builds a specimen again after each of its edits: by dockerfile.v0 from
// nothing, by pgstrata with what it has in its cache.
func (p *prover) warm(ctx context.Context, s *specimen, dir string, v *verdict) error {
	for i, edit := range s.edits {
		var err error
		if s, err = s.apply(dir, edit); err != nil {
			return err
		}
		clean := *s
		clean.options = maps.Clone(s.options)
		clean.options["no-cache"] = ""
		want, err := p.build(ctx, &clean, dir, "dockerfile.v0")
		if err != nil {
			return err
		}
		got, err := p.build(ctx, s, dir, "")
		if err != nil {
			return err
		}
		v.decisions = decisions(got.trace)
		v.traces = "dockerfile.v0:\n" + want.trace.String() + "pgstrata:\n" + got.trace.String()
		if mismatches := s.judge(want, got); len(mismatches) > 0 {
			v.mismatches = append([]string{fmt.Sprintf("after %q:", s.edits[:i+1])}, mismatches...)
			v.ends = [2]int{want.end(), got.end()}
			return nil
		}
	}
	return nil
}

const editsFile = "edits" // no file of the tree
