package migrate

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// contents are the commands of a migration, and the files that its steps copy from
// the build context.
type contents struct {
	*fetcher
	ops    []*op
	copies []*copied
	// changed are the COPYs of scripts that later steps change, noted those of
	// which a note says why their files are in setup.
	changed, noted map[*dockerfile.Step]bool
}

// gather lists the files that the steps copy from the build context.
func gather(from *fetcher, ops []*op) *contents {
	m := &contents{fetcher: from, ops: ops, changed: map[*dockerfile.Step]bool{}, noted: map[*dockerfile.Step]bool{}}
	for _, step := range m.chain {
		if step.Copy == nil {
			continue
		}
		for _, f := range slices.Concat(step.Copy.Files, m.written(step), m.flagged(step)) {
			for _, old := range m.copies {
				old.replaced = old.replaced || old.Target == f.Target
			}
			m.copies = append(m.copies, m.newCopied(f, step.Copy))
		}
	}
	return m
}

// textsDir is where the here-documents of the Dockerfile go.
const textsDir = "files"

// written makes files of the context of a COPY's here-documents.
func (m *contents) written(step *dockerfile.Step) []*dockerfile.CopiedFile {
	var out []*dockerfile.CopiedFile
	for _, t := range step.Copy.Texts {
		if !t.Known || t.Target == "" || t.Target == "." {
			m.report.went(step.Start, Lost, "a here-document whose variables are known only in a build")
			continue
		}
		f := &File{Data: []byte(t.Text), Mode: 0o644}
		name := path.Join(textsDir, path.Base(t.Target))
		for n := 2; m.inTheWay(name, f); n++ {
			name = path.Join(textsDir, fmt.Sprintf("%d-%s", n, path.Base(t.Target)))
		}
		f.Path = name
		m.generated[name] = f
		out = append(out, &dockerfile.CopiedFile{Target: t.Target, Source: name, Mode: f.Mode, By: step})
	}
	return out
}

// classified are contents of which every file has its class, and every command its
// place.
type classified struct{ *contents }

// classify decides where each copied file goes, and puts commands in their places
// that copy those of setup.
func (m *contents) classify() *classified {
	m.readBy()
	m.atRuntime()
	trees := m.setupTrees()
	for _, f := range m.copies {
		f.placed = m.place(f, trees) || m.dangles(f)
	}
	m.coherent()
	m.relatives()
	m.again()
	trees = m.setupTrees()
	for _, f := range m.copies {
		switch {
		case f.placed, f.Mode&fs.ModeSymlink != 0 && !f.replaced:
			f.class = inSetup
		case f.removed || f.replaced:
			f.class = setupOnly
		case f.runtime:
			f.class = atRuntime
		case inTree(f.Target, trees), len(f.used) > 0 && inTree(f.Target, scratchTrees()):
			f.class = setupOnly
		default:
			f.class = atRuntime
		}
	}
	c := &classified{m}
	c.removals()
	c.placing()
	c.neededDirectories()
	c.madeDirectories()
	return c
}

// coherent places what goes together: all files of a COPY whose scripts a step
// changes, since they find each other beside themselves, and what is spoken of
// in texts that could not be followed.
func (m *contents) coherent() {
	for _, f := range m.copies {
		f.placed = f.placed || m.changed[f.By] && !f.replaced
	}
	for step := range m.changed {
		m.placeSpoken(m.textsOf(step), nil)
	}
	for _, o := range m.ops {
		if o.gone || o.facts == nil {
			continue
		}
		if name := m.unread(o); name != "" {
			m.report.note(m.where(o.line()), "runs %s, which a step before it put there: nobody has read what that needs", name)
			for _, f := range m.copies {
				f.placed = f.placed || m.follows(o, f) && !f.replaced && !f.runtime
			}
		}
		if o.facts.Opaque == "" {
			continue
		}
		texts := [][]byte{[]byte(o.text)}
		if o.script() {
			if f := m.fileOf(o, o.call.target); f != nil {
				texts = append(texts, m.textsOf(f.By)...)
			}
		}
		m.placeSpoken(texts, o)
	}
}

// again places what steps use and what goes to where setup has put a file before: no
// link can lead from there.
func (m *contents) again() {
	placed := map[string]bool{}
	for _, f := range m.copies {
		f.placed = f.placed || placed[f.Target] && len(f.used) > 0
		placed[f.Target] = placed[f.Target] || f.placed
	}
}

// unread is a program that an op runs and that is a copy of a copied file.
func (m *contents) unread(o *op) string {
	var names []string
	for _, c := range o.calls() {
		if name := path.Clean(c.Command.Value); c.Kind == shell.CallProgram && c.Command.Known {
			names = append(names, name)
		}
	}
	if o.facts.Program != nil {
		for i := range o.facts.Program.Children {
			names = append(names, o.facts.Program.Children[i].Absolute)
		}
	}
	for _, name := range names {
		if path.IsAbs(name) && o.files[name] == nil && slices.ContainsFunc(m.ops, func(before *op) bool {
			return m.order[before.step] < m.order[o.step] && before.copiesTo(name)
		}) {
			return name
		}
	}
	return ""
}

// textsOf are the texts of what a COPY brings.
func (m *contents) textsOf(step *dockerfile.Step) [][]byte {
	var out [][]byte
	for _, f := range m.copies {
		if f.By != step {
			continue
		}
		if data, err := fs.ReadFile(m.fs(), f.Source); err == nil {
			out = append(out, data)
		}
	}
	return out
}

// placeSpoken places the files of those COPYs whose destination a text has: the
// sign that it looks for files there.
func (m *contents) placeSpoken(texts [][]byte, before *op) {
	for _, f := range m.copies {
		if f.placed || f.replaced || f.runtime || before != nil && !m.follows(before, f) {
			continue
		}
		dest := strings.TrimSuffix(f.By.Copy.Dest, "/")
		if dest == f.Target {
			dest = path.Dir(dest)
		}
		if dest == "" || paths.Everywhere(dest) {
			dest = f.Target
		}
		f.placed = slices.ContainsFunc(texts, func(text []byte) bool { return bytes.Contains(text, []byte(dest)) })
	}
}

// later are the ops that run after a file was copied, up to its end.
func (m *contents) later(f *copied) []*op {
	var out []*op
	for _, o := range m.ops {
		if o.gone || !m.follows(o, f) {
			continue
		}
		if f.replaced && m.replacedBefore(o, f) {
			break
		}
		out = append(out, o)
	}
	return out
}

// follows reports whether an op comes after a file's COPY.
func (m *contents) follows(o *op, f *copied) bool {
	return m.order[o.step] > m.order[f.By]
}

func (m *contents) replacedBefore(o *op, f *copied) bool {
	return slices.ContainsFunc(m.copies, func(other *copied) bool {
		return other != f && other.Target == f.Target && m.order[other.By] > m.order[f.By] && m.order[o.step] > m.order[other.By]
	})
}

// readBy notes which ops need a file, and which delete it.
func (m *contents) readBy() {
	for _, f := range m.copies {
		for _, o := range m.later(f) {
			if o.reads()[f.Target] == f.CopiedFile && !speaksOnly(o) {
				f.used = append(f.used, o)
			}
			if o.removes(f.Target) {
				f.removed = true
				break
			}
		}
	}
}

// speaksOnly reports whether a command only makes a link, whatever is there.
func speaksOnly(o *op) bool {
	c := o.one()
	if !o.command() || c == nil || c.Name != "ln" {
		return false
	}
	_, symbolic := check.HasFlag(c, 's', "St", "--symbolic")
	return symbolic
}

// setupTrees are the directories that hold scripts of setup and nothing that a
// container needs: the image can do without all of their files.
func (m *contents) setupTrees() []string {
	mixed, setup := map[string]bool{}, map[string]bool{}
	for _, f := range m.copies {
		for dir := path.Dir(f.Target); ; dir = path.Dir(dir) {
			switch {
			case f.runtime || f.placed:
				mixed[dir] = true
			case slices.ContainsFunc(f.used, runsScripts(f)):
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

// scratchTrees are directories whose files no container needs, where a step of
// the build does.
func scratchTrees() []string { return []string{"/tmp", "/var/tmp", "/usr/src", "/usr/local/src"} }

// runsScripts reports whether an op runs a file, or a script reads it in.
func runsScripts(f *copied) func(*op) bool {
	return func(o *op) bool {
		if o.script() && o.call.target == f.Target {
			return true
		}
		if o.facts == nil || o.facts.Program == nil {
			return false
		}
		return slices.ContainsFunc(o.facts.Program.Closure(), func(s *shell.Script) bool { return "/"+s.Path == f.Target })
	}
}

func inTree(name string, trees []string) bool {
	return slices.ContainsFunc(trees, func(dir string) bool { return paths.Within(name, dir) })
}
