package files

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// ownership are the flags of a COPY or ADD that give owner and mode, as they are
// written.
func ownership(step *dockerfile.Step) (chown, chmod string) {
	switch c := step.Command.(type) {
	case *instructions.CopyCommand:
		return c.Chown, c.Chmod
	case *instructions.AddCommand:
		return c.Chown, c.Chmod
	}
	return "", ""
}

// ownerArgs is a text that stands for an owner, with its group, where args are the
// numbers in it; else "".
func ownerArgs(text, owner string) string {
	switch {
	case !strings.Contains(text, "${") || strings.Trim(owner, "0123456789:") != "":
		return ""
	case !strings.Contains(owner, ":"):
		return text + ":" + text
	}
	return text
}

// Modes takes the commands away that set owner and mode of copied files: these
// get them where they are copied.
func (m *Files) Modes() {
	m.atRuntime() // a script that a container runs may be root's
	for _, o := range m.Ops {
		if c := o.Single(); !o.Gone && SetsModes(o) && len(c.Redirects) == 0 && len(o.When) == 0 {
			m.fold(o, c)
		}
	}
}

// SetsModes reports whether an op is one command that sets owner or mode.
func SetsModes(o *commands.Op) bool {
	c := o.Single()
	return o.Command() && c != nil && (c.Name == "chmod" || c.Name == "chown" || c.Name == "chgrp")
}

func (m *Files) fold(o *commands.Op, c *shell.Call) {
	word, operands, all, ok := commands.ModeArguments(c)
	if !ok {
		return
	}
	spec := word.Value
	set, given, among := map[*commands.Copied]bool{}, map[*commands.Copied]bool{}, map[*commands.Copied]bool{}
	whole := map[string][]*commands.Copied{} // operands that are nothing but copied files
	for _, w := range operands {
		files, complete := m.covered(o, w, all)
		for _, f := range files {
			set[f] = true
		}
		if complete {
			whole[w.Text] = files
			continue
		}
		for _, f := range files {
			among[f] = all
		}
	}
	if len(set) == 0 {
		return
	}
	owner := ""
	if c.Name == "chown" && strings.Contains(spec, ":") {
		owner = ownerArgs(m.ShellText(o, word.Text, spec), spec)
	}
	if owner == "" {
		m.WrittenOut(o.Step, o.Line(), draft.ArgsIn(o.Step, word.Text)...)
	}
	for f := range set {
		if !m.apply(f, c.Name, spec) && (c.Name == "chmod" || !m.rootsOwn(f)) {
			o.Owner = spec
			continue
		}
		if c.Name != "chmod" {
			f.Owner = owner
		}
		f.Folded = f.Folded || all
		given[f] = true
	}
	done := func(w shell.Word) bool {
		return whole[w.Text] != nil && !slices.ContainsFunc(whole[w.Text], func(f *commands.Copied) bool { return !given[f] })
	}
	text := commands.Reduced(o.Text, c, done)
	o.Given = map[*commands.Copied]bool{}
	for f := range given { // the command does it to what else is there
		o.Given[f] = among[f]
	}
	for _, w := range operands {
		for _, f := range whole[w.Text] {
			o.Given[f] = o.Given[f] || done(w) && text != o.Text
		}
	}
	switch {
	case !slices.ContainsFunc(operands, func(w shell.Word) bool { return !done(w) }):
		o.Gone = true
		m.Record(o, report.Carried, "owner and mode of the copied files")
	case text != o.Text:
		o.Text = text
		m.Record(o, report.Carried, "owner and mode of the copied files")
	}
}

// covered are the copied files that an operand stands for; complete says that
// it stands for nothing else.
func (m *Files) covered(o *commands.Op, w shell.Word, all bool) (files []*commands.Copied, complete bool) {
	name := w.Value
	if !path.IsAbs(name) {
		if o.Dir == "" {
			return nil, false
		}
		name = path.Join(o.Dir, name)
	}
	name = path.Clean(name)
	complete = !paths.Shared(name)
	for _, f := range m.Copies {
		if o.Files[f.Target] != f.CopiedFile {
			continue
		}
		if Ambiguous(f) && paths.Within(f.Target, name) {
			return nil, false
		}
		under := paths.Within(f.Target, name) || w.Glob && glob.Covers(name, f.Target)
		if glob.Path(name, f.Target) || f.Target == name || all && under {
			files = append(files, f)
		}
	}
	dir := !slices.ContainsFunc(files, func(f *commands.Copied) bool { return f.Target == name }) && !w.Glob
	complete = complete || !dir && !w.Glob
	if dir && !all {
		return nil, false // the mode of a directory itself
	}
	if dir { // it is the copies' own, and no op before this one has written there
		complete = complete && m.ownDir(name, o)
	}
	return files, complete && len(files) > 0
}

// ownDir reports whether a directory exists for copied files alone.
func (m *Files) ownDir(dir string, before *commands.Op) bool {
	for _, o := range m.Ops {
		if o == before {
			return true
		}
		if o.Gone || o.Facts == nil {
			continue
		}
		for _, c := range o.Calls() {
			for _, w := range c.Args {
				for _, v := range w.Choices() {
					if path.IsAbs(v) && paths.Within(path.Clean(v), dir) && !slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool { return paths.Within(f.Target, path.Clean(v)) }) {
						return false
					}
				}
			}
		}
	}
	return true
}

// apply gives a copied file what a command sets.
func (m *Files) apply(f *commands.Copied, command, spec string) bool {
	if command == "chmod" {
		got, ok := modes.Apply(f.ImageMode, spec)
		if ok {
			f.ImageMode = got
		}
		return ok
	}
	if command == "chgrp" {
		spec = ":" + spec
	}
	uid, gid, ok := m.Accounts.Owner(spec, false)
	if !ok {
		return false
	}
	if f.ImageMode&0o111 != 0 { // as the kernel does it for programs, lest they run as someone else
		f.ImageMode &^= fs.ModeSetuid
	}
	if f.ImageMode&0o010 != 0 {
		f.ImageMode &^= fs.ModeSetgid
	}
	if uid >= 0 {
		f.UID = uid
	}
	if gid >= 0 {
		f.GID = gid
	}
	f.Unowned = ""
	return true
}

// rootsOwn makes a file root's in place of an owner whose number only a build
// knows, which is no loss to a script that a container runs and may read.
func (m *Files) rootsOwn(f *commands.Copied) bool {
	if !f.Runtime || !m.IsScript(f.Source) || f.ImageMode.Perm()&0o005 != 0o005 {
		return false
	}
	f.UID, f.GID, f.Unowned, f.Owner = 0, 0, "", ""
	m.Report.Differ("scripts that a container runs are root's, where only a build knows the owner's number", []string{f.Target}, nil)
	return true
}
