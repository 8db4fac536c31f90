package files

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
)

// ownedDirectories gives directories above copied files to those to whom their COPY
// gives them, as far as the build file can say that. It tells of all others, which
// are root's, with mode 0755.
func (m *Classified) ownedDirectories() {
	for _, f := range m.Copies {
		if f.Class != commands.AtRuntime && f.Class != commands.InSetup || f.By.Copy.Chown == "" && f.By.Copy.Chmod == "" && !f.Folded {
			continue
		}
		if f.Class == commands.InSetup && f.By.Copy.Chmod == "" && !f.Folded {
			continue // see folders
		}
		m.foldersAbove(f)
	}
	for _, step := range m.Chain {
		if c := step.Copy; c != nil && c.Stage != nil && c.Dest != "" && c.Chown == "" && slices.ContainsFunc(c.Sources, func(source string) bool { return givenAway(c.Stage, source) }) {
			m.Report.Differ("a folder that a stage gave an owner keeps it", []string{path.Clean(c.Dest)}, nil)
		}
	}
}

// foldersAbove is the same for those above one file.
func (m *Classified) foldersAbove(f *commands.Copied) {
	there := func(dir string) bool { return paths.Everywhere(dir) || m.Out.User != nil && dir == m.Out.User.Home }
	for dir := path.Dir(f.Target); path.IsAbs(dir) && !there(dir); dir = path.Dir(dir) {
		by := m.makerOf(dir)
		text := m.TargetText(f.By, dir)
		switch {
		case by == nil || by.By.Copy.Chmod != "" || !m.stays(dir, by):
			m.RootsFolder(dir)
		case by.UID == 0 && by.GID == 0:
			// as a build file has it
		case !slices.ContainsFunc(m.Out.Folders, func(o buildfile.Folder) bool { return o.Path == text }):
			owner := by.Owner
			if owner == "" {
				owner = m.OwnerText(by.UID, by.GID)
			}
			dest := path.Clean(by.By.Copy.Dest)
			m.Out.Folders = append(m.Out.Folders, buildfile.Folder{Path: text, Owner: owner, Keep: dir == dest || !paths.Within(dir, dest)})
			slices.SortFunc(m.Out.Folders, func(a, b buildfile.Folder) int { return strings.Compare(a.Path, b.Path) })
		}
	}
}

// makerOf is the file whose COPY makes a directory, if it is an entrypoint file that has
// its owner from there, and all of that COPY's directories have mode 0755; else nil.
func (m *Classified) makerOf(dir string) *commands.Copied {
	var first *commands.Copied
	for _, f := range m.Copies {
		if paths.Within(f.Target, dir) && (first == nil || m.Order[f.By] < m.Order[first.By]) {
			first = f
		}
	}
	if first == nil || first.Class != commands.AtRuntime || first.Folded || first.Unowned != "" {
		return nil
	}
	c := first.By.Copy
	if source, below := sourceOf(first, dir); below && paths.Within(dir, path.Clean(c.Dest)) && dir != path.Clean(c.Dest) {
		info, err := fs.Stat(m.Bare, source)
		if err != nil || modes.Octal(info.Mode().Perm()) != "0755" || c.Chmod != "" {
			return nil
		}
	}
	return first
}

// sourceOf is the directory of the context that a directory above a copied file was;
// below tells whether it was one.
func sourceOf(f *commands.Copied, dir string) (source string, below bool) {
	source = path.Dir(f.Source)
	for at := path.Dir(f.Target); at != dir; at, source = path.Dir(at), path.Dir(source) {
		if path.Base(at) != path.Base(source) || source == "." {
			return "", false
		}
	}
	return source, true
}

// stays reports whether a directory that a COPY makes is no other one in the end: what
// runs after it is known not to make it, and something runs before, so that there is
// a shell to ask whether it is there.
func (m *Classified) stays(dir string, by *commands.Copied) bool {
	runs := m.Out.User != nil
	for _, o := range m.Ops {
		if o.Gone || o.State {
			continue
		}
		runs = true
		if m.Order[o.Step] < m.Order[by.By] {
			continue
		}
		if o.Directory != "" && paths.Within(o.Directory, dir) || len(o.Place) > 0 {
			return false
		}
		f := o.Facts
		if f == nil {
			continue
		}
		if f.Opaque+f.Wild+f.Unknown != "" || f.Touched.Cover(dir) {
			return false
		}
		if slices.ContainsFunc(slices.Concat(f.Touched.Sorted(), f.Named.Sorted()), func(name string) bool { return paths.Within(name, dir) }) {
			return false
		}
	}
	return runs
}

// givenAway reports whether a stage's COPY with an owner makes a directory.
func givenAway(s *dockerfile.StageReading, dir string) bool {
	return slices.ContainsFunc(s.Steps, func(step *dockerfile.Step) bool {
		return step.Copy != nil && step.Copy.Chown != "" && paths.Within(path.Clean(step.Copy.Dest), path.Clean(dir))
	})
}
