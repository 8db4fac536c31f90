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

// cannotSplit tells why a driver stays one step.
type cannotSplit struct{ why string }

func (e cannotSplit) Error() string { return e.why }

func cannot(format string, args ...any) error { return cannotSplit{fmt.Sprintf(format, args...)} }

// driver returns the parts of a driver script: a script that runs others, in
// an order that follows from its text alone, and does nothing between them
// that one of them could miss. The error says why it has to stay whole.
func driver(p *shell.Program, runs *shell.Child, scripts []*shell.Program, root *rootfs, sc *Scope) ([]Part, error) {
	if !p.Main.Shell {
		return nil, cannot("it is not a shell script")
	}
	if p.Incomplete {
		return nil, cannot("it is too large to follow")
	}
	for _, u := range p.Unresolved {
		if !shell.Never(u.Guards) && interp.Sets(u.Absolute) == nil {
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
	d := &driverReader{program: p, runs: runs, scripts: scripts, errexit: errexit, root: root, scope: sc}
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
		return nil, cannot("%s may end it early", where)
	case shell.EffectSkip:
		if d.checks(e) || !decides(e.Guards) {
			return nil, nil
		}
		return nil, cannot("%s may skip a script", where)
	case shell.EffectWrite:
		if strings.HasPrefix(e.Name, "/dev/") {
			return nil, nil
		}
	}
	return nil, cannot(never(e.Kind), where, first(e.Name, "a file"))
}

// never is why a driver with an effect of a kind stays whole, wherever that is. The
// text is given the place and the effect's name.
func never(kind shell.EffectKind) string {
	switch kind {
	case shell.EffectUnset:
		return "%[1]s unsets %[2]s"
	case shell.EffectTrap:
		return "%[1]s sets a trap"
	case shell.EffectRedirect:
		return "%[1]s redirects all output"
	case shell.EffectBackground:
		return "%[1]s runs something in the background"
	case shell.EffectWrite:
		return "%[1]s writes %[2]s between its scripts"
	}
	return "%[1]s runs a command whose name is known only when it runs"
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
	where := fmt.Sprintf("%s:%d", base(c.From), c.Pos.Line)
	for _, r := range d.refusals() {
		if r.holds(c) {
			return nil, cannot(r.why, where, base(name), name)
		}
	}
	p := &Part{Dir: c.Dir, Child: c}
	for _, v := range c.Env {
		if d.set[v.Name] {
			return nil, cannot("%s gets %s, which a file of the system may have changed", base(name), v.Name)
		}
		if v.Value.Known {
			p.Env = append(p.Env, v)
		}
	}
	if c.Tested {
		status, ok := d.statusAfter(i)
		if !ok {
			return nil, cannot("%s decides what to do if %s fails", where, base(name))
		}
		p.OnFail = status
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
	for _, w := range slices.Backward(c.Wrappers) {
		if w.Name != "time" && len(w.Words) > 0 {
			words, command0 = slices.Concat(w.Words[1:], []shell.Word{command0}, words), w.Words[0]
		}
	}
	text, ok := writeCommand(command0, words, c.Assigns, c.Redirects)
	if ok && c.Pipe.Stages > 0 {
		text, ok = d.logged(text, d.log(c.From, c.Pipe))
	}
	if !ok {
		return nil, cannot("%s gives %s arguments that are known only when it runs", where, base(name))
	}
	p.Text = text
	return p, nil
}

// refusal is a reason to keep a driver whole: what holds of a script that it runs,
// and what is said of it. The text is given the place, the script's name and its
// path.
type refusal struct {
	why   string
	holds func(c *shell.Child) bool
}

// refusals are the reasons, in the order in which they are looked at.
func (d *driverReader) refusals() []refusal {
	return []refusal{
		{"%[1]s runs %[3]s, whose name is known only when it runs", func(c *shell.Child) bool { return c.Absolute == "" }},
		{"%[1]s runs %[3]s, whose files are not all known", func(c *shell.Child) bool { return c.Glob }},
		{"%[1]s runs %[2]s in a loop, how often is known only when it runs", func(c *shell.Child) bool { return repeats(c.Guards) }},
		{"%[1]s runs %[2]s under a condition that is decided when it runs", func(c *shell.Child) bool { return decides(c.Guards) }},
		{"%[1]s runs %[2]s in the background", func(c *shell.Child) bool { return c.Background }},
		{"%[1]s pipes the output of %[2]s", func(c *shell.Child) bool {
			return c.Pipe.Stages > 0 && (c.Pipe.Stage > 0 || d.log(c.From, c.Pipe) == nil)
		}},
		{"%[1]s runs %[2]s through another program", func(c *shell.Child) bool {
			return c.User != "" || slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return !w.Function && !transparent(w) })
		}},
		{"%[1]s runs %[2]s in a directory that is known only when it runs", func(c *shell.Child) bool { return c.Dir == "" }},
		{"%[2]s has no #! line that works, so it runs in the shell of its caller", func(c *shell.Child) bool { return c.Interpreter == "" && !d.hasShebang(c) }},
	}
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
