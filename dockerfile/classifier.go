package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// classifier sorts what a step does into facts.
type classifier struct {
	root  *rootfs
	facts *Facts
	scope *Scope
	// of is the program that is looked at.
	of *shell.Program
	// searches says that a script sets PATH.
	searches bool
}

// variable looks at a variable whose value may name files: whatever it names as
// a whole, and what it lists where programs look by themselves.
func (x *classifier) variable(name, value string) {
	if x.root.files[value] != nil {
		x.facts.Reads[value] = true
	}
	if !programs.Searched(name) {
		return
	}
	for _, p := range strings.Split(value, ":") {
		switch p = path.Clean(p); {
		case !path.IsAbs(p):
		case x.root.files[p] != nil:
			x.facts.Reads[p] = true
		case len(x.root.below(p)) > 0:
			x.facts.Trees[p] = true
		}
	}
}

func (x *classifier) giveUp(w why, args ...any) { x.facts.giveUp(x.of, cannot(w, args...)) }

func (x *classifier) program(p *shell.Program) {
	if p.Incomplete {
		x.giveUp(tooLarge, base(p.Main.Path))
	}
	for _, u := range p.Unresolved {
		if shell.Never(u.Guards) || interp.Sets(u.Absolute) != nil {
			continue
		}
		x.unknown(first(u.Absolute, u.Word.Text))
		if u.Optional {
			continue
		}
		if u.Absolute == "" || x.own(u.Absolute) {
			x.giveUp(sourcesUnknown, place(u.From, u.Pos), u.Word.Text)
		}
	}
	for i := range p.Children {
		x.child(&p.Children[i])
	}
	for _, s := range p.Scripts() {
		x.script(s)
	}
}

// own reports whether a path lies in a directory that copies made.
func (x *classifier) own(name string) bool {
	for dir := name; dir != "/" && dir != "."; dir = path.Dir(dir) {
		if x.root.dirs[dir] != nil {
			return true
		}
	}
	return false
}

func (x *classifier) child(c *shell.Child) {
	switch {
	case shell.Never(c.Guards):
	case c.Absolute == "":
		x.giveUp(unknownScript, place(c.From, c.Pos), c.Word.Text)
	case c.Glob:
		x.unknown(c.Absolute)
		for _, name := range x.root.matching(c.Absolute) {
			x.facts.Reads[name] = true
		}
	case x.root.files[c.Absolute] != nil:
		x.facts.Reads[c.Absolute] = true
	case x.root.madeAt(c.Absolute):
		x.facts.Wild = "it runs " + c.Absolute + ", which an earlier step made"
	case !x.own(c.Absolute):
		if c.Interpreter != "" || strings.Contains(c.Word.Value, "/") && !x.isClosed(c) {
			x.unknown(c.Absolute)
		}
	case !c.Optional:
		x.giveUp(missingScript, place(c.From, c.Pos), c.Absolute)
	}
}

// isClosed reports whether what runs by its path is one of the system's tools, of
// which is known what it reads: /usr/bin/install.
func (*classifier) isClosed(c *shell.Child) bool {
	var args []string
	for _, w := range c.Args {
		args = append(args, w.Value)
	}
	return programs.IsClosed(c.Absolute, args)
}

func (x *classifier) script(s *shell.Script) {
	name := "/" + s.Path
	if x.root.files[name] != nil {
		x.facts.Reads[name] = true
		if !s.Shell { // a program in another language
			x.unknown(name)
			x.nearby(path.Dir(name))
		}
	}
	for _, c := range s.Calls {
		if !c.Unreached && !shell.Never(c.Guards) {
			x.call(s, c)
		}
	}
	for i := range s.Paths {
		x.path(s, &s.Paths[i])
	}
	for i := range s.Sources {
		x.passed(s.Sources[i].Word.Value)
	}
	for i := range s.Children {
		x.passed(s.Children[i].Word.Value)
	}
}

func base(name string) string { return path.Base(name) }

// call looks at what a command does to its working directory and to whole
// trees.
func (x *classifier) call(s *shell.Script, c *shell.Call) {
	x.globs(c)
	if c.Kind == shell.CallDynamic {
		x.giveUp(unknownCommand, place(s.Path, c.Pos))
		return
	}
	if c.Kind != shell.CallProgram {
		return
	}
	if !strings.Contains(c.Command.Value, "/") && x.fromPath(c.Name) {
		x.giveUp(callsCopied, place(s.Path, c.Pos), c.Name)
	}
	x.runs(c.Command.Value, c.Dir)
	kind := commandKind(c)
	if kind == worksInDir && (c.Dir == "" || x.own(c.Dir)) && !strings.Contains(c.Command.Value, "/") {
		if c.Dir == "" {
			x.touchAll()
		} else {
			x.facts.Touched[c.Dir] = true
			x.facts.Works[c.Dir] = c.Name
		}
	}
	if !x.closed(c) {
		x.unknown(c.Name)
		x.around(c)
	}
	x.arguments(c, kind)
	x.goesThrough(c, kind)
}

// unknown notes a program of which is not known what it reads.
func (x *classifier) unknown(name string) {
	if x.facts.Unknown == "" {
		x.facts.Unknown = name
	}
}

// closed reports whether all that a call reads and writes is known.
func (x *classifier) closed(c *shell.Call) bool {
	if c.Through("chroot") {
		return false
	}
	switch c.Name {
	case "sh", "bash", "dash", "ash":
		// What they run is looked at by itself, unless it comes from standard input.
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return !strings.HasPrefix(w.Value, "-") }) ||
			slices.ContainsFunc(c.Redirects, func(r shell.Redirect) bool { return strings.HasPrefix(r.Op, "<<") })
	}
	command := c.Command.Value
	if strings.Contains(command, "/") {
		if !path.IsAbs(command) {
			command = path.Join(c.Dir, command)
		}
		if x.root.files[command] != nil {
			return true // a child, which is looked at by itself
		}
	}
	var args []string
	for _, w := range c.Args {
		args = append(args, append(w.Choices(), w.Value)...)
	}
	return programs.IsClosed(command, args)
}

// runs looks at a program: one that an earlier step of the Dockerfile made may do
// anything.
func (x *classifier) runs(command, dir string) {
	if strings.Contains(command, "/") {
		if !path.IsAbs(command) {
			command = path.Join(dir, command)
		}
		if x.root.files[command] == nil && x.root.madeAt(path.Clean(command)) {
			x.facts.Wild = "it runs " + command + ", which an earlier step made"
		}
		return
	}
	for m := range x.root.made {
		if path.Base(m) == command && command != "" {
			x.facts.Wild = "it runs " + m + ", which an earlier step made"
		}
	}
}

// touchAll notes that everything may change.
func (x *classifier) touchAll() { x.facts.Touched["/"] = true }

// fromPath reports whether a bare command name may be a copied file.
func (x *classifier) fromPath(name string) bool {
	dirs, known := x.scope.Env["PATH"]
	for file := range x.root.files {
		if path.Base(file) != name {
			continue
		}
		dir := path.Dir(file)
		if x.searches || !known && path.Base(dir) == "bin" || slices.Contains(strings.Split(dirs, ":"), dir) {
			return true
		}
	}
	return false
}
