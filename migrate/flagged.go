package migrate

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
)

// flagged are the files of a COPY with --parents, or of one of directories with
// --exclude; none where they cannot be told. Nobody has read what steps do with them.
func (m *contents) flagged(step *dockerfile.Step) []*dockerfile.CopiedFile {
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
		info, err := fs.Stat(m.context, name)
		if err != nil || !cmd.Parents && !info.IsDir() {
			return nil
		}
		err = fs.WalkDir(m.context, name, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
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
