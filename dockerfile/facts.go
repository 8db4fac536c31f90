package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// facts are what a step does with the files that were copied before it, read
// from the syntax trees of its text and of every script that it runs.
type facts struct {
	program *shell.Program
	// opaque is why nothing can be said; "" when all below is known.
	opaque string
	// reads are the copied files that it needs, trees the directories of which
	// it needs everything, dirs those that only have to exist.
	reads, trees, dirs map[string]bool
	// touched are the paths that it may change, with all below them; made
	// those that it puts something at, copied files or not.
	touched, made map[string]bool
	// wild is why it may read any file and variable: it runs a program that an
	// earlier step made, or may have changed. "" for a step that does not.
	wild string
	// unknown is a program that it runs of which is not known what it reads; ""
	// when all of them are known.
	unknown string
	// near are directories that such a program may read although nothing names
	// them as read: the one that it works in, one that it is given, one that a
	// variable names. beside are those of the files that it is given.
	near, beside map[string]bool
	// works names a program for a directory that it works in, and may write to.
	works map[string]string
	// named are all paths that it speaks of, copied files or not.
	named map[string]bool
}

// examine reads a step's text in a scope.
func (r *rootfs) examine(text string, s *Scope) *facts {
	f := &facts{reads: map[string]bool{}, trees: map[string]bool{}, dirs: map[string]bool{}, touched: map[string]bool{}, made: map[string]bool{}, near: map[string]bool{}, beside: map[string]bool{}, named: map[string]bool{}, works: map[string]string{}}
	if s.Dir == "" {
		f.opaque = "its working directory is not known"
		return f
	}
	interpreter, _ := shellOf(s.Shell)
	if interpreter == "" {
		f.opaque = "its SHELL is not one that is read"
		return f
	}
	p, err := r.loader().LoadText("RUN", []byte(text), shell.Options{
		Mounts: []shell.Mount{{Source: "", Target: "/"}}, Dir: s.Dir, Vars: s.vars(), Interpreter: interpreter,
		Follow: true, Stat: r.stat, Glob: r.ordered(s),
	})
	if p == nil || err != nil || len(p.Broken) > 0 {
		f.opaque = "it cannot be parsed"
		return f
	}
	f.program = p
	x := examiner{root: r, facts: f, scope: s}
	for _, script := range p.Closure() {
		x.searches = x.searches || slices.ContainsFunc(script.Assigns, func(a shell.Assign) bool { return a.Name == "PATH" })
	}
	for _, program := range append([]*shell.Program{p}, p.Programs...) {
		x.program(program)
	}
	for name, v := range s.vars() {
		x.variable(name, v)
	}
	f.wild = first(f.wild, r.doubtful(f))
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

// mentions reports whether the step's own text, or that of a script that it
// runs, speaks of a variable.
func (f *facts) mentions(name string) bool {
	if f.program == nil {
		return false
	}
	_, _, ok := f.program.Mentions(name)
	return ok
}

// mayRead reports whether the step may read a variable. Named says that
// something of the stage speaks of it by name: a program of which is not known
// what it reads is then taken to read it only where the name is one that
// programs know.
func (f *facts) mayRead(name string, named bool) bool {
	if f.opaque != "" || f.wild != "" || f.program == nil || f.program.MayRead(name) {
		return true
	}
	return f.unknown != "" && (!named || programs.Conventional(name))
}

// changes reports whether the step may change a path.
func (f *facts) changes(name string) bool {
	for t := range f.touched {
		if paths.Within(name, t) {
			return true
		}
	}
	return false
}

// touches reports whether the step may change something that a copy makes. Based
// says that its directories are there.
func (f *facts) touches(c *copying, based bool) bool {
	for t := range f.touched {
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

// calls are everything that the step may call.
func (f *facts) calls() []*shell.Call {
	if f.program == nil {
		return nil
	}
	return f.program.Calls()
}
