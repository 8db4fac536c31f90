package dockerfile

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// Facts are what a step does with the files that were copied before it, read from
// the syntax trees of its text and of every script that it runs.
type Facts struct {
	// Program is what was read of it; nil where it cannot be read.
	Program *shell.Program
	// Opaque is why nothing can be said; "" when all below is known.
	Opaque string
	// opaque are all reasons for that; opened says that such a step may read
	// everything, see openUp.
	opaque []opaqueness
	opened bool
	// Reads are the copied files that it needs, Trees the directories of which
	// it needs everything, Dirs those that only have to exist.
	Reads, Trees, Dirs Paths
	// Touched are the paths that it may change, with all below them; Made
	// those that it puts something at, copied files or not.
	Touched, Made Paths
	// Wild is why it may read any file and variable: it runs a program that an
	// earlier step made, or may have changed. "" for a step that does not.
	Wild string
	// Unknown is a program that it runs of which is not known what it reads; ""
	// when all of them are known.
	Unknown string
	// Near are directories that such a program may read although nothing names
	// them as read: the one that it works in, one that it is given, one that a
	// variable names. Beside are those of the files that it is given.
	Near, Beside Paths
	// Works names a program for a directory that it works in, and may write to.
	Works map[string]string
	// Named are all paths that it speaks of, copied files or not.
	Named Paths
}

// opaqueness is a reason why nothing can be said of a step: of is the program that it
// lies in, nil where none could be read.
type opaqueness struct {
	of  *shell.Program
	why error
}

// giveUp notes a reason why nothing can be said.
func (f *Facts) giveUp(of *shell.Program, why error) {
	f.Opaque = first(f.Opaque, why.Error())
	f.opaque = append(f.opaque, opaqueness{of, why})
}

// Paths are a set of paths.
type Paths map[string]bool

// Sorted are the paths in a fixed order.
func (p Paths) Sorted() []string { return slices.Sorted(maps.Keys(p)) }

// Cover reports whether a path is one of them, or below one.
func (p Paths) Cover(name string) bool {
	for dir := range p {
		if paths.Within(name, dir) {
			return true
		}
	}
	return false
}

// lineName is what a RUN's own text is called among its scripts, itsLine what it is
// called in messages.
const (
	lineName = "RUN"
	itsLine  = "its line"
)

// programAt is the program of a script that a RUN runs, nil where there is none.
func programAt(p *shell.Program, file string) *shell.Program {
	i := slices.IndexFunc(p.Programs, func(sub *shell.Program) bool { return sub.Main.Path == file })
	if i < 0 {
		return nil
	}
	return p.Programs[i]
}

// examine reads a step's text in a scope.
func (r *rootfs) examine(text string, s *Scope) *Facts {
	f := &Facts{Reads: Paths{}, Trees: Paths{}, Dirs: Paths{}, Touched: Paths{}, Made: Paths{}, Near: Paths{}, Beside: Paths{}, Named: Paths{}, Works: map[string]string{}}
	if s.Dir == "" {
		f.giveUp(nil, cannot(unknownWorkdir))
		return f
	}
	interpreter, _ := shellOf(s.Shell)
	if interpreter == "" {
		f.giveUp(nil, cannot(unreadShell))
		return f
	}
	p, err := r.loader().LoadText(lineName, []byte(text), interp.Options{
		Mounts: []interp.Mount{{Source: "", Target: "/"}}, Dir: s.Dir, Vars: s.vars(), Interpreter: interpreter,
		Follow: true, Stat: r.stat, Glob: r.ordered(s),
	})
	if p == nil || err != nil {
		f.giveUp(nil, cannot(unparsed, itsLine))
		return f
	}
	for _, broken := range p.Broken {
		f.giveUp(programAt(p, broken.Path), cannot(unparsed, place(broken.Path, broken.Pos)))
	}
	f.Program = p
	x := classifier{root: r, facts: f, scope: s, of: p}
	for _, script := range p.Closure() {
		x.searches = x.searches || slices.ContainsFunc(script.Assigns, func(a shell.Assign) bool { return a.Name == "PATH" })
	}
	for _, program := range append([]*shell.Program{p}, p.Programs...) {
		x.of = program
		x.program(program)
	}
	for name, v := range s.vars() {
		x.variable(name, v)
	}
	if program, _ := r.doubtful(f); program != "" {
		f.Wild = first(f.Wild, program+" may change what it reads")
	}
	return f
}

// shellOf returns the shell of a SHELL instruction, and whether it stops at the
// first failure.
func shellOf(words []string) (name string, errexit bool) {
	if len(words) < 2 {
		return "", false
	}
	name = path.Base(words[0])
	switch name {
	case "sh", "bash", "dash", "ash":
	default:
		return "", false
	}
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "-") && strings.Contains(w, "e") {
			errexit = true
		}
	}
	return name, errexit
}

// Mentions reports whether the step's own text, or that of a script that it
// runs, speaks of a variable.
func (f *Facts) Mentions(name string) bool {
	if f.Program == nil {
		return false
	}
	_, _, ok := f.Program.Mentions(name)
	return ok
}

// MayRead reports whether the step may read a variable. Named says that
// something of the stage speaks of it by name: a program of which is not known
// what it reads is then taken to read it only where the name is one that
// programs know.
func (f *Facts) MayRead(name string, named bool) bool {
	if f.Opaque != "" || f.Wild != "" || f.Program == nil || f.Program.MayRead(name) {
		return true
	}
	return f.Unknown != "" && (!named || programs.Conventional(name))
}

// touches reports whether the step may change something that a copy makes. Based
// says that its directories are there.
func (f *Facts) touches(c *copyEffect, based bool) bool {
	for t := range f.Touched {
		for _, name := range c.files {
			if paths.Within(name, t) || paths.Within(t, name) {
				return true
			}
		}
		for _, dir := range c.dirs {
			// What is made beside the files needs their directory; what
			// another part of the same copy makes has it from there.
			if paths.Within(dir, t) || !based && path.Dir(t) == dir && (c.of == nil || !overlaps(c.of, t)) {
				return true
			}
		}
	}
	return false
}

// Calls are everything that the step may call.
func (f *Facts) Calls() []*shell.Call {
	if f.Program == nil {
		return nil
	}
	return f.Program.Calls()
}
