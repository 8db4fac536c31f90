package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/shell"
)

// op is one thing that setup does, in the Dockerfile's order.
type op struct {
	step *dockerfile.Step
	// text is the command, prelude those that change what holds for it. A state
	// is such a command itself.
	text    string
	prelude []string
	state   bool
	// raw is a whole script in place of a command.
	raw string
	// call is the script of the context that it runs, when it does no more.
	call *call
	// place are files that setup puts into the image; unpack says that they are
	// archives, which go to dest.
	place  []*copied
	wholes []whole // directories all of whose files are among them
	unpack bool
	dest   string
	// made is a directory that WORKDIR makes, madeText the same in the build
	// file's notation.
	made, madeText string

	// source is what is fetched for it, fetched are the commands that copy it.
	source  *source
	fetched []string

	facts *dockerfile.Facts
	files map[string]*dockerfile.CopiedFile
	dir   string
	when  []string
	// wants are the variables that it reads from args, overrides those that it
	// has to set for itself, in the build file's notation.
	wants     map[string]wanted
	overrides map[string]string
	// owner is whom it gives copied files to, when only a build knows the number.
	owner string
	// given are copied files whose owner or mode it set, and no longer does.
	given map[*copied]bool
	// gone says that nothing is left to do for it.
	gone bool
}

// call is a script that is run.
type call struct {
	// source is its path in the context, target that in the Dockerfile's image.
	source, target string
	child          *shell.Child
	// driver is the script that runs it, nil for the RUN line itself.
	driver *shell.Program
	env    []shell.EnvVar
	varies []string
	// whole says that it runs other scripts, and could not be taken apart.
	whole bool
}

// reader reads steps into ops.
type reader struct {
	*draft
	// drivers are the scripts that were taken apart, and what they sourced.
	drivers map[string]bool
}

// newReader is one that has read nothing.
func newReader(d *draft) *reader { return &reader{d, map[string]bool{}} }

// line is the op's line in the Dockerfile.
func (o *op) line() int { return o.step.Start }

// went notes where an op went.
func (m *reader) went(o *op, fate Fate, format string, args ...any) {
	m.report.went(o.line(), fate, format, args...)
}

// drop notes that nothing is to be done for an op.
func (m *reader) drop(o *op, format string, args ...any) {
	o.gone = true
	m.went(o, Dropped, format, args...)
}

// collect turns steps into ops.
func (m *reader) collect(steps []*dockerfile.Step) []*op {
	var out []*op
	for _, step := range steps {
		switch cmd := step.Command.(type) {
		case *instructions.RunCommand:
			out = append(out, m.runOps(step, cmd)...)
		case *instructions.WorkdirCommand:
			if dir, ok := workdir(step); ok {
				out = append(out, &op{step: step, made: dir, madeText: m.madeText(step, dir)})
			}
		}
	}
	return out
}

// workdir is the directory that a WORKDIR makes.
func workdir(step *dockerfile.Step) (string, bool) {
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

func (m *reader) runOps(step *dockerfile.Step, cmd *instructions.RunCommand) []*op {
	if step.Run.Text == "" {
		if len(cmd.Files) == 1 && strings.HasPrefix(cmd.Files[0].Data, "#!") {
			return []*op{{step: step, raw: cmd.Files[0].Data, dir: step.Scope.Dir}}
		}
		m.report.went(step.Start, Lost, "no shell that is known reads it (SHELL)")
		return nil
	}
	if cmd.PrependShell && !knownShell(step.Scope.Shell) {
		m.report.went(step.Start, Lost, "%s reads it (SHELL), which is no shell that is known", strings.Join(step.Scope.Shell, " "))
		return nil
	}
	var out []*op
	for _, p := range step.Run.Commands {
		o := &op{step: step, text: p.Text, prelude: p.Prelude, state: p.State, facts: p.Facts, files: p.Files, dir: step.Scope.Dir}
		if p.Driver != nil {
			if parts := m.driverOps(step, p); parts != nil {
				out = append(out, parts...)
				continue
			}
		}
		if p.Child != nil && p.Script != "" {
			o.call = &call{source: p.Script, target: p.Child.Absolute, child: p.Child, env: p.Child.Env, whole: p.Driver != nil}
			o.dir = p.Child.Dir
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
func (m *reader) driverOps(step *dockerfile.Step, p *dockerfile.Command) []*op {
	name := path.Base(p.Script)
	if p.Driver.Why != "" {
		m.report.note(m.where(step.Start), "%s stays one script: %s", name, subject(p.Driver.Why, name))
		return nil
	}
	for _, at := range p.Driver.Checks {
		m.report.note(at, "refuses some values of the args; nothing does that now")
	}
	for _, s := range p.Driver.Program.Scripts() {
		if f := p.Files["/"+s.Path]; f != nil {
			m.drivers[f.Source] = true
		}
	}
	var out []*op
	for _, part := range p.Driver.Parts {
		o := &op{step: step, text: part.Text, prelude: p.Prelude, facts: part.Facts, files: part.Files, dir: part.Dir}
		for _, g := range part.When {
			list, _ := m.conditions.of(p.Driver.Program, g)
			o.when = append(o.when, list...)
		}
		o.call = &call{driver: p.Driver.Program, env: exported(p.Child.Env, part.Env), varies: part.Varies}
		if part.Child != nil && slices.ContainsFunc(part.Child.Guards, func(g shell.Guard) bool { return g.Kind == shell.GuardFor && glob.Has(g.Text) }) {
			m.out.scriptNotes = []string{name + " ran whatever its loop found; here a new script has to be listed."}
		}
		if part.Child != nil && part.Script != "" {
			o.call.source, o.call.target, o.call.child = part.Script, part.Child.Absolute, part.Child
			o.text = absolute(part.Text, part.Dir, part.Child.Absolute)
		}
		out = append(out, o)
	}
	m.report.went(step.Start, Dropped, "%s itself, since the build file says what it said", name)
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
			e.parts = append(e.parts, edit{from, to, quoted(target)})
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

// subject makes a reason that speaks of `it` one that stands behind a name.
func subject(why, name string) string {
	if rest, ok := strings.CutPrefix(why, "it "); ok {
		return name + " " + rest
	}
	return why
}

// driven reports whether a driver script runs the op.
func (o *op) driven() bool { return o.call != nil && o.call.driver != nil }

// script reports whether the op runs a script of the context.
func (o *op) script() bool { return o.call != nil && o.call.source != "" }

// command reports whether it is a command of the Dockerfile or of a driver.
func (o *op) command() bool { return o.text != "" && !o.script() && !o.state }

// calls are the programs that the op may run.
func (o *op) calls() []*shell.Call {
	if o.facts == nil {
		return nil
	}
	return o.facts.Calls()
}

// own are the calls of a command's own text, without those of scripts that it
// runs; ok is false when that is not all that it does.
func (o *op) own() (calls []*shell.Call, ok bool) {
	if o.facts == nil || o.facts.Program == nil || o.facts.Opaque != "" || len(o.facts.Program.Children) > 0 || len(o.facts.Program.Helpers) > 0 {
		return nil, false
	}
	for _, c := range o.facts.Program.Main.Calls {
		if c.Kind == shell.CallDynamic || c.Loop || c.Nested || c.Background || c.Subshell || len(c.Wrappers) > 0 || c.Pipe.Stages > 0 || c.Unreached {
			return nil, false
		}
		if slices.ContainsFunc(c.Guards, func(g shell.Guard) bool { return g.Kind != shell.GuardAnd }) {
			return nil, false
		}
		if c.Kind == shell.CallBuiltin && c.Name != "echo" && c.Name != "printf" && c.Name != "test" && c.Name != "[" {
			continue // set, cd, export of the prelude
		}
		calls = append(calls, c)
	}
	return calls, true
}

// one is the only call of a command.
func (o *op) one() *shell.Call {
	calls, ok := o.own()
	if !ok || len(calls) != 1 {
		return nil
	}
	return calls[0]
}
