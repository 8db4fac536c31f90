package migrate

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// copied is a file that a COPY or ADD brings, and what becomes of it.
type copied struct {
	*dockerfile.CopiedFile
	uid, gid int
	mode     fs.FileMode
	// owner is its owner as the build file has it, where its numbers are args; else "".
	owner string
	// unowned is an owner whose number is not known.
	unowned string
	// used are the ops that need it; placed says that setup puts it where the
	// Dockerfile has it.
	used   []*op
	placed bool
	// removed and replaced say that the image does not have it in the end.
	removed, replaced bool
	// runtime says that something that a container runs speaks of it.
	runtime bool
	class   class
	// folded says that a recursive chmod or chown was made its mode and owner.
	folded bool
	// entrypoint says that it is the entrypoint script.
	entrypoint bool
}

// class is where a copied file goes.
type class int

const (
	_ class = iota
	// setupOnly is what scripts find below /context, and no image has.
	setupOnly
	// inSetup is what a generated script puts in its place.
	inSetup
	// atRuntime is an entrypoint file.
	atRuntime
)

// newCopied is a file with the owner and mode that its COPY gives it.
func (m *contents) newCopied(f *dockerfile.CopiedFile, c *dockerfile.Copy) *copied {
	chown, chmod := ownership(f.By)
	out := &copied{CopiedFile: f, mode: f.Mode.Perm() | f.Mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)}
	if c.Chmod != "" {
		if got, ok := modes.Apply(out.mode, c.Chmod); ok {
			out.mode = got
		}
		m.writtenOut(f.By, f.By.Start, argsIn(f.By, chmod)...)
	}
	if c.Chown != "" {
		uid, gid, ok := m.accounts.owner(c.Chown, true)
		if ok {
			out.uid, out.gid = max(uid, 0), max(gid, 0)
			text, _ := m.text(chown, f.By.Scope, m.namesAt(f.By))
			out.owner = ownerArgs(text, c.Chown)
			user, group, _ := strings.Cut(c.Chown, ":")
			told := slices.Concat(m.accounts.args[user], m.accounts.args[group])
			if out.owner == "" {
				told = append(told, argsIn(f.By, chown)...)
			}
			m.writtenOut(f.By, f.By.Start, told...)
		} else {
			out.unowned = c.Chown
		}
	}
	return out
}

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

// modes takes the commands away that set owner and mode of copied files: these
// get them where they are copied.
func (m *contents) modes() {
	m.atRuntime() // a script that a container runs may be root's
	for _, o := range m.ops {
		if c := o.one(); !o.gone && setsModes(o) && len(c.Redirects) == 0 && len(o.when) == 0 {
			m.fold(o, c)
		}
	}
}

// setsModes reports whether an op is one command that sets owner or mode.
func setsModes(o *op) bool {
	c := o.one()
	return o.command() && c != nil && (c.Name == "chmod" || c.Name == "chown" || c.Name == "chgrp")
}

func (m *contents) fold(o *op, c *shell.Call) {
	word, operands, all, ok := modeArguments(c)
	if !ok {
		return
	}
	spec := word.Value
	set, given, among := map[*copied]bool{}, map[*copied]bool{}, map[*copied]bool{}
	whole := map[string][]*copied{} // operands that are nothing but copied files
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
		owner = ownerArgs(m.shellText(o, word.Text, spec), spec)
	}
	if owner == "" {
		m.writtenOut(o.step, o.line(), argsIn(o.step, word.Text)...)
	}
	for f := range set {
		if !m.apply(f, c.Name, spec) && (c.Name == "chmod" || !m.rootsOwn(f)) {
			o.owner = spec
			continue
		}
		if c.Name != "chmod" {
			f.owner = owner
		}
		f.folded = f.folded || all
		given[f] = true
	}
	done := func(w shell.Word) bool {
		return whole[w.Text] != nil && !slices.ContainsFunc(whole[w.Text], func(f *copied) bool { return !given[f] })
	}
	text := reduced(o.text, c, done)
	o.given = map[*copied]bool{}
	for f := range given { // the command does it to what else is there
		o.given[f] = among[f]
	}
	for _, w := range operands {
		for _, f := range whole[w.Text] {
			o.given[f] = o.given[f] || done(w) && text != o.text
		}
	}
	switch {
	case !slices.ContainsFunc(operands, func(w shell.Word) bool { return !done(w) }):
		o.gone = true
		m.went(o, Carried, "owner and mode of the copied files")
	case text != o.text:
		o.text = text
		m.went(o, Carried, "owner and mode of the copied files")
	}
}

// modeArguments are what chmod or chown is to set, and of what.
func modeArguments(c *shell.Call) (spec shell.Word, operands []shell.Word, recursive, ok bool) {
	said := false
	for _, w := range c.Args {
		v, known := w.Literal()
		switch {
		case !known && (!w.Known || !w.Glob):
			return spec, nil, false, false
		case v == "-R" || v == "--recursive":
			recursive = true
		case strings.HasPrefix(v, "-") && !said && strings.Trim(v, "-vfc") != "" || strings.HasPrefix(v, "--"):
			return spec, nil, false, false
		case strings.HasPrefix(v, "-") && !said:
		case !said:
			spec, said = w, true
		default:
			operands = append(operands, w)
		}
	}
	return spec, operands, recursive, len(operands) > 0
}

// covered are the copied files that an operand stands for; complete says that
// it stands for nothing else.
func (m *contents) covered(o *op, w shell.Word, all bool) (files []*copied, complete bool) {
	name := w.Value
	if !path.IsAbs(name) {
		if o.dir == "" {
			return nil, false
		}
		name = path.Join(o.dir, name)
	}
	name = path.Clean(name)
	complete = !paths.Shared(name)
	for _, f := range m.copies {
		if o.files[f.Target] != f.CopiedFile {
			continue
		}
		if ambiguous(f) && paths.Within(f.Target, name) {
			return nil, false
		}
		under := paths.Within(f.Target, name) || w.Glob && glob.Covers(name, f.Target)
		if glob.Path(name, f.Target) || f.Target == name || all && under {
			files = append(files, f)
		}
	}
	dir := !slices.ContainsFunc(files, func(f *copied) bool { return f.Target == name }) && !w.Glob
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
func (m *contents) ownDir(dir string, before *op) bool {
	for _, o := range m.ops {
		if o == before {
			return true
		}
		if o.gone || o.facts == nil {
			continue
		}
		for _, c := range o.calls() {
			for _, w := range c.Args {
				for _, v := range w.Choices() {
					if path.IsAbs(v) && paths.Within(path.Clean(v), dir) && !slices.ContainsFunc(m.copies, func(f *copied) bool { return paths.Within(f.Target, path.Clean(v)) }) {
						return false
					}
				}
			}
		}
	}
	return true
}

// apply gives a copied file what a command sets.
func (m *contents) apply(f *copied, command, spec string) bool {
	if command == "chmod" {
		got, ok := modes.Apply(f.mode, spec)
		if ok {
			f.mode = got
		}
		return ok
	}
	if command == "chgrp" {
		spec = ":" + spec
	}
	uid, gid, ok := m.accounts.owner(spec, false)
	if !ok {
		return false
	}
	if f.mode&0o111 != 0 { // as the kernel does it for programs, lest they run as someone else
		f.mode &^= fs.ModeSetuid
	}
	if f.mode&0o010 != 0 {
		f.mode &^= fs.ModeSetgid
	}
	if uid >= 0 {
		f.uid = uid
	}
	if gid >= 0 {
		f.gid = gid
	}
	f.unowned = ""
	return true
}

// rootsOwn makes a file root's in place of an owner whose number only a build
// knows, which is no loss to a script that a container runs and may read.
func (m *contents) rootsOwn(f *copied) bool {
	if !f.runtime || !m.isScript(f.Source) || f.mode.Perm()&0o005 != 0o005 {
		return false
	}
	f.uid, f.gid, f.unowned, f.owner = 0, 0, "", ""
	m.report.differ("scripts that a container runs are root's, where only a build knows the owner's number", []string{f.Target}, nil)
	return true
}
