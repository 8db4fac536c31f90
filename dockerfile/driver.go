package dockerfile

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// driver returns the parts of a driver script: a script that runs others, in
// an order that follows from its text alone, and does nothing between them
// that one of them could miss. The error says why it has to stay whole.
func driver(p *shell.Program, runs *shell.Child, scripts []*shell.Program, root *rootfs, sc *Scope) ([]Part, error) {
	if !p.Main.Shell {
		return nil, cannot(notShell, base(p.Main.Path))
	}
	if p.Incomplete {
		return nil, cannot(tooLarge, base(p.Main.Path))
	}
	for _, u := range p.Unresolved {
		if !shell.Never(u.Guards) && interp.Sets(u.Absolute) == nil {
			return nil, cannot(sourcesFile, place(u.From, u.Pos), first(u.Absolute, u.Word.Text))
		}
	}
	errexit, err := options(p, runs)
	if err != nil {
		return nil, err
	}
	if err := separable(scripts); err != nil {
		return nil, err
	}
	d := &driverReader{program: p, runs: runs, scripts: scripts, errexit: errexit, root: root, scope: sc}
	return d.parts()
}

// place is a place in a script as messages name it.
func place(file string, pos shell.Pos) string {
	if file == lineName {
		return itsLine
	}
	return fmt.Sprintf("%s:%d", base(file), pos.Line)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// options reports whether the script stops at the first failure.
func options(p *shell.Program, runs *shell.Child) (bool, error) {
	errexit := false
	for _, arg := range p.Main.Shebang.Args {
		errexit = errexit || isErrexit(arg)
	}
	if runs.Interpreter != "" {
		errexit = false // the interpreter's own options count, not the shebang's
		for _, w := range runs.InterpreterArgs {
			errexit = errexit || isErrexit(w.Value)
		}
	}
	for i := range p.Effects {
		e := &p.Effects[i]
		if e.Kind != shell.EffectOption || shell.Never(e.Guards) {
			continue
		}
		words := strings.Fields(e.Name)
		harmless := len(words) > 0 && (words[0] == "set" || words[0] == "shopt")
		for _, w := range words[min(1, len(words)):] {
			if strings.HasPrefix(w, "+") && strings.Contains(w, "e") {
				harmless = false
			}
		}
		if !harmless || e.Conditional && !e.Subshell {
			return false, cannot(changesOptions, place(e.From, e.Pos), e.Name)
		}
		if words[0] == "set" && !e.Subshell && e.Children == 0 {
			for i, w := range words[1:] {
				errexit = errexit || isErrexit(w) || w == "errexit" && i > 0
			}
		}
	}
	return errexit, nil
}

func isErrexit(w string) bool {
	return strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "e")
}

// driverReader goes through a driver's effects and children in order.
type driverReader struct {
	program *shell.Program
	// runs is the call of the driver itself, scripts are the programs of all that it
	// runs.
	runs    *shell.Child
	scripts []*shell.Program
	errexit bool
	root    *rootfs
	scope   *Scope
	// settings are the commands that source a file of the system since the last
	// part, and set the variables that such files set.
	settings []string
	set      map[string]bool
}

func (d *driverReader) parts() ([]Part, error) {
	var out []Part
	children := d.program.Children
	next := 0
	for i := 0; i <= len(children); i++ {
		for next < len(d.program.Effects) && d.program.Effects[next].Children <= i {
			p, err := d.effect(&d.program.Effects[next])
			if err != nil {
				return nil, err
			}
			if p != nil {
				out = append(out, d.after(p))
			}
			next++
		}
		if i == len(children) || shell.Never(children[i].Guards) {
			continue
		}
		p, err := d.child(i)
		if err != nil {
			return nil, err
		}
		out = append(out, d.after(p))
	}
	return out, nil
}

// after is a part with the settings that come before it: one that cannot be read
// in ends the driver.
func (d *driverReader) after(p *Part) Part {
	p.prelude, d.settings = d.settings, nil
	return *p
}

// effect decides about what the driver does itself: nothing that matters, a
// step of its own, or a reason to stay whole.
func (d *driverReader) effect(e *shell.Effect) (*Part, error) {
	if shell.Never(e.Guards) {
		return nil, nil
	}
	where := place(e.From, e.Pos)
	switch e.Kind {
	case shell.EffectOption:
		return nil, nil // see options
	case shell.EffectSource:
		return nil, d.source(e, where) // what is read in has effects of its own
	case shell.EffectExport:
		if strings.HasSuffix(e.Name, "()") {
			return nil, cannot(exportsFunction, where, e.Name)
		}
		if e.Known || e.Subshell {
			return nil, nil // children have it in their Env
		}
		if d.read(e.Name, e.Children) {
			return nil, cannot(exportsValue, where, e.Name)
		}
		return nil, nil
	case shell.EffectChdir:
		return nil, nil // children have it in their Dir
	case shell.EffectTrap:
		if e.Pure { // its commands are effects, too: these only report
			return nil, nil
		}
	case shell.EffectCommand:
		if e.Pure || d.logs(e) {
			return nil, nil
		}
		return d.command(e, where)
	case shell.EffectExit:
		if d.checks(e) || !decides(e.Guards) && !e.Conditional && e.Children == len(d.program.Children) && (e.Name == "" || e.Name == "0") {
			return nil, nil
		}
		return nil, cannot(mayEnd, where)
	case shell.EffectSkip:
		if d.checks(e) || !decides(e.Guards) {
			return nil, nil
		}
		return nil, cannot(maySkip, where)
	case shell.EffectWrite:
		if strings.HasPrefix(e.Name, "/dev/") {
			return nil, nil
		}
	}
	return nil, never(e, where)
}

// never is why a driver with an effect of a kind stays whole, wherever that is.
func never(e *shell.Effect, where string) error {
	switch e.Kind {
	case shell.EffectUnset:
		return cannot(unsets, where, e.Name)
	case shell.EffectTrap:
		return cannot(setsTrap, where)
	case shell.EffectRedirect:
		return cannot(redirects, where)
	case shell.EffectBackground:
		return cannot(inBackground, where)
	case shell.EffectWrite:
		return cannot(writesBetween, where, first(e.Name, "a file"))
	}
	return cannot(unknownCommand, where)
}

// read reports whether one of the children from the i-th on may read a
// variable.
func (d *driverReader) read(name string, i int) bool {
	if i >= len(d.program.Children) {
		return false
	}
	return len(d.scripts) == 0 || slices.ContainsFunc(d.scripts, func(p *shell.Program) bool { return p.MayRead(name) })
}

// child makes a step of a script that the driver runs.
func (d *driverReader) child(i int) (*Part, error) {
	c := &d.program.Children[i]
	name := first(c.Absolute, c.Word.Text)
	where := place(c.From, c.Pos)
	if err := d.refused(c, where, name); err != nil {
		return nil, err
	}
	p := &Part{Dir: c.Dir, Child: c}
	for _, v := range c.Env {
		if d.set[v.Name] {
			return nil, cannot(givesSetting, where, base(name), v.Name)
		}
		if v.Value.Known {
			p.Env = append(p.Env, v)
		}
	}
	if c.Tested {
		status, ok := d.statusAfter(i)
		if !ok {
			return nil, cannot(looksAtFailure, where, base(name))
		}
		p.OnFail = status
	} else if !d.errexit && i < len(d.program.Children)-1 {
		return nil, cannot(goesOn, where, base(name))
	}
	word := c.Word
	if _, ok := word.Literal(); !ok || word.Glob {
		word = known(c.Absolute)
	}
	words := append(slices.Clone(c.InterpreterArgs), word)
	words = append(words, c.Args...)
	command0 := words[0]
	if c.Interpreter != "" {
		command0 = known(c.Interpreter)
	} else {
		words = words[1:]
	}
	for _, w := range slices.Backward(c.Wrappers) {
		if w.Name != "time" && w.Name != "exec" && len(w.Words) > 0 {
			words, command0 = slices.Concat(w.Words[1:], []shell.Word{command0}, words), w.Words[0]
		}
	}
	text, ok := writeCommand(command0, words, c.Assigns, c.Redirects)
	if ok && c.Pipe.Stages > 0 {
		text, ok = d.logged(text, d.log(c.From, c.Pipe))
	}
	if !ok {
		return nil, cannot(unknownArguments, where, base(name))
	}
	p.Text = text
	return p, nil
}

// refused is why a script that the driver runs cannot be a step, nil where it can.
func (d *driverReader) refused(c *shell.Child, where, name string) error {
	switch {
	case c.Absolute == "":
		return cannot(unknownScript, where, name)
	case c.Glob:
		return cannot(unknownFiles, where, name)
	case repeats(c.Guards):
		return cannot(inLoop, where, base(name))
	case decides(c.Guards):
		return cannot(underCondition, where, base(name))
	case c.Background:
		return cannot(scriptBeside, where, base(name))
	case c.Pipe.Stages > 0 && (c.Pipe.Stage > 0 || d.log(c.From, c.Pipe) == nil):
		return cannot(piped, where, base(name))
	case slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return w.Name == "eval" }):
		return cannot(byEval, where, base(name))
	case c.User != "" || slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return !w.Function && !transparent(w) }):
		return cannot(throughProgram, where, base(name))
	case c.Dir == "":
		return cannot(unknownDirectory, where, base(name))
	case c.Interpreter == "" && !d.hasShebang(c):
		return cannot(noInterpreter, base(name)+":1")
	}
	return nil
}

// hasShebang reports whether a script says what runs it.
func (d *driverReader) hasShebang(c *shell.Child) bool {
	return slices.ContainsFunc(d.scripts, func(p *shell.Program) bool {
		return p.Main.Path == c.Path && p.Main.Shebang.Line != "" && p.Main.CRLF.Line != 1
	})
}

func known(s string) shell.Word { return shell.Word{Text: s, Value: s, Known: true} }

// statusAfter is the status with which the driver ends when the i-th child
// fails.
func (d *driverReader) statusAfter(i int) (int, bool) {
	c := &d.program.Children[i]
	for j := range d.program.Effects {
		e := &d.program.Effects[j]
		if e.Children != i+1 || e.Kind != shell.EffectExit || !failed(c, e.Guards) {
			continue
		}
		n, err := strconv.Atoi(e.Name)
		return n, err == nil && n > 0 && n < 256
	}
	return 0, false
}

// driverName is what a driver is called in messages.
func driverName(c *shell.Child) string { return path.Base(c.Absolute) }
