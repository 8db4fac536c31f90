package dockerfile

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// cannotSplit tells why a driver stays one step.
type cannotSplit struct{ why string }

func (e cannotSplit) Error() string { return e.why }

func cannot(format string, args ...any) error { return cannotSplit{fmt.Sprintf(format, args...)} }

// driver returns the parts of a driver script: a script that runs others, in
// an order that follows from its text alone, and does nothing between them
// that one of them could miss. The error says why it has to stay whole.
func driver(p *shell.Program, runs *shell.Child, scripts []*shell.Program, root *rootfs, sc *Scope) ([]part, error) {
	if !p.Main.Shell {
		return nil, cannot("it is not a shell script")
	}
	if p.Incomplete {
		return nil, cannot("it is too large to follow")
	}
	for _, u := range p.Unresolved {
		if !shell.Never(u.Guards) && shell.Sets(u.Absolute) == nil {
			return nil, cannot("it sources %s", first(u.Absolute, u.Word.Text))
		}
	}
	errexit, err := options(p, runs)
	if err != nil {
		return nil, err
	}
	if err := separable(scripts); err != nil {
		return nil, err
	}
	d := &driving{program: p, scripts: scripts, errexit: errexit, root: root, scope: sc}
	return d.parts()
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
			return false, cannot("%s:%d changes the shell's options (%s)", base(e.From), e.Pos.Line, e.Name)
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

// driving goes through a driver's effects and children in order.
type driving struct {
	program *shell.Program
	// scripts are the programs of all that it runs.
	scripts []*shell.Program
	errexit bool
	root    *rootfs
	scope   *Scope
	// settings are the commands that source a file of the system since the last
	// part, and set the variables that such files set.
	settings []string
	set      map[string]bool
}

func (d *driving) parts() ([]part, error) {
	var out []part
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
func (d *driving) after(p *part) part {
	p.prelude, d.settings = d.settings, nil
	return *p
}

// effect decides about what the driver does itself: nothing that matters, a
// step of its own, or a reason to stay whole.
func (d *driving) effect(e *shell.Effect) (*part, error) {
	if shell.Never(e.Guards) {
		return nil, nil
	}
	where := fmt.Sprintf("%s:%d", base(e.From), e.Pos.Line)
	switch e.Kind {
	case shell.EffectOption:
		return nil, nil // see options
	case shell.EffectSource:
		return nil, d.source(e, where) // what is read in has effects of its own
	case shell.EffectExport:
		if strings.HasSuffix(e.Name, "()") {
			return nil, cannot("%s exports the function %s", where, e.Name)
		}
		if e.Known || e.Subshell {
			return nil, nil // children have it in their Env
		}
		if d.read(e.Name, e.Children) {
			return nil, cannot("%s exports %s, whose value is known only when it runs", where, e.Name)
		}
		return nil, nil
	case shell.EffectChdir:
		return nil, nil // children have it in their Dir
	case shell.EffectCommand:
		if e.Pure {
			return nil, nil
		}
		return d.command(e, where)
	case shell.EffectExit:
		if d.checks(e) || !decides(e.Guards) && !e.Conditional && e.Children == len(d.program.Children) && (e.Name == "" || e.Name == "0") {
			return nil, nil
		}
		return nil, cannot("%s may end it early", where)
	case shell.EffectSkip:
		if d.checks(e) || !decides(e.Guards) {
			return nil, nil
		}
		return nil, cannot("%s may skip a script", where)
	case shell.EffectUnset:
		return nil, cannot("%s unsets %s", where, e.Name)
	case shell.EffectTrap:
		return nil, cannot("%s sets a trap", where)
	case shell.EffectRedirect:
		return nil, cannot("%s redirects all output", where)
	case shell.EffectBackground:
		return nil, cannot("%s runs something in the background", where)
	case shell.EffectWrite:
		if strings.HasPrefix(e.Name, "/dev/") {
			return nil, nil
		}
		return nil, cannot("%s writes %s between its scripts", where, first(e.Name, "a file"))
	}
	return nil, cannot("%s runs a command whose name is known only when it runs", where)
}

// read reports whether one of the children from the i-th on may read a
// variable.
func (d *driving) read(name string, i int) bool {
	if i >= len(d.program.Children) {
		return false
	}
	return len(d.scripts) == 0 || slices.ContainsFunc(d.scripts, func(p *shell.Program) bool { return p.MayRead(name) })
}

// child makes a step of a script that the driver runs.
func (d *driving) child(i int) (*part, error) {
	c := &d.program.Children[i]
	name := first(c.Absolute, c.Word.Text)
	where := fmt.Sprintf("%s:%d", base(c.From), c.Pos.Line)
	switch {
	case c.Absolute == "":
		return nil, cannot("%s runs %s, whose name is known only when it runs", where, c.Word.Text)
	case c.Glob:
		return nil, cannot("%s runs %s, whose files are not all known", where, name)
	case repeats(c.Guards):
		return nil, cannot("%s runs %s in a loop, how often is known only when it runs", where, base(name))
	case decides(c.Guards):
		return nil, cannot("%s runs %s under a condition that is decided when it runs", where, base(name))
	case c.Background:
		return nil, cannot("%s runs %s in the background", where, base(name))
	case c.Pipe.Stages > 0:
		return nil, cannot("%s pipes the output of %s", where, base(name))
	case c.User != "" || slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return w.Name != "time" && !w.Function }):
		return nil, cannot("%s runs %s through another program", where, base(name))
	case c.Dir == "":
		return nil, cannot("%s runs %s in a directory that is known only when it runs", where, base(name))
	}
	if c.Interpreter == "" && !d.hasShebang(c) {
		return nil, cannot("%s has no #! line that works, so it runs in the shell of its caller", base(name))
	}
	p := &part{dir: c.Dir, child: c}
	for _, v := range c.Env {
		if d.set[v.Name] {
			return nil, cannot("%s gets %s, which a file of the system may have changed", base(name), v.Name)
		}
		if v.Value.Known {
			p.env = append(p.env, v)
		}
	}
	if c.Tested {
		status, ok := d.statusAfter(i)
		if !ok {
			return nil, cannot("%s decides what to do if %s fails", where, base(name))
		}
		p.onFail = status
	} else if !d.errexit && i < len(d.program.Children)-1 {
		return nil, cannot("it goes on when %s fails (it has no set -e)", base(name))
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
	text, ok := writeCommand(command0, words, c.Assigns, c.Redirects)
	if !ok {
		return nil, cannot("%s gives %s arguments that are known only when it runs", where, base(name))
	}
	p.text = text
	return p, nil
}

// hasShebang reports whether a script says what runs it.
func (d *driving) hasShebang(c *shell.Child) bool {
	return slices.ContainsFunc(d.scripts, func(p *shell.Program) bool {
		return p.Main.Path == c.Path && p.Main.Shebang.Line != "" && p.Main.CRLF.Line != 1
	})
}

func known(s string) shell.Word { return shell.Word{Text: s, Value: s, Known: true} }

// statusAfter is the status with which the driver ends when the i-th child
// fails.
func (d *driving) statusAfter(i int) (int, bool) {
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
