package dockerfile

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// A RUN that is a chain of commands is divided after those that take long: one
// that installs, fetches or compiles, or that nobody knows. An edit of a later
// command then runs none of them. Nothing is hidden from these steps, and nothing
// moves: each sees what it saw, with the variables, the directory and the options
// that hold at its place.

// divide takes a chain apart, in a scope and on the files in front of it. It
// returns no parts where that does not pay, or where all commands may need what
// the shell keeps. Layered says that no step takes away what one before it has
// made, so that each can be a layer.
func (r *rootfs) divide(text string, sc *Scope, f *Facts) (parts []Part, layered bool) {
	d := r.dividing(text, sc, f)
	if d == nil {
		return nil, false
	}
	d.joinWork()
	steps := d.steps(true)
	if layered = d.adds(steps); !layered {
		steps = d.steps(false)
	}
	if len(steps) < 2 || len(steps) == 2 && d.cleans(steps[1]) {
		return nil, false
	}
	for _, s := range steps {
		parts = append(parts, Part{Text: d.text(s), starts: []string{d.dirs[s.from]}})
	}
	return parts, layered
}

// dividing reads a chain; it returns nil for any other text.
func (r *rootfs) dividing(text string, sc *Scope, f *Facts) *dividing {
	interpreter, errexit := shellOf(sc.Shell)
	if interpreter == "" || f.Program == nil {
		return nil
	}
	c := chainOf(text, interpreter, errexit)
	if c == nil || len(c.commands) == 0 {
		return nil
	}
	if v, _ := sc.Get("CDPATH"); v != "" || mentions(text, "CDPATH") {
		return nil // a cd goes who knows where
	}
	d := &dividing{chain: c, root: r, scope: sc, program: f.Program, together: make([]bool, len(c.commands))}
	d.look()
	d.joinState()
	return d
}

// dividing decides where a chain is cut.
type dividing struct {
	*chain
	root    *rootfs
	scope   *Scope
	program *shell.Program
	// does has what each command does, dirs the directory that each starts in, ""
	// where that is not known.
	does []doing
	dirs []string
	// together says of each command that the next one has to be in the same step.
	together []bool
}

// doing is what a command of a chain does.
type doing struct {
	facts *Facts
	calls []*shell.Call
	// long says that it takes long, unknown that it may leave anything running.
	long, unknown bool
}

// span are commands of a chain, the first and the one after the last.
type span struct{ from, to int }

// look reads what each command does.
func (d *dividing) look() {
	for i := range d.commands {
		one := &d.commands[i]
		known, unknown := d.before(i)
		f := d.root.examine(known+one.text, d.scope)
		does := doing{facts: f}
		if !one.state {
			if unknown != "" {
				f = d.root.examine(unknown+known+one.text, d.scope)
			}
			does.calls = own(f, strings.Count(unknown+known, "\n"))
			does.unknown = f.Program == nil || stays(f.Program, does.calls)
			does.long = does.unknown || slices.ContainsFunc(does.calls, takesLong)
		}
		d.does = append(d.does, does)
		d.dirs = append(d.dirs, d.dir(i))
	}
}

// own are the calls of a command without those of the lines of state in front of it.
func own(f *Facts, lines int) []*shell.Call {
	return slices.DeleteFunc(f.Calls(), func(c *shell.Call) bool {
		return c.Func == "" && !c.Nested && c.Pos.Line <= lines && slices.Contains(f.Program.Main.Calls, c)
	})
}

// before is the state in front of the i-th command, and lines after which nobody
// knows the values of the other variables that are set there.
func (d *dividing) before(i int) (known, unknown string) {
	for j := range d.commands[:i] {
		one := &d.commands[j]
		if one.state {
			known += one.text + "\n"
			continue
		}
		for _, name := range one.holds {
			if syntax.ValidName(name) {
				unknown += "read " + name + "\n"
			}
		}
	}
	return known, unknown
}

// dir is the directory that the i-th command starts in. One that calls nothing is
// in that of the next.
func (d *dividing) dir(i int) string {
	for ; i < len(d.commands); i++ {
		stmt := d.commands[i].stmt
		from, to := positions(stmt)
		for _, c := range d.program.Main.Calls {
			if !c.Pos.Before(from) && c.Pos.Before(to) && !c.Nested && c.Func == "" {
				return c.Dir
			}
		}
		if cd(stmt) {
			return ""
		}
	}
	return ""
}

// cleans reports whether commands only take away what is not wanted in the image.
func (d *dividing) cleans(s span) bool {
	for i := s.from; i < s.to; i++ {
		if one := &d.commands[i]; !one.state && (!simple(one.stmt) || d.does[i].unknown || !all(d.does[i].calls, cleans)) {
			return false
		}
	}
	return true
}

// all reports whether there are calls, all of a kind, and nothing is written beside
// them.
func all(calls []*shell.Call, is func(*shell.Call) bool) bool {
	return len(calls) > 0 && !slices.ContainsFunc(calls, func(c *shell.Call) bool {
		return !is(c) || slices.ContainsFunc(c.Redirects, func(r shell.Redirect) bool { return r.Writes() && !paths.Within(r.Target.Value, "/dev") })
	})
}

// keep puts the commands from one to another into one step.
func (d *dividing) keep(from, to int) {
	for i := max(from, 0); i < to; i++ {
		d.together[i] = true
	}
}

// joinState puts commands together that share what the shell keeps.
func (d *dividing) joinState() {
	process := -1
	for i := range d.commands {
		one := &d.commands[i]
		if one.all {
			d.keep(i, len(d.commands)-1)
		}
		for _, name := range one.holds {
			d.keep(i, d.lastReader(i, name))
		}
		if one.asks {
			d.keep(i-1, i)
		}
		if one.returns {
			d.keep(0, i)
		}
		if one.process {
			if process >= 0 {
				d.keep(process, i)
			}
			process = i
		}
		if i > 0 && !d.arrives(i) {
			d.together[i-1] = true
		}
	}
}

// joinWork puts commands together of which one may leave something running for
// another, or something else that a step does not keep, or an index that another
// one installs by.
func (d *dividing) joinWork() {
	end := len(d.commands) - 1
	for i := range d.does {
		does := &d.does[i]
		if does.unknown || shares(does) {
			d.keep(i, end)
		}
		if slices.ContainsFunc(does.calls, func(c *shell.Call) bool { return leavesRunning(c) != "" }) {
			d.keep(i, d.last(i, end, ends))
		}
		for _, manager := range indexed(does.calls) {
			d.keep(i, d.last(i, i, func(c *shell.Call) bool { return installsBy(manager, c) }))
		}
	}
}

// shares reports whether a command makes what a step does not keep: hard links,
// mounts, and files of the container itself.
func shares(does *doing) bool {
	if slices.ContainsFunc(does.calls, func(c *shell.Call) bool {
		switch c.Name {
		case "mount", "hostname", "sysctl":
			return c.Kind == shell.CallProgram && len(c.Args) > 0
		}
		return hardLinks(c)
	}) {
		return true
	}
	if does.facts.Program == nil {
		return false
	}
	for _, s := range does.facts.Program.Closure() {
		if slices.ContainsFunc(s.Paths, func(ref shell.PathRef) bool { return !keeps(ref) }) {
			return true
		}
	}
	return false
}

// lastReader is the last command that may read a variable which the i-th sets.
func (d *dividing) lastReader(i int, name string) int {
	_, exported := d.scope.Get(name)
	exported = exported || d.commands[i].seen
	for j := range d.commands[:i] {
		exported = exported || mentions(d.commands[j].text, name) && d.commands[j].exports
	}
	last := i
	for j := i + 1; j < len(d.commands); j++ {
		one := &d.commands[j]
		if d.speaks(one, name) {
			last = j
			exported = exported || one.exports
		}
		if exported && !one.state && d.does[j].facts.MayRead(name, false) {
			last = j
		}
	}
	return last
}

// last is the last command after the i-th with such a call; otherwise it is the
// one that is given.
func (d *dividing) last(i, otherwise int, is func(*shell.Call) bool) int {
	for j := len(d.commands) - 1; j > i; j-- {
		if slices.ContainsFunc(d.does[j].calls, is) {
			return j
		}
	}
	return otherwise
}

// arrives reports whether the i-th command can start a step: its directory is
// known, and there.
func (d *dividing) arrives(i int) bool {
	moved := -1 // the last cd in front of it
	for j := range d.commands[:i] {
		if cd(d.commands[j].stmt) {
			moved = j
		}
	}
	if moved < 0 || leaves(d.commands[i].stmt) {
		return true
	}
	dir := d.dirs[i]
	if dir == "" || !d.anchored(i) && !paths.Within(dir, d.scope.Dir) {
		return false
	}
	for j := moved + 1; j < i; j++ {
		if slices.ContainsFunc(d.does[j].calls, func(c *shell.Call) bool { return mayRemove(c, dir) }) {
			return false
		}
	}
	return true
}

// anchored reports whether an absolute cd comes before the i-th command. Without
// one, the way up from WORKDIR is another one where that is a symbolic link.
func (d *dividing) anchored(i int) bool {
	return slices.ContainsFunc(d.commands[:i], func(one link) bool { return leaves(one.stmt) })
}

// steps are the commands of each step: up to one that takes long, with what only
// cleans up after it if that is wanted, and what comes after the last of them.
func (d *dividing) steps(cleaned bool) []span {
	var out []span
	from := 0
	long := false
	for i := range d.commands {
		long = long || d.does[i].long
		last := i == len(d.commands)-1
		if last || long && !d.together[i] && !d.settles(i+1) && (!cleaned || d.commands[i+1].state || !d.cleans(span{i + 1, i + 2})) {
			out = append(out, span{from, i + 1})
			from, long = i+1, false
		}
	}
	return out
}

// adds reports whether each step takes away only what it has made itself, as far as
// its text tells: how large the image is depends on it, not what it holds.
func (d *dividing) adds(steps []span) bool {
	for _, s := range steps[1:] {
		before := ""
		for i := s.from; i < s.to; i++ {
			if slices.ContainsFunc(d.does[i].calls, func(c *shell.Call) bool { return takesAway(c, before) }) {
				return false
			}
			before += d.commands[i].text + "\n"
		}
	}
	return true
}

// settles reports whether nothing but state follows from the i-th command on.
func (d *dividing) settles(i int) bool {
	return !slices.ContainsFunc(d.commands[i:], func(one link) bool { return !one.state })
}

// prelude is what holds in front of the i-th command, to be repeated.
func (d *dividing) prelude(i int) []string {
	var out []string
	moved := false
	for j := range d.commands[:i] {
		one := &d.commands[j]
		switch {
		case cd(one.stmt):
			moved = true
		case one.state:
			out = append(out, one.text)
		}
	}
	if dir, ok := quote(d.dirs[i]); moved && ok && d.dirs[i] != d.scope.Dir && !leaves(d.commands[i].stmt) {
		out = append(out, "cd "+dir)
	}
	return out
}

// text is a step as a line of shell.
func (d *dividing) text(s span) string {
	var b strings.Builder
	for _, text := range d.prelude(s.from) {
		b.WriteString(text + d.commands[s.from].next)
	}
	for i := s.from; i < s.to; i++ {
		one := &d.commands[i]
		b.WriteString(one.text)
		switch last := i == s.to-1; {
		case !last:
			b.WriteString(one.next)
		case i < len(d.commands)-1 && !d.plainStatus(one):
			// Its status counts as it did with another command after it.
			b.WriteString(one.next + ":")
		}
	}
	text := b.String()
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text += " && :" // no list of words in JSON
	}
	return text
}
