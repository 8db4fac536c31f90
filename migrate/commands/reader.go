package commands

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/shell"
)

// Reader reads steps into ops.
type Reader struct {
	*draft.Draft
	// Drivers are the scripts that were taken apart, and what they sourced.
	Drivers map[string]bool
}

// NewReader is one that has read nothing.
func NewReader(d *draft.Draft) *Reader { return &Reader{d, map[string]bool{}} }

// Record notes where an op went.
func (m *Reader) Record(o *Op, fate report.Fate, format string, args ...any) {
	m.Report.Record(o.Line(), fate, format, args...)
}

// Drop notes that nothing is to be done for an op.
func (m *Reader) Drop(o *Op, format string, args ...any) {
	o.Gone = true
	m.Record(o, report.Dropped, format, args...)
}

// Collect turns steps into ops.
func (m *Reader) Collect(steps []*dockerfile.Step) []*Op {
	var out []*Op
	for _, step := range steps {
		switch cmd := step.Command.(type) {
		case *instructions.RunCommand:
			out = append(out, m.runOps(step, cmd)...)
		case *instructions.WorkdirCommand:
			if dir, ok := Workdir(step); ok {
				out = append(out, &Op{Step: step, Directory: dir, DirectoryText: m.DirectoryText(step, dir)})
			}
		}
	}
	return out
}

// Workdir is the directory that a WORKDIR makes.
func Workdir(step *dockerfile.Step) (string, bool) {
	cmd, ok := step.Command.(*instructions.WorkdirCommand)
	if !ok {
		return "", false
	}
	dir, ok := step.Scope.Expand(cmd.Path)
	if !ok || !path.IsAbs(dir) && step.Scope.Dir == "" {
		return "", false
	}
	if !path.IsAbs(dir) {
		dir = path.Join(step.Scope.Dir, dir)
	}
	return path.Clean(dir), true
}

func (m *Reader) runOps(step *dockerfile.Step, cmd *instructions.RunCommand) []*Op {
	if step.Run.Text == "" {
		if len(cmd.Files) == 1 && strings.HasPrefix(cmd.Files[0].Data, "#!") {
			return []*Op{{Step: step, Raw: cmd.Files[0].Data, Dir: step.Scope.Dir}}
		}
		m.Report.Record(step.Start, report.Lost, "no shell that is known reads it (SHELL)")
		return nil
	}
	if cmd.PrependShell && !knownShell(step.Scope.Shell) {
		m.Report.Record(step.Start, report.Lost, "%s reads it (SHELL), which is no shell that is known", strings.Join(step.Scope.Shell, " "))
		return nil
	}
	var out []*Op
	for _, p := range step.Run.Commands {
		o := &Op{Step: step, Text: p.Text, Prelude: p.Prelude, State: p.State, Facts: p.Facts, Files: p.Files, Dir: step.Scope.Dir}
		if p.Driver != nil {
			if parts := m.driverOps(step, p); parts != nil {
				out = append(out, parts...)
				continue
			}
		}
		if p.Child != nil && p.Script != "" {
			o.Call = &call{Source: p.Script, Target: p.Child.Absolute, Child: p.Child, Env: p.Child.Env, Whole: p.Driver != nil}
			o.Dir = p.Child.Dir
		}
		out = append(out, o)
	}
	return out
}

// knownShell reports whether a RUN line is read by sh or one of its kind.
func knownShell(words []string) bool {
	if len(words) == 0 {
		return false
	}
	return slices.Contains([]string{"sh", "bash", "dash", "ash"}, path.Base(words[0]))
}

// driverOps are the parts of a driver; nil when it stays whole.
func (m *Reader) driverOps(step *dockerfile.Step, p *dockerfile.Command) []*Op {
	name := path.Base(p.Script)
	if p.Driver.Why != "" {
		m.Report.Note(m.Where(step.Start), "%s stays one script: %s", name, Subject(p.Driver.Why, name))
		return nil
	}
	for _, at := range p.Driver.Checks {
		m.Report.Note(at, "refuses some values of the args; nothing does that now")
	}
	for _, s := range p.Driver.Program.Scripts() {
		if f := p.Files["/"+s.Path]; f != nil {
			m.Drivers[f.Source] = true
		}
	}
	var out []*Op
	for _, part := range p.Driver.Parts {
		o := &Op{Step: step, Text: part.Text, Prelude: p.Prelude, Facts: part.Facts, Files: part.Files, Dir: part.Dir}
		for _, g := range part.When {
			list, _ := m.Conditions.Of(p.Driver.Program, g)
			o.When = append(o.When, list...)
		}
		o.Call = &call{Driver: p.Driver.Program, Env: exported(p.Child.Env, part.Env), Varies: part.Varies}
		if part.Child != nil && slices.ContainsFunc(part.Child.Guards, func(g shell.Guard) bool { return g.Kind == shell.GuardFor && glob.Has(g.Text) }) {
			m.Out.ScriptNotes = []string{name + " ran whatever its loop found; here a new script has to be listed."}
		}
		if part.Child != nil && part.Script != "" {
			o.Call.Source, o.Call.Target, o.Call.Child = part.Script, part.Child.Absolute, part.Child
			o.Text = absolute(part.Text, part.Dir, part.Child.Absolute)
		}
		out = append(out, o)
	}
	m.Report.Record(step.Start, report.Dropped, "%s itself, since the build file says what it said", name)
	return out
}

// absolute is a command with a script's whole path in place of a relative one.
func absolute(text, dir, target string) string {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return text
	}
	e := edits{text: text}
	syntax.Walk(file, func(n syntax.Node) bool {
		w, ok := n.(*syntax.Word)
		if ok && len(e.parts) == 0 && w.Lit() != "" && !path.IsAbs(w.Lit()) && strings.Contains(w.Lit(), "/") && path.Join(dir, w.Lit()) == target {
			from, to := int(w.Pos().Offset()), int(w.End().Offset())
			e.parts = append(e.parts, edit{from, to, notation.Quoted(target)})
		}
		return true
	})
	return e.String()
}

// exported are the variables that a script gets from the RUN line and from the
// driver, which has the last word.
func exported(line, driver []shell.EnvVar) []shell.EnvVar {
	out := slices.Clone(driver)
	for _, v := range line {
		if !slices.ContainsFunc(driver, func(o shell.EnvVar) bool { return o.Name == v.Name }) {
			out = append(out, v)
		}
	}
	return out
}

// Subject makes a reason that speaks of `it` one that stands behind a name.
func Subject(why, name string) string {
	if rest, ok := strings.CutPrefix(why, "it "); ok {
		return name + " " + rest
	}
	return why
}

// ShellText writes a word of a command: with references to args where it has
// them, else as its value.
func (m *Reader) ShellText(o *Op, text, want string) string {
	known := m.NamesAt(o.Step)
	if word := notation.ShellWord(text); word != nil && strings.Contains(text, "$") {
		if t, ok := notation.FromShell(word, known); ok {
			if got, fine := notation.Value(t, m.Environment(o.Step.Scope)); fine && got == want {
				return t
			}
		}
	}
	return notation.Escaped(want)
}

// Label is what an op is called in messages.
func (m *Reader) Label(o *Op) string {
	if o.Script() {
		return o.Call.Source
	}
	return m.Where(o.Line())
}

// ModeArguments are what chmod or chown is to set, and of what.
func ModeArguments(c *shell.Call) (spec shell.Word, operands []shell.Word, recursive, ok bool) {
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
