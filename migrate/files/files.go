// Package files tells of each file that a Dockerfile copies from its build context
// where the build file has it.
package files

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/fetch"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
)

// Files are the commands of a migration, and the files that its steps copy from
// the build context.
type Files struct {
	*fetch.Fetcher
	Ops    []*commands.Op
	Copies []*commands.Copied
	// changed are the COPYs of scripts that later steps change, noted those of
	// which a note says why their files are in setup.
	changed, noted map[*dockerfile.Step]bool
}

// Gather lists the files that the steps copy from the build context.
func Gather(from *fetch.Fetcher, ops []*commands.Op) *Files {
	m := &Files{Fetcher: from, Ops: ops, changed: map[*dockerfile.Step]bool{}, noted: map[*dockerfile.Step]bool{}}
	for _, step := range m.Chain {
		if step.Copy == nil {
			continue
		}
		for _, f := range slices.Concat(step.Copy.Files, m.written(step), m.Flagged(step)) {
			for _, old := range m.Copies {
				old.Replaced = old.Replaced || old.Target == f.Target
			}
			m.Copies = append(m.Copies, m.newCopied(f, step.Copy))
		}
	}
	return m
}

// textsDir is where the here-documents of the Dockerfile go.
const textsDir = "files"

// written makes files of the context of a COPY's here-documents.
func (m *Files) written(step *dockerfile.Step) []*dockerfile.CopiedFile {
	var out []*dockerfile.CopiedFile
	for _, t := range step.Copy.Texts {
		if !t.Known || t.Target == "" || t.Target == "." {
			m.Report.Record(step.Start, report.Lost, "a here-document whose variables are known only in a build")
			continue
		}
		f := &buildfile.File{Data: []byte(t.Text), Mode: 0o644}
		name := path.Join(textsDir, path.Base(t.Target))
		for n := 2; m.InTheWay(name, f); n++ {
			name = path.Join(textsDir, fmt.Sprintf("%d-%s", n, path.Base(t.Target)))
		}
		f.Path = name
		m.Generated[name] = f
		out = append(out, &dockerfile.CopiedFile{Target: t.Target, Source: name, Mode: f.Mode, By: step})
	}
	return out
}

// Flagged are the files of a COPY with --parents, or of one of directories with
// --exclude; none where they cannot be told. Nobody has read what steps do with them.
func (m *Files) Flagged(step *dockerfile.Step) []*dockerfile.CopiedFile {
	c := step.Copy
	cmd, ok := step.Command.(*instructions.CopyCommand)
	if !ok || c.Known || c.From != "" || c.Dest == "" || len(c.Texts) > 0 || cmd.Parents == (len(cmd.ExcludePatterns) > 0) || slices.ContainsFunc(cmd.ExcludePatterns, excepts) {
		return nil
	}
	excluded, err := patternmatcher.New(cmd.ExcludePatterns)
	if err != nil {
		return nil
	}
	var out []*dockerfile.CopiedFile
	for _, source := range c.Sources {
		above, _, pivot := strings.Cut(source, "/./")
		if !pivot {
			above = "" // all of it
		}
		name, above := path.Clean(paths.Inside(source)), path.Clean(paths.Inside(above))
		info, err := fs.Stat(m.Bare, name)
		if err != nil || !cmd.Parents && !info.IsDir() {
			return nil
		}
		err = fs.WalkDir(m.Bare, name, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if entries, err := fs.ReadDir(m.Bare, file); err != nil || len(entries) == 0 { // a file brings its directory along
					return cmp.Or(err, fs.ErrNotExist)
				}
				return nil
			}
			rel := below(file, above)
			if !cmd.Parents {
				rel = below(file, name)
			}
			if out, err := excluded.MatchesOrParentMatches(rel); out || err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			out = append(out, &dockerfile.CopiedFile{Target: path.Join("/", c.Dest, rel), Source: file, Mode: info.Mode(), By: step})
			return nil
		})
		if err != nil {
			return nil
		}
	}
	return out
}

// excepts reports whether a pattern takes files in again.
func excepts(pattern string) bool { return strings.HasPrefix(pattern, "!") }

// below is a path as a directory above it sees it.
func below(name, dir string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}

// newCopied is a file with the owner and mode that its COPY gives it.
func (m *Files) newCopied(f *dockerfile.CopiedFile, c *dockerfile.Copy) *commands.Copied {
	chown, chmod := ownership(f.By)
	out := &commands.Copied{CopiedFile: f, ImageMode: f.Mode.Perm() | f.Mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)}
	if c.Chmod != "" {
		if got, ok := modes.Apply(out.ImageMode, c.Chmod); ok {
			out.ImageMode = got
		}
		m.WrittenOut(f.By, f.By.Start, draft.ArgsIn(f.By, chmod)...)
	}
	if c.Chown != "" {
		uid, gid, ok := m.Accounts.Owner(c.Chown, true)
		if ok {
			out.UID, out.GID = max(uid, 0), max(gid, 0)
			text, _ := m.Text(chown, f.By.Scope, m.NamesAt(f.By))
			out.Owner = ownerArgs(text, c.Chown)
			user, group, _ := strings.Cut(c.Chown, ":")
			told := slices.Concat(m.Accounts.Args[user], m.Accounts.Args[group])
			if out.Owner == "" {
				told = append(told, draft.ArgsIn(f.By, chown)...)
			}
			m.WrittenOut(f.By, f.By.Start, told...)
		} else {
			out.Unowned = c.Chown
		}
	}
	return out
}

// later are the ops that run after a file was copied, up to its end.
func (m *Files) later(f *commands.Copied) []*commands.Op {
	var out []*commands.Op
	for _, o := range m.Ops {
		if o.Gone || !m.follows(o, f) {
			continue
		}
		if f.Replaced && m.replacedBefore(o, f) {
			break
		}
		out = append(out, o)
	}
	return out
}

// follows reports whether an op comes after a file's COPY.
func (m *Files) follows(o *commands.Op, f *commands.Copied) bool {
	return m.Order[o.Step] > m.Order[f.By]
}

func (m *Files) replacedBefore(o *commands.Op, f *commands.Copied) bool {
	return slices.ContainsFunc(m.Copies, func(other *commands.Copied) bool {
		return other != f && other.Target == f.Target && m.Order[other.By] > m.Order[f.By] && m.Order[o.Step] > m.Order[other.By]
	})
}

// FileOf is the copied file that is at a path when an op starts.
func (m *Files) FileOf(o *commands.Op, target string) *commands.Copied {
	for _, f := range m.Copies {
		if f.Target == target && o.Files[target] == f.CopiedFile {
			return f
		}
	}
	return nil
}

// PlacedTarget reports whether a script is one that setup copies into its place.
func (m *Files) PlacedTarget(o *commands.Op) bool {
	f := m.FileOf(o, o.Call.Target)
	return f != nil && f.Placed
}

// HasPlaced reports whether setup puts files to a path, or below it.
func (m *Files) HasPlaced(target string, o *commands.Op) bool {
	return slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool {
		return f.Placed && paths.Within(f.Target, target) && o.Files[f.Target] == f.CopiedFile
	})
}

// insert puts an op where its instruction stands.
func (m *Files) insert(o *commands.Op) {
	at := slices.IndexFunc(m.Ops, func(other *commands.Op) bool { return m.Order[other.Step] > m.Order[o.Step] })
	if at < 0 {
		at = len(m.Ops)
	}
	m.Ops = slices.Insert(m.Ops, at, o)
}

// lists reports whether the files of a COPY are known.
func (m *Files) lists(step *dockerfile.Step) bool {
	return step.Copy.Known || slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool { return f.By == step })
}

// Tree returns the targets of all files of a directory that a file's COPY
// brought to another one, or nothing if that is not what it did, or not all are alike.
func (m *Files) Tree(f *commands.Copied, dir, target string, bySource map[string][]*commands.Copied, alike func(o *commands.Copied) bool) []string {
	if cmd, ok := f.By.Command.(*instructions.CopyCommand); ok && len(cmd.ExcludePatterns) > 0 {
		return nil // it may leave out what is added
	}
	if !slices.ContainsFunc(f.By.Copy.Sources, func(s string) bool {
		s = paths.Inside(s)
		return m.IsDir(s) && (s == "" || paths.Within(dir, s))
	}) {
		return nil
	}
	var out []string
	for name, err := range m.Below(dir) {
		to := path.Join(target, strings.TrimPrefix(name, dir+"/"))
		if err != nil || !slices.ContainsFunc(bySource[name], func(o *commands.Copied) bool { return o.Target == to && o.By == f.By && alike(o) }) {
			return nil
		}
		out = append(out, to)
	}
	return out
}
