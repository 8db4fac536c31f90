// Package variables makes args of the variables that setup's scripts read.
package variables

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// Variables are classified files and the commands beside them, with what each of these sees of
// the variables.
type Variables struct {
	*files.Classified
	// spoken are the variables of which something speaks by name, as far as that
	// was asked.
	spoken map[string]bool
}

// StageVariables settles the variables of a stage's ops: those that are args
// come from there, the others are set by the script.
func (m *Variables) StageVariables(ops []*commands.Op) {
	for _, o := range ops {
		if o.Gone || o.State || o.Facts == nil {
			continue
		}
		o.Wants = m.wants(o)
		for _, name := range slices.Sorted(maps.Keys(o.Wants)) {
			_, predefined := m.Opt.Predefined[name]
			if o.Wants[name].Open || m.Arg(name) == nil && !predefined || m.Values[name] != o.Wants[name].Value {
				m.override(o, name)
			}
		}
	}
}

// Settle makes args of the variables that scripts read, in so far as all of
// them see one value; the others set them for themselves. In pgstrata a script
// sees the image's environment as little as any other script's.
func Settle(c *files.Classified) *Variables {
	m := &Variables{c, map[string]bool{}}
	read := map[string][]*commands.Op{}
	for _, o := range m.Ops {
		if o.Gone || o.State || o.Facts == nil {
			continue
		}
		o.Wants = m.wants(o)
		for _, name := range slices.Sorted(maps.Keys(o.Wants)) {
			if o.Wants[name].Open {
				m.override(o, name)
				continue
			}
			read[name] = append(read[name], o)
		}
	}
	names := slices.Sorted(maps.Keys(read))
	slices.SortStableFunc(names, func(a, b string) int { return firstLine(a, read[a]) - firstLine(b, read[b]) })
	for _, name := range names { // in the order of their lines: one is made of those above it
		if _, ok := m.Opt.Predefined[name]; !ok {
			m.variable(name, read[name])
		}
	}
	return m
}

// firstLine is the first line that sets a variable.
func firstLine(name string, ops []*commands.Op) int {
	first := ops[0].Wants[name].Line
	for _, o := range ops {
		first = min(first, o.Wants[name].Line)
	}
	return first
}

// override lets an op's script set a variable by itself: from args where it comes
// from them, and from the base image's own variables.
func (m *Variables) override(o *commands.Op, name string) {
	w := o.Wants[name]
	delete(o.Wants, name)
	switch {
	case w.Open:
		text, ok := m.RunText(name, w.Set)
		if !ok {
			m.Report.Note(m.Where(w.Line), "setup scripts run without %s: its value depends on the base image's environment, which is not known here; declare it under args", name)
			return
		}
		w.Text = text
	case w.Text == "":
		if w.Text = m.EnvText(name, w.Set); !strings.Contains(w.Text, "${") {
			w.Text = notation.Escaped(w.Value)
		}
	}
	if w.Text == "${"+name+"}" && m.Arg(name) != nil { // it is what the arg is
		o.Wants[name] = commands.Wanted{Value: m.Values[name]}
		return
	}
	for _, ref := range notation.Referred(w.Text) {
		if m.Arg(ref) != nil && ref != name {
			o.Wants[ref] = commands.Wanted{Value: m.Values[ref]}
		}
	}
	if o.Overrides == nil {
		o.Overrides = map[string]string{}
	}
	o.Overrides[name] = w.Text
}

// wants are the variables that an op may read.
func (m *Variables) wants(o *commands.Op) map[string]commands.Wanted {
	out := map[string]commands.Wanted{}
	add := func(name string, w commands.Wanted) {
		if name == "DEBIAN_FRONTEND" && w.Value == "noninteractive" || draft.IsProxy(name) {
			return
		}
		if o.Call != nil && o.Call.Child != nil && slices.ContainsFunc(o.Call.Child.Assigns, func(a shell.Assign) bool { return a.Name == name }) {
			return // its own line sets it
		}
		if o.Facts.MayRead(name, m.named(name)) {
			out[name] = w
		}
	}
	for name, v := range o.Step.Scope.Args {
		add(name, commands.Wanted{Value: v})
	}
	for _, name := range m.unset(o) {
		add(name, commands.Wanted{Value: m.Values[name]})
	}
	for name, v := range o.Step.Scope.Env {
		if m.BaseEnv[name] == v && v != "" {
			continue // the base's, which scripts see anyway
		}
		set := m.SetBy(name, o.Step)
		add(name, commands.Wanted{Value: v, Set: set, Line: lineOf(set), Open: m.OfBase(name, o.Step)})
	}
	for _, step := range o.Step.Before() {
		env, ok := step.Command.(*instructions.EnvCommand)
		if !ok {
			continue
		}
		for _, kv := range env.Env {
			if _, known := o.Step.Scope.Env[kv.Key]; !known {
				add(kv.Key, commands.Wanted{Set: step, Line: step.Start, Open: true})
			}
		}
	}
	if o.Call != nil {
		for _, v := range o.Call.Env {
			if !v.Value.Known {
				continue
			}
			if own, ok := out[v.Name]; ok && own.Value == v.Value.Value {
				continue
			}
			add(v.Name, commands.Wanted{Value: v.Value.Value, Text: m.exportText(o, v), Line: o.Line()})
		}
	}
	return out
}

// named reports whether something speaks of a variable by name: an instruction
// that does not declare it, a script that setup runs, or a copied file.
func (m *Variables) named(name string) bool {
	known, ok := m.spoken[name]
	if !ok {
		known = m.namedAnywhere(name)
		m.spoken[name] = known
	}
	return known
}

func (m *Variables) namedAnywhere(name string) bool {
	for _, s := range m.Reading.Stages {
		for _, step := range s.Steps {
			if m.SpeakOf(step.Instruction, name) {
				return true
			}
			for _, p := range step.Programs() {
				if _, _, ok := p.Mentions(name); ok {
					return true
				}
			}
		}
	}
	return slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool {
		data, err := fs.ReadFile(m.FS(), f.Source)
		return err == nil && bytes.Contains(data, []byte(name))
	})
}

// unset are the args that are declared for an op and have no value: in a build
// file they are empty.
func (m *Variables) unset(o *commands.Op) []string {
	var out []string
	for _, step := range o.Step.Before() {
		for _, name := range draft.ArgsOf(step.Instruction) {
			if m.IsUnset(name, o.Step) {
				out = append(out, name)
			}
		}
	}
	return out
}

func lineOf(step *dockerfile.Step) int {
	if step == nil {
		return 0
	}
	return step.Start
}

// exportText is what a driver exports, where it depends on args.
func (m *Variables) exportText(o *commands.Op, v shell.EnvVar) string {
	if o.Call.Driver == nil || !slices.Contains(o.Call.Varies, v.Name) {
		return ""
	}
	known := m.Conditions.Within(o.Call.Driver)
	if text, ok := known(v.Name); ok {
		if got, fine := notation.Value(text, m.Environment(o.Step.Scope)); fine && got == v.Value.Value {
			return text
		}
	}
	m.Report.Note(v.From, "exports %s, whose value depends on args; the build file has its present value, %q", v.Name, v.Value.Value)
	return ""
}

// variable settles one variable.
func (m *Variables) variable(name string, ops []*commands.Op) {
	if !spec.IsIdentifier(name) {
		m.Report.Note(m.Where(lineOf(ops[0].Step)), "runs without the variable %q, which cannot be the name of a build file's argument", name)
		return
	}
	if m.Arg(name) == nil {
		m.newArg(name, majority(name, ops), ops)
	}
	for _, o := range ops {
		if w := o.Wants[name]; w.Value != m.Values[name] && m.moved(w.Value, []*commands.Op{o}) != m.Values[name] {
			m.override(o, name)
		}
	}
}

// newArg makes an arg of a variable that is none in the Dockerfile.
func (m *Variables) newArg(name string, w commands.Wanted, ops []*commands.Op) {
	a := &buildfile.Arg{Name: name, Text: w.Text}
	v := w.Value
	if w.Set != nil {
		m.argsOfEnv(name, w.Set)
		a.Text = m.EnvText(name, w.Set)
	}
	if !strings.Contains(a.Text, "${") {
		v = m.moved(w.Value, ops)
		a.Text = notation.Escaped(v)
	}
	a.FromEnv = w.Set != nil && v == w.Value
	if w.Line > 0 {
		a.Notes = append(a.Notes, m.whyArg(w.Line))
	}
	m.Out.Args = append(m.Out.Args, a)
	m.Values[name] = v
}

// argsOfEnv makes args of the variables that the value of an ENV is made of, so
// that it follows them.
func (m *Variables) argsOfEnv(name string, step *dockerfile.Step) {
	word, _ := draft.EnvValue(step, name)
	for _, other := range slices.Sorted(maps.Keys(step.Scope.Env)) {
		if _, predefined := m.Opt.Predefined[other]; other == name || predefined || m.Arg(other) != nil || !step.Scope.Mentions(word, other) {
			continue
		}
		if set := m.SetBy(other, step); set != nil {
			m.newArg(other, commands.Wanted{Value: step.Scope.Env[other], Set: set, Line: set.Start}, nil)
		}
	}
}

func (m *Variables) whyArg(line int) string {
	for _, step := range m.Chain {
		if step.Start == line {
			if _, ok := step.Command.(*instructions.EnvCommand); ok {
				return "setup scripts see args, and not image.env"
			}
		}
	}
	return "exported by the script that ran the others"
}

// majority is the value that most of the ops see, the first of those.
func majority(name string, ops []*commands.Op) commands.Wanted {
	best, most := commands.Wanted{}, 0
	for _, o := range ops {
		n := 0
		for _, other := range ops {
			if other.Wants[name].Value == o.Wants[name].Value {
				n++
			}
		}
		if n > most {
			best, most = o.Wants[name], n
		}
	}
	return best
}

// moved is a value with the paths of copied files where setup scripts find them.
func (m *Variables) moved(v string, ops []*commands.Op) string {
	if !strings.HasPrefix(v, "/") {
		return v
	}
	parts := strings.Split(v, ":")
	for i, p := range parts {
		parts[i] = m.movedPath(p, ops)
	}
	return strings.Join(parts, ":")
}

func (m *Variables) movedPath(v string, ops []*commands.Op) string {
	for _, o := range ops {
		if m.HasPlaced(strings.TrimSuffix(v, "/"), o) {
			continue
		}
		if to, ok := commands.InContext(strings.TrimSuffix(v, "/"), o.Files); ok {
			return to
		}
	}
	return v
}
