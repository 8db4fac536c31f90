package migrate

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// wanted is a variable that an op may read, as the Dockerfile has it there.
type wanted struct {
	value string
	// text is how the build file writes it, when it does not say the value.
	text string
	// set is the ENV that sets it, nil for none; line its line, or that of the
	// RUN that exports it.
	set  *dockerfile.Step
	line int
	// open says that its value depends on the base image's environment.
	open bool
}

// variables are contents of whose variables it is known what each script sees.
type variables struct {
	*classified
	// spoken are the variables of which something speaks by name, as far as that
	// was asked.
	spoken map[string]bool
}

// settle makes args of the variables that scripts read, in so far as all of
// them see one value; the others set them for themselves. In pgstrata a script
// sees the image's environment as little as any other script's.
func settle(c *classified) *variables {
	m := &variables{c, map[string]bool{}}
	read := map[string][]*op{}
	for _, o := range m.ops {
		if o.gone || o.state || o.facts == nil {
			continue
		}
		o.wants = m.wants(o)
		for _, name := range slices.Sorted(maps.Keys(o.wants)) {
			if o.wants[name].open {
				m.override(o, name)
				continue
			}
			read[name] = append(read[name], o)
		}
	}
	names := slices.Sorted(maps.Keys(read))
	slices.SortStableFunc(names, func(a, b string) int { return firstLine(a, read[a]) - firstLine(b, read[b]) })
	for _, name := range names { // in the order of their lines: one is made of those above it
		if _, ok := m.opt.Predefined[name]; !ok {
			m.variable(name, read[name])
		}
	}
	return m
}

// firstLine is the first line that sets a variable.
func firstLine(name string, ops []*op) int {
	first := ops[0].wants[name].line
	for _, o := range ops {
		first = min(first, o.wants[name].line)
	}
	return first
}

// override lets an op's script set a variable by itself: from args where it comes
// from them, and from the base image's own variables.
func (m *variables) override(o *op, name string) {
	w := o.wants[name]
	delete(o.wants, name)
	switch {
	case w.open:
		text, ok := m.runText(name, w.set)
		if !ok {
			m.report.note(m.where(w.line), "setup scripts run without %s: its value depends on the base image's environment, which is not known here; declare it under args", name)
			return
		}
		w.text = text
	case w.text == "":
		if w.text = m.envText(name, w.set); !strings.Contains(w.text, "${") {
			w.text = escaped(w.value)
		}
	}
	if w.text == "${"+name+"}" && m.arg(name) != nil { // it is what the arg is
		o.wants[name] = wanted{value: m.values[name]}
		return
	}
	for _, ref := range referred(w.text) {
		if m.arg(ref) != nil && ref != name {
			o.wants[ref] = wanted{value: m.values[ref]}
		}
	}
	if o.overrides == nil {
		o.overrides = map[string]string{}
	}
	o.overrides[name] = w.text
}

// wants are the variables that an op may read.
func (m *variables) wants(o *op) map[string]wanted {
	out := map[string]wanted{}
	add := func(name string, w wanted) {
		if name == "DEBIAN_FRONTEND" && w.value == "noninteractive" || isProxy(name) {
			return
		}
		if o.call != nil && o.call.child != nil && slices.ContainsFunc(o.call.child.Assigns, func(a shell.Assign) bool { return a.Name == name }) {
			return // its own line sets it
		}
		if o.facts.MayRead(name, m.named(name)) {
			out[name] = w
		}
	}
	for name, v := range o.step.Scope.Args {
		add(name, wanted{value: v})
	}
	for _, name := range m.unset(o) {
		add(name, wanted{value: m.values[name]})
	}
	for name, v := range o.step.Scope.Env {
		if m.baseEnv[name] == v && v != "" {
			continue // the base's, which scripts see anyway
		}
		set := m.setBy(name, o.step)
		add(name, wanted{value: v, set: set, line: lineOf(set), open: m.ofBase(name, o.step)})
	}
	for _, step := range o.step.Before() {
		env, ok := step.Command.(*instructions.EnvCommand)
		if !ok {
			continue
		}
		for _, kv := range env.Env {
			if _, known := o.step.Scope.Env[kv.Key]; !known {
				add(kv.Key, wanted{set: step, line: step.Start, open: true})
			}
		}
	}
	if o.call != nil {
		for _, v := range o.call.env {
			if !v.Value.Known {
				continue
			}
			if own, ok := out[v.Name]; ok && own.value == v.Value.Value {
				continue
			}
			add(v.Name, wanted{value: v.Value.Value, text: m.exportText(o, v), line: o.line()})
		}
	}
	return out
}

// named reports whether something speaks of a variable by name: an instruction
// that does not declare it, a script that setup runs, or a copied file.
func (m *variables) named(name string) bool {
	known, ok := m.spoken[name]
	if !ok {
		known = m.namedAnywhere(name)
		m.spoken[name] = known
	}
	return known
}

func (m *variables) namedAnywhere(name string) bool {
	for _, s := range m.reading.Stages {
		for _, step := range s.Steps {
			if m.speakOf(step.Instruction, name) {
				return true
			}
			for _, p := range step.Programs() {
				if _, _, ok := p.Mentions(name); ok {
					return true
				}
			}
		}
	}
	return slices.ContainsFunc(m.copies, func(f *copied) bool {
		data, err := fs.ReadFile(m.fs(), f.Source)
		return err == nil && bytes.Contains(data, []byte(name))
	})
}

// unset are the args that are declared for an op and have no value: in a build
// file they are empty.
func (m *variables) unset(o *op) []string {
	var out []string
	for _, step := range o.step.Before() {
		for _, name := range argsOf(step.Instruction) {
			if m.isUnset(name, o.step) {
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
func (m *variables) exportText(o *op, v shell.EnvVar) string {
	if o.call.driver == nil || !slices.Contains(o.call.varies, v.Name) {
		return ""
	}
	known := m.conditions.within(o.call.driver)
	if text, ok := known(v.Name); ok {
		if got, fine := value(text, m.environment(o.step.Scope)); fine && got == v.Value.Value {
			return text
		}
	}
	m.report.note(v.From, "exports %s, whose value depends on args; the build file has its present value, %q", v.Name, v.Value.Value)
	return ""
}

// variable settles one variable.
func (m *variables) variable(name string, ops []*op) {
	if !spec.IsIdentifier(name) {
		m.report.note(m.where(lineOf(ops[0].step)), "runs without the variable %q, which cannot be the name of a build file's argument", name)
		return
	}
	if m.arg(name) == nil {
		m.newArg(name, majority(name, ops), ops)
	}
	for _, o := range ops {
		if w := o.wants[name]; w.value != m.values[name] && m.moved(w.value, []*op{o}) != m.values[name] {
			m.override(o, name)
		}
	}
}

// newArg makes an arg of a variable that is none in the Dockerfile.
func (m *variables) newArg(name string, w wanted, ops []*op) {
	a := &arg{name: name, text: w.text}
	v := w.value
	if w.set != nil {
		m.argsOfEnv(name, w.set)
		a.text = m.envText(name, w.set)
	}
	if !strings.Contains(a.text, "${") {
		v = m.moved(w.value, ops)
		a.text = escaped(v)
	}
	a.fromEnv = w.set != nil && v == w.value
	if w.line > 0 {
		a.notes = append(a.notes, m.whyArg(w.line))
	}
	m.out.args = append(m.out.args, a)
	m.values[name] = v
}

// argsOfEnv makes args of the variables that the value of an ENV is made of, so
// that it follows them.
func (m *variables) argsOfEnv(name string, step *dockerfile.Step) {
	word, _ := envValue(step, name)
	for _, other := range slices.Sorted(maps.Keys(step.Scope.Env)) {
		if _, predefined := m.opt.Predefined[other]; other == name || predefined || m.arg(other) != nil || !step.Scope.Mentions(word, other) {
			continue
		}
		if set := m.setBy(other, step); set != nil {
			m.newArg(other, wanted{value: step.Scope.Env[other], set: set, line: set.Start}, nil)
		}
	}
}

func (m *variables) whyArg(line int) string {
	for _, step := range m.chain {
		if step.Start == line {
			if _, ok := step.Command.(*instructions.EnvCommand); ok {
				return "setup scripts see args, and not image.env"
			}
		}
	}
	return "exported by the script that ran the others"
}

// majority is the value that most of the ops see, the first of those.
func majority(name string, ops []*op) wanted {
	best, most := wanted{}, 0
	for _, o := range ops {
		n := 0
		for _, other := range ops {
			if other.wants[name].value == o.wants[name].value {
				n++
			}
		}
		if n > most {
			best, most = o.wants[name], n
		}
	}
	return best
}

// moved is a value with the paths of copied files where setup scripts find them.
func (m *variables) moved(v string, ops []*op) string {
	if !strings.HasPrefix(v, "/") {
		return v
	}
	parts := strings.Split(v, ":")
	for i, p := range parts {
		parts[i] = m.movedPath(p, ops)
	}
	return strings.Join(parts, ":")
}

func (m *variables) movedPath(v string, ops []*op) string {
	for _, o := range ops {
		if m.hasPlaced(strings.TrimSuffix(v, "/"), o) {
			continue
		}
		if to, ok := inContext(strings.TrimSuffix(v, "/"), o.files); ok {
			return to
		}
	}
	return v
}
