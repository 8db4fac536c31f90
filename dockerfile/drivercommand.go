package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// source decides about a file that the driver reads in.
func (d *driverReader) source(e *shell.Effect, where string) error {
	names := interp.Sets(e.Name)
	if names == nil {
		return nil
	}
	for _, name := range names {
		if _, ok := d.scope.Get(name); ok {
			return cannot(sourcesChanging, where, e.Name, name)
		}
		if d.set == nil {
			d.set = map[string]bool{}
		}
		d.set[name] = true
	}
	optional := slices.ContainsFunc(d.program.Unresolved, func(u shell.Source) bool { return u.Pos == e.Pos && u.From == e.From && u.Optional })
	switch {
	case !decides(e.Guards):
		d.settings = append(d.settings, ". "+e.Name)
	case !optional:
		return cannot(sourcesMaybe, where, e.Name)
	}
	return nil
}

// decides reports whether one of the guards may keep a command from running, or
// have it run more than once.
func decides(guards []shell.Guard) bool {
	return slices.ContainsFunc(guards, func(g shell.Guard) bool {
		return g.Kind != shell.GuardFor && g.Holds != shell.TruthTrue || g.Open
	})
}

// repeats reports whether one of the guards is a loop of which nobody knows how
// often it runs.
func repeats(guards []shell.Guard) bool {
	return slices.ContainsFunc(guards, func(g shell.Guard) bool { return g.Open })
}

// checks reports whether an effect belongs to the script that has just run: it
// happens if that fails.
func (d *driverReader) checks(e *shell.Effect) bool {
	if e.Children == 0 || len(e.Guards) == 0 {
		return false
	}
	c := &d.program.Children[e.Children-1]
	return c.Tested && failed(c, e.Guards)
}

// failed reports whether the last guard is the failure of a child.
func failed(c *shell.Child, guards []shell.Guard) bool {
	if len(guards) != len(c.Guards)+1 {
		return false
	}
	g := guards[len(guards)-1]
	at := g.Pos.Line == c.Pos.Line && !c.Pos.Before(g.Pos)
	switch g.Kind {
	case shell.GuardOr:
		return at
	case shell.GuardIf:
		return at && strings.HasPrefix(strings.TrimSpace(g.Text), "! ")
	case shell.GuardElse:
		return at && !strings.HasPrefix(strings.TrimSpace(g.Text), "! ")
	}
	return false
}

// command makes a step of a command that the driver runs itself.
func (d *driverReader) command(e *shell.Effect, where string) (*Part, error) {
	call := d.callAt(e)
	if call == nil || decides(e.Guards) || e.Subshell || e.Tested || call.Loop && len(call.Assigns) > 0 || call.Nested || call.Pipe.Stages > 0 ||
		len(call.Wrappers) > 0 || call.Background || e.Dir == "" || !d.errexit {
		return nil, cannot(runsBetween, where, e.Name)
	}
	text, ok := writeCommand(call.Command, d.expanded(e), call.Assigns, call.Redirects)
	if !ok {
		return nil, cannot(runsWithUnknown, where, e.Name)
	}
	return &Part{Text: text, Dir: e.Dir, effect: e}, nil
}

// expanded are a command's arguments with the patterns that are known.
func (d *driverReader) expanded(e *shell.Effect) []shell.Word {
	var out []shell.Word
	for _, w := range e.Args {
		pattern := w.Value
		if !path.IsAbs(pattern) {
			pattern = path.Join(e.Dir, pattern)
		}
		files, ok := d.root.glob(pattern)
		if !w.Glob || !ok || len(files) == 0 {
			out = append(out, w)
			continue
		}
		for _, name := range files {
			out = append(out, known(name))
		}
	}
	return out
}

func (d *driverReader) callAt(e *shell.Effect) *shell.Call {
	for _, s := range d.program.Scripts() {
		if s.Path != e.From {
			continue
		}
		for _, c := range s.Calls {
			if c.Pos == e.Pos && c.Kind == shell.CallProgram {
				return c
			}
		}
	}
	return nil
}

// transparent reports whether a wrapper can stand in front of a script in a step of its
// own as it does in the driver.
func transparent(w shell.Wrapper) bool {
	switch w.Name {
	case "time", "nice", "ionice":
		return true
	case "exec": // it is the last: nothing follows it
		return len(w.Words) == 1
	case "env":
		return len(w.Words) > 0 && !slices.ContainsFunc(w.Words[1:], func(word shell.Word) bool { return strings.HasPrefix(word.Value, "-") })
	}
	return false
}

// log is the tee that the output of the first command of a file's pipe goes to, nil for
// any other pipe.
func (d *driverReader) log(from string, p shell.Pipe) *shell.Call {
	for _, s := range d.program.Scripts() {
		for _, c := range s.Calls {
			if s.Path == from && c.Pipe.Pos == p.Pos && p.Stages == 2 && c.Pipe.Stage == 1 && c.Name == "tee" && c.Kind == shell.CallProgram && !c.Nested && !c.Loop &&
				len(c.Wrappers)+len(c.Assigns)+len(c.Redirects) == 0 {
				return c
			}
		}
	}
	return nil
}

// logs reports whether a command is the tee behind a script, which is a part of that
// script's step.
func (d *driverReader) logs(e *shell.Effect) bool {
	call := d.callAt(e)
	return call != nil && call.Pipe.Stages > 0 && d.log(e.From, call.Pipe) == call &&
		slices.ContainsFunc(d.program.Children, func(c shell.Child) bool {
			return c.From == e.From && c.Pipe == shell.Pipe{Pos: call.Pipe.Pos, Stages: call.Pipe.Stages}
		})
}

// logged writes a script's command with the pipe behind it, for the driver's own shell.
func (d *driverReader) logged(text string, tee *shell.Call) (string, bool) {
	shells := first(d.runs.Interpreter, d.program.Main.Interpreter)
	to, ok := writeCommand(tee.Command, tee.Args, nil, nil)
	option, known := d.pipefail()
	command, quoted := quote(option + text + " | " + to)
	return base(shells) + " -c " + command, ok && known && quoted && shells != ""
}

// pipefail is the command that makes a failure count that is not a pipe's last, "" where
// the driver has none; known is false where it holds for some of its scripts.
func (d *driverReader) pipefail() (command string, known bool) {
	for _, s := range d.program.Scripts() {
		for _, c := range s.Calls {
			if c.Name != "set" || !c.HasArg("pipefail") {
				continue
			}
			if s != d.program.Main || c.MayNotRun() || c.Subshell || c.HasArg("+o") || d.program.Children[0].Pos.Before(c.Pos) {
				return "", false
			}
			command = "set -o pipefail; "
		}
	}
	return command, true
}
