package files

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Classified are files of which each has its class, and every command its
// place.
type Classified struct{ *Files }

// Classify decides where each copied file goes, and puts commands in their places
// that copy those of setup.
func (m *Files) Classify() *Classified {
	m.readBy()
	m.atRuntime()
	trees := m.setupTrees()
	for _, f := range m.Copies {
		f.Placed = m.place(f, trees) || m.dangles(f)
	}
	m.coherent()
	m.relatives()
	m.again()
	trees = m.setupTrees()
	for _, f := range m.Copies {
		switch {
		case f.Placed, f.Mode&fs.ModeSymlink != 0 && !f.Replaced:
			f.Class = commands.InSetup
		case f.Removed || f.Replaced:
			f.Class = commands.SetupOnly
		case f.Runtime:
			f.Class = commands.AtRuntime
		case inTree(f.Target, trees), len(f.Used) > 0 && inTree(f.Target, ScratchTrees()):
			f.Class = commands.SetupOnly
		default:
			f.Class = commands.AtRuntime
		}
	}
	c := &Classified{m}
	c.removals()
	c.placing()
	c.neededDirectories()
	c.madeDirectories()
	return c
}

// coherent places what goes together: all files of a COPY whose scripts a step
// changes, since they find each other beside themselves, and what is spoken of
// in texts that could not be followed.
func (m *Files) coherent() {
	for _, f := range m.Copies {
		f.Placed = f.Placed || m.changed[f.By] && !f.Replaced
	}
	for step := range m.changed {
		m.placeSpoken(m.textsOf(step), nil)
	}
	for _, o := range m.Ops {
		if o.Gone || o.Facts == nil {
			continue
		}
		if name := m.unread(o); name != "" {
			m.Report.Note(m.Where(o.Line()), "runs %s, which a step before it put there: nobody has read what that needs", name)
			for _, f := range m.Copies {
				f.Placed = f.Placed || m.follows(o, f) && !f.Replaced && !f.Runtime
			}
		}
		if o.Facts.Opaque == "" {
			continue
		}
		texts := [][]byte{[]byte(o.Text)}
		if o.Script() {
			if f := m.FileOf(o, o.Call.Target); f != nil {
				texts = append(texts, m.textsOf(f.By)...)
			}
		}
		m.placeSpoken(texts, o)
	}
}

// again places what steps use and what goes to where setup has put a file before: no
// link can lead from there.
func (m *Files) again() {
	placed := map[string]bool{}
	for _, f := range m.Copies {
		f.Placed = f.Placed || placed[f.Target] && len(f.Used) > 0
		placed[f.Target] = placed[f.Target] || f.Placed
	}
}

// unread is a program that an op runs and that is a copy of a copied file.
func (m *Files) unread(o *commands.Op) string {
	var names []string
	for _, c := range o.Calls() {
		if name := path.Clean(c.Command.Value); c.Kind == shell.CallProgram && c.Command.Known {
			names = append(names, name)
		}
	}
	if o.Facts.Program != nil {
		for i := range o.Facts.Program.Children {
			names = append(names, o.Facts.Program.Children[i].Absolute)
		}
	}
	for _, name := range names {
		if path.IsAbs(name) && o.Files[name] == nil && slices.ContainsFunc(m.Ops, func(before *commands.Op) bool {
			return m.Order[before.Step] < m.Order[o.Step] && before.CopiesTo(name)
		}) {
			return name
		}
	}
	return ""
}

// textsOf are the texts of what a COPY brings.
func (m *Files) textsOf(step *dockerfile.Step) [][]byte {
	var out [][]byte
	for _, f := range m.Copies {
		if f.By != step {
			continue
		}
		if data, err := fs.ReadFile(m.FS(), f.Source); err == nil {
			out = append(out, data)
		}
	}
	return out
}

// placeSpoken places the files of those COPYs whose destination a text has: the
// sign that it looks for files there.
func (m *Files) placeSpoken(texts [][]byte, before *commands.Op) {
	for _, f := range m.Copies {
		if f.Placed || f.Replaced || f.Runtime || before != nil && !m.follows(before, f) {
			continue
		}
		dest := strings.TrimSuffix(f.By.Copy.Dest, "/")
		if dest == f.Target {
			dest = path.Dir(dest)
		}
		if dest == "" || paths.Everywhere(dest) {
			dest = f.Target
		}
		f.Placed = slices.ContainsFunc(texts, func(text []byte) bool { return bytes.Contains(text, []byte(dest)) })
	}
}

// readBy notes which ops need a file, and which delete it.
func (m *Files) readBy() {
	for _, f := range m.Copies {
		for _, o := range m.later(f) {
			if o.Reads()[f.Target] == f.CopiedFile && !SpeaksOnly(o) {
				f.Used = append(f.Used, o)
			}
			if o.Removes(f.Target) {
				f.Removed = true
				break
			}
		}
	}
}

// SpeaksOnly reports whether a command only makes a link, whatever is there.
func SpeaksOnly(o *commands.Op) bool {
	c := o.Single()
	if !o.Command() || c == nil || c.Name != "ln" {
		return false
	}
	_, symbolic := check.HasFlag(c, 's', "St", "--symbolic")
	return symbolic
}

// setupTrees are the directories that hold scripts of setup and nothing that a
// container needs: the image can do without all of their files.
func (m *Files) setupTrees() []string {
	mixed, setup := map[string]bool{}, map[string]bool{}
	for _, f := range m.Copies {
		for dir := path.Dir(f.Target); ; dir = path.Dir(dir) {
			switch {
			case f.Runtime || f.Placed:
				mixed[dir] = true
			case slices.ContainsFunc(f.Used, runsScripts(f)):
				setup[dir] = true
			}
			if paths.Shared(dir) || dir == "/" {
				break
			}
		}
	}
	var out []string
	for _, dir := range slices.Sorted(maps.Keys(setup)) {
		if !mixed[dir] && !paths.Shared(dir) {
			out = append(out, dir)
		}
	}
	return out
}

// ScratchTrees are directories whose files no container needs, where a step of
// the build does.
func ScratchTrees() []string { return []string{"/tmp", "/var/tmp", "/usr/src", "/usr/local/src"} }

// runsScripts reports whether an op runs a file, or a script reads it in.
func runsScripts(f *commands.Copied) func(*commands.Op) bool {
	return func(o *commands.Op) bool {
		if o.Script() && o.Call.Target == f.Target {
			return true
		}
		if o.Facts == nil || o.Facts.Program == nil {
			return false
		}
		return slices.ContainsFunc(o.Facts.Program.Closure(), func(s *shell.Script) bool { return "/"+s.Path == f.Target })
	}
}

func inTree(name string, trees []string) bool {
	return slices.ContainsFunc(trees, func(dir string) bool { return paths.Within(name, dir) })
}
