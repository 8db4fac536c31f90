package migrate

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
)

// gather lists the files that the steps copy from the build context.
func (m *migration) gather(steps []*dockerfile.Step) {
	for _, step := range steps {
		if step.Copy == nil {
			continue
		}
		for _, f := range append(slices.Clone(step.Copy.Files), m.written(step)...) {
			for _, old := range m.copies {
				old.replaced = old.replaced || old.Target == f.Target
			}
			m.copies = append(m.copies, m.newCopied(f, step.Copy))
		}
	}
}

// textsDir is where the here-documents of the Dockerfile go.
const textsDir = "files"

// written makes files of the context of a COPY's here-documents.
func (m *migration) written(step *dockerfile.Step) []*dockerfile.CopiedFile {
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

// classify decides where each copied file goes.
func (m *migration) classify() {
	m.readBy()
	m.atRuntime()
	for _, f := range m.copies {
		f.placed = m.place(f) || m.dangles(f)
	}
	m.coherent()
	m.relatives()
	trees := m.setupTrees()
	for _, f := range m.copies {
		switch {
		case f.placed, f.Mode&fs.ModeSymlink != 0 && !f.replaced:
			f.class = inSetup
		case f.removed || f.replaced:
			f.class = setupOnly
		case f.runtime:
			f.class = atRuntime
		case inTree(f.Target, trees):
			f.class = setupOnly
		default:
			f.class = atRuntime
		}
	}
}

// coherent places what goes together: all files of a COPY whose scripts a step
// changes, since they find each other beside themselves, and what is spoken of
// in texts that could not be followed.
func (m *migration) coherent() {
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
		if name := unread(o); name != "" {
			m.report.note(m.where(o.line()), "runs %s, which is no file of the context: nobody knows what that reads", name)
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

// unread is a program that an op runs and that an earlier step has made, where
// no package puts any.
func unread(o *op) string {
	for _, c := range o.calls() {
		name := path.Clean(c.Command.Value)
		if c.Kind == shell.CallProgram && c.Command.Known && path.IsAbs(name) && !dockerfile.SystemFile(name) && o.files[name] == nil {
			return name
		}
	}
	if o.facts.Program == nil {
		return ""
	}
	for i := range o.facts.Program.Children {
		if c := &o.facts.Program.Children[i]; path.IsAbs(c.Absolute) && !c.Glob && !dockerfile.SystemFile(c.Absolute) && o.files[c.Absolute] == nil {
			return c.Absolute
		}
	}
	return ""
}

// textsOf are the texts of what a COPY brings.
func (m *migration) textsOf(step *dockerfile.Step) [][]byte {
	var out [][]byte
	for _, f := range m.copies {
		if f.By != step {
			continue
		}
		if data, err := fs.ReadFile(m.overlay(), f.Source); err == nil {
			out = append(out, data)
		}
	}
	return out
}

// placeSpoken places the files of those COPYs whose destination a text has: the
// sign that it looks for files there.
func (m *migration) placeSpoken(texts [][]byte, before *op) {
	for _, f := range m.copies {
		if f.placed || f.replaced || f.runtime || before != nil && !m.follows(before, f) {
			continue
		}
		dest := strings.TrimSuffix(f.By.Copy.Dest, "/")
		if dest == f.Target {
			dest = path.Dir(dest)
		}
		if dest == "" || isSystem(dest) {
			dest = f.Target
		}
		f.placed = slices.ContainsFunc(texts, func(text []byte) bool { return bytes.Contains(text, []byte(dest)) })
	}
}

// later are the ops that run after a file was copied, up to its end.
func (m *migration) later(f *copied) []*op {
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
func (m *migration) follows(o *op, f *copied) bool {
	return m.order[o.step] > m.order[f.By]
}

func (m *migration) replacedBefore(o *op, f *copied) bool {
	return slices.ContainsFunc(m.copies, func(other *copied) bool {
		return other != f && other.Target == f.Target && m.order[other.By] > m.order[f.By] && m.order[o.step] > m.order[other.By]
	})
}

// readBy notes which ops need a file, and which delete it.
func (m *migration) readBy() {
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
	return o.command() && c != nil && c.Name == "ln" && slices.ContainsFunc(c.Args, func(w shell.Word) bool {
		return strings.HasPrefix(w.Value, "-") && !strings.HasPrefix(w.Value, "--") && strings.Contains(w.Value, "s") || w.Value == "--symbolic"
	})
}

// place reports whether setup has to have a file in its place: a step changes
// it, or reads it without being told to.
func (m *migration) place(f *copied) bool {
	for _, o := range m.later(f) {
		switch {
		case o.removes(f.Target):
			return !m.forgiving(o)
		case len(f.By.Copy.Texts) > 0 && o.facts != nil && o.facts.Program != nil && namesPath(o.facts.Program, f.Target, true):
			return true // no reading of the Dockerfile knows its text as a file
		case o.touches(f.Target) && !speaksOnly(o):
			m.because(f, "%s may change %s", m.label(o), f.Target)
			m.changed[f.By] = m.changed[f.By] || m.isScript(f.Source)
			return true
		case len(f.used) > 0 && (f.uid != 0 || f.gid != 0), calledByName(o, f.Target), m.walks(o, f):
			return true
		case dockerfile.SystemFile(f.Target) && !m.indifferent(o, f):
			m.because(f, "%s may read %s", m.label(o), f.Target)
			return true
		}
	}
	return false
}

// forgiving reports whether an op that deletes files does not mind that they are
// not there.
func (m *migration) forgiving(o *op) bool {
	if c := o.one(); o.command() && c != nil && (c.Name == "rm" || c.Name == "unlink") { // see removals
		return true
	}
	for _, c := range o.calls() {
		if c.Name == "unlink" || c.Name == "rm" && !c.HasArg("--force") && !slices.ContainsFunc(c.Args, func(w shell.Word) bool {
			return strings.HasPrefix(w.Value, "-") && !strings.HasPrefix(w.Value, "--") && strings.Contains(w.Value, "f")
		}) {
			return false
		}
	}
	return true
}

// walks reports whether a script goes down a directory by its path in the image:
// what goes down directories follows no links.
func (m *migration) walks(o *op, f *copied) bool {
	if !o.script() || !slices.ContainsFunc(o.facts.Trees, func(tree string) bool { return within(f.Target, tree) }) {
		return false
	}
	program := m.load(o.call.source)
	return program != nil && speaksOf(program, f.Target)
}

// calledByName reports whether an op calls a copied program that it finds in its
// search path.
func calledByName(o *op, target string) bool {
	dirs, known := o.step.Scope.Env["PATH"]
	if !known || !slices.Contains(strings.Split(dirs, ":"), path.Dir(target)) {
		return false
	}
	return slices.ContainsFunc(o.calls(), func(c *shell.Call) bool { return c.Command.Value == path.Base(target) })
}

// dangles reports whether a file is a link that leads nowhere: it can be made,
// not copied.
func (m *migration) dangles(f *copied) bool {
	if f.Mode&fs.ModeSymlink == 0 {
		return false
	}
	_, err := fs.Stat(m.opt.Dockerfile.Context, f.Source)
	return err != nil
}

// because notes why a file is in setup, once for each reason's first file.
func (m *migration) because(f *copied, format string, args ...any) {
	if !within("/"+f.Source, "/setup") && !m.noted[f.By] {
		m.noted[f.By] = true
		m.report.note(m.where(f.By.Start), format+", so setup copies it: an edit of it runs setup again. If no step needs it, make it one of entrypoint.configuration_files", args...)
	}
}

// label is what an op is called in messages.
func (m *migration) label(o *op) string {
	if o.script() {
		return o.call.source
	}
	return m.where(o.line())
}

// indifferent reports whether an op does not care for a file in a place that
// programs read without being told to.
func (m *migration) indifferent(o *op, f *copied) bool {
	if o.made != "" || o.state {
		return true
	}
	if dir := path.Dir(f.Target); (path.Base(dir) == "bin" || path.Base(dir) == "sbin") && o.facts != nil && o.facts.Opaque == "" {
		name := path.Base(f.Target)
		return !slices.ContainsFunc(o.calls(), func(c *shell.Call) bool { return c.Name == name })
	}
	if dir := path.Dir(f.Target); dir == "/var/lib/postgresql" || within(f.Target, "/docker-entrypoint-initdb.d") {
		return true
	}
	calls, ok := o.own()
	return ok && o.command() && !slices.ContainsFunc(calls, func(c *shell.Call) bool {
		switch c.Name {
		case "mkdir", "rmdir", "rm", "chmod", "chown", "chgrp", "touch", "ln", "mv", "cp", "install", "echo", "printf", "true", "test", "[", "find", "sed", "truncate":
			return false
		}
		return true
	})
}

// relatives places the scripts that find a placed file beside themselves, with
// all that they read: below /context they would find what the context has.
func (m *migration) relatives() {
	for changed := true; changed; {
		changed = false
		for _, o := range m.ops {
			if o.gone || !o.script() {
				continue
			}
			program := m.load(o.call.source)
			if program == nil || !slices.ContainsFunc(m.copies, func(f *copied) bool {
				return f.placed && o.files[f.Target] == f.CopiedFile && f.Source != o.call.source && finds(program, f.Source)
			}) && !m.writesBeside(o, program) {
				continue
			}
			for _, f := range m.copies {
				if !f.placed && o.reads()[f.Target] == f.CopiedFile {
					f.placed, changed = true, true
				}
			}
		}
	}
}

// writesBeside reports whether a script writes new files to the folder that it
// is in, which is read-only below /context.
func (m *migration) writesBeside(o *op, program *shell.Program) bool {
	for _, s := range program.Closure() {
		for _, r := range s.Paths {
			if r.InContext && !r.Glob && r.Access == shell.AccessWrite {
				return true
			}
		}
	}
	if deletesInContext(program) {
		return true
	}
	dir := path.Dir(o.call.target)
	if dockerfile.SystemDir(dir) {
		return false
	}
	for _, t := range o.facts.Touched {
		if strings.Trim(path.Base(t), "01234567") == "" {
			continue // a mode, which looks like the name of a file
		}
		if t != o.call.target && within(t, dir) && !o.removes(t) {
			return true
		}
	}
	return false
}

// deletesInContext reports whether a program deletes what it finds by its own
// place.
func deletesInContext(program *shell.Program) bool {
	for _, s := range program.Closure() {
		for _, c := range s.Calls {
			if c.Name != "rm" && c.Name != "rmdir" && c.Name != "unlink" {
				continue
			}
			for _, w := range c.Args {
				v := w.Value
				if !path.IsAbs(v) && c.Dir != "" {
					v = path.Join(c.Dir, v)
				}
				if w.Known && within(path.Clean(v), graph.ContextMount) {
					return true
				}
			}
		}
	}
	return false
}

// setupTrees are the directories that hold scripts of setup and nothing that a
// container needs: the image can do without all of their files.
func (m *migration) setupTrees() []string {
	mixed, setup := map[string]bool{}, map[string]bool{}
	for _, f := range m.copies {
		for dir := path.Dir(f.Target); ; dir = path.Dir(dir) {
			switch {
			case f.runtime || f.placed:
				mixed[dir] = true
			case slices.ContainsFunc(f.used, runsScripts(f)):
				setup[dir] = true
			}
			if dockerfile.SystemDir(dir) || dir == "/" {
				break
			}
		}
	}
	var out []string
	for _, dir := range keys(setup) {
		if !mixed[dir] && !dockerfile.SystemDir(dir) {
			out = append(out, dir)
		}
	}
	return append(out, "/tmp", "/var/tmp", "/usr/src", "/usr/local/src")
}

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
	return slices.ContainsFunc(trees, func(dir string) bool { return within(name, dir) })
}
