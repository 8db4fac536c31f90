package files

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/accounts"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// place reports whether setup has to have a file in its place: a step changes
// it, or reads it without being told to.
func (m *Files) place(f *commands.Copied, trees []string) bool {
	if paths.Within(f.Target, graph.ContextMount) { // where scripts find it anyway
		return false
	}
	if Ambiguous(f) {
		return true
	}
	for _, o := range m.later(f) {
		switch {
		case !f.By.Copy.Known && len(f.By.Copy.Texts) == 0:
			m.because(f, "%s may read %s, whose COPY has --parents or --exclude", m.Label(o), f.Target)
			return true
		case o.Removes(f.Target):
			return !forgiving(o) || removesBeside(o, f.Target)
		case len(f.By.Copy.Texts) > 0 && o.Facts != nil && o.Facts.Program != nil && commands.NamesPath(o.Facts.Program, f.Target, true):
			return true // no reading of the Dockerfile knows its text as a file
		case o.Touches(f.Target) && !o.Given[f] && !SpeaksOnly(o):
			if o.Owner != "" {
				m.becauseOwner(f, "%s gives %s to %s", m.Label(o), f.Target, o.Owner)
			}
			m.because(f, "%s may change %s", m.Label(o), f.Target)
			if m.IsScript(f.Source) {
				m.changed[f.By] = true
			}
			return true
		case len(f.Used) > 0 && (f.UID != 0 || f.GID != 0 || f.Unowned != ""), calledByName(o, f.Target), m.walks(o, f), looksAbove(o, f.Target), asksWhere(o, f.Target):
			return true
		case o.LooksAround(f.Target):
			m.because(f, "%s runs a program that may read %s", m.Label(o), f.Target)
			return true
		case o.Facts != nil && o.Facts.Unknown != "" && !f.Runtime && !inTree(f.Target, trees):
			m.because(f, "%s runs %s, which may read any file, and nothing else names %s", m.Label(o), path.Base(o.Facts.Unknown), f.Target)
			return true
		case m.obscured(o, f):
			m.because(f, "%s may read %s, whose folder gets files that are not known", m.Label(o), f.Target)
			return true
		case paths.Implicit(f.Target) && !m.indifferent(o, f):
			m.because(f, "%s may read %s", m.Label(o), f.Target)
			return true
		}
	}
	if f.Unowned == "" || f.Removed || m.rootsOwn(f) {
		return false
	}
	m.becauseOwner(f, "it gives %s to %s", f.Target, f.Unowned)
	return true
}

// Ambiguous reports whether a file goes to a path that may be a directory of the
// base image, and then into that.
func Ambiguous(f *commands.Copied) bool {
	c := f.By.Copy
	dest := path.Base(c.Dest)
	if c.Dest != f.Target || len(c.Sources) != 1 || len(c.Texts) > 0 || strings.Contains(dest, ".") || dest == path.Base(f.Source) || strings.Contains(dest, "-") {
		return false
	}
	dir := path.Base(path.Dir(f.Target))
	return dir != "bin" && dir != "sbin"
}

// obscured reports whether an op works in a directory with a file of which a COPY
// that could not be listed leaves open what is there.
func (m *Files) obscured(o *commands.Op, f *commands.Copied) bool {
	if o.Facts == nil || o.Files[f.Target] == f.CopiedFile {
		return false
	}
	for _, step := range m.Chain {
		if step.Copy == nil || step.Copy.Known || step.Copy.Dest == "" || m.Order[step] > m.Order[o.Step] {
			continue
		}
		dest := path.Clean(step.Copy.Dest)
		if paths.Shared(dest) || !paths.Within(f.Target, dest) {
			continue
		}
		if paths.Within(o.Dir, dest) || strings.Contains(o.Text, dest) || o.Facts.Opaque != "" ||
			slices.ContainsFunc(o.Facts.Touched.Sorted(), func(t string) bool { return paths.Within(t, dest) }) {
			return true
		}
	}
	return false
}

// forgiving reports whether an op that deletes files does not mind that they are
// not there.
func forgiving(o *commands.Op) bool {
	if c := o.Single(); o.Command() && c != nil && (c.Name == "rm" || c.Name == "unlink") { // see removals
		return true
	}
	for _, c := range o.Calls() {
		if _, force := check.HasFlag(c, 'f', "", "--force"); c.Name == "unlink" || c.Name == "rm" && !force {
			return false
		}
	}
	return true
}

// removesBeside reports whether a script takes away what it finds by its own place or by
// the directory that it works in: below /context that cannot be removed.
func removesBeside(o *commands.Op, target string) bool {
	return o.Script() && slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool {
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
			deletes, _ := commands.Covers(c, w, target)
			return deletes && !strings.HasPrefix(strings.TrimLeft(w.Text, `"'`), "/")
		})
	})
}

// walks reports whether a script goes down a directory by its path in the image:
// what goes down directories follows no links.
func (m *Files) walks(o *commands.Op, f *commands.Copied) bool {
	if !o.Script() || !slices.ContainsFunc(o.Facts.Trees.Sorted(), func(tree string) bool { return paths.Within(f.Target, tree) }) {
		return false
	}
	program := m.Load(o.Call.Source)
	return program != nil && commands.SpeaksOf(program, f.Target)
}

// looksAbove reports whether an op looks at what a directory holds that copies
// share with others, such as /opt: there it finds a file in its place, or not.
func looksAbove(o *commands.Op, target string) bool {
	return o.Facts != nil && slices.ContainsFunc(o.Facts.Trees.Sorted(), func(tree string) bool {
		return tree != "/" && paths.Shared(tree) && paths.Within(target, tree)
	})
}

// asksWhere reports whether a command prints where a path leads.
func asksWhere(o *commands.Op, target string) bool {
	return o.Command() && slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool {
		return (c.Name == "readlink" || c.Name == "realpath") && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return paths.Within(target, path.Clean(w.Value)) })
	})
}

// calledByName reports whether an op calls a copied program that it finds in its
// search path.
func calledByName(o *commands.Op, target string) bool {
	dirs, known := o.Step.Scope.Env["PATH"]
	if !known || !slices.Contains(strings.Split(dirs, ":"), path.Dir(target)) {
		return false
	}
	return slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool { return c.Command.Value == path.Base(target) })
}

// dangles reports whether a file is a link that leads nowhere: it can be made,
// not copied.
func (m *Files) dangles(f *commands.Copied) bool {
	if f.Mode&fs.ModeSymlink == 0 {
		return false
	}
	_, err := fs.Stat(m.Bare, f.Source)
	return err != nil
}

// because notes why a file is in setup, once for each reason's first file.
func (m *Files) because(f *commands.Copied, format string, args ...any) {
	m.noteOnce(f, format, "If it can be root's and no step needs it, make it one of entrypoint.configuration_files", args)
}

// becauseOwner is the same for the owner, of whom a build file can have an account.
func (m *Files) becauseOwner(f *commands.Copied, format string, args ...any) {
	m.noteOnce(f, format+", whose number only a build knows", "With an account of that name under accounts, which a package takes as it is, it can be one of entrypoint.configuration_files", args)
}

func (m *Files) noteOnce(f *commands.Copied, format, advice string, args []any) {
	if !paths.Within("/"+f.Source, "/setup") && !m.noted[f.By] {
		m.noted[f.By] = true
		m.Report.Note(m.Where(f.By.Start), format+", so a setup script copies it, and an edit of it runs that script again. "+advice, args...)
	}
}

// indifferent reports whether an op does not care for a file in a place that
// programs read without being told to.
func (m *Files) indifferent(o *commands.Op, f *commands.Copied) bool {
	if o.Directory != "" || o.State {
		return true
	}
	if dir := path.Dir(f.Target); (path.Base(dir) == "bin" || path.Base(dir) == "sbin") && o.Facts != nil && o.Facts.Opaque == "" {
		name := path.Base(f.Target)
		return !slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool { return c.Name == name })
	}
	if dir := path.Dir(f.Target); dir == "/var/lib/postgresql" || paths.Within(f.Target, "/docker-entrypoint-initdb.d") {
		return true
	}
	calls, ok := o.Own()
	return ok && o.Command() && !slices.ContainsFunc(calls, func(c *shell.Call) bool {
		switch c.Name {
		case "mkdir", "rmdir", "rm", "chmod", "chown", "chgrp", "touch", "ln", "mv", "cp", "install", "echo", "printf", "true", "test", "[", "find", "sed", "truncate":
			return false
		case "useradd", "groupadd", "usermod", "groupmod", "gpasswd": // files of a moved user change with the user
			return accounts.Renumbers(c) || path.Dir(f.Target) == "/etc" || paths.Within(f.Target, "/etc/skel") || paths.Within(f.Target, "/etc/default")
		}
		return true
	})
}

// relatives places the scripts that find a placed file beside themselves, with
// all that they read: below /context they would find what the context has.
func (m *Files) relatives() {
	for changed := true; changed; {
		changed = false
		for _, o := range m.Ops {
			if o.Gone || !o.Script() {
				continue
			}
			program := m.Load(o.Call.Source)
			if program == nil || !slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool {
				return f.Placed && o.Files[f.Target] == f.CopiedFile && f.Source != o.Call.Source && commands.Finds(program, f.Source)
			}) && !m.writesBeside(o, program) {
				continue
			}
			for _, f := range m.Copies {
				if !f.Placed && o.Reads()[f.Target] == f.CopiedFile {
					f.Placed, changed = true, true
				}
			}
		}
	}
}

// writesBeside reports whether a script writes new files to the folder that it
// is in, which is read-only below /context.
func (m *Files) writesBeside(o *commands.Op, program *shell.Program) bool {
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
	dir := path.Dir(o.Call.Target)
	if paths.Shared(dir) {
		return false
	}
	for _, t := range o.Facts.Touched.Sorted() {
		if strings.Trim(path.Base(t), "01234567") == "" {
			continue // a mode, which looks like the name of a file
		}
		if t != o.Call.Target && paths.Within(t, dir) && !o.Removes(t) {
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
				if w.Known && paths.Within(path.Clean(v), graph.ContextMount) {
					return true
				}
			}
		}
	}
	return false
}
