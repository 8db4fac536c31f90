package migrate

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/shell"
)

// wanted is a variable that an op may read, as the Dockerfile has it there.
type wanted struct {
	value string
	// text is how the build file writes it, when it does not say the value.
	text string
	// line is that of the Dockerfile which sets it.
	line int
}

// variables makes args of the variables that scripts read, in so far as all of
// them see one value; the others set them for themselves. In pgstrata a script
// sees the image's environment as little as any other script's.
func (m *migration) variables(ops []*op) {
	read := map[string][]*op{}
	for _, o := range ops {
		if o.gone || o.state || o.facts == nil {
			continue
		}
		o.wants = m.wants(o)
		for _, name := range keys(o.wants) {
			read[name] = append(read[name], o)
		}
	}
	for _, name := range keys(read) {
		if _, ok := m.opt.Dockerfile.Predefined[name]; !ok {
			m.variable(name, read[name])
		}
	}
	for _, o := range ops {
		m.missing(o)
	}
}

// wants are the variables that an op may read.
func (m *migration) wants(o *op) map[string]wanted {
	out := map[string]wanted{}
	add := func(name string, w wanted) {
		if name == "DEBIAN_FRONTEND" && w.value == "noninteractive" || isProxy(name) {
			return
		}
		if o.call != nil && o.call.child != nil && slices.ContainsFunc(o.call.child.Assigns, func(a shell.Assign) bool { return a.Name == name }) {
			return // its own line sets it
		}
		if o.facts.Mentions(name) {
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
		set := m.setBy(name, o)
		add(name, wanted{value: v, text: m.envText(name, set), line: lineOf(set)})
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

// unset are the args that are declared for an op and have no value: in a build
// file they are empty.
func (m *migration) unset(o *op) []string {
	var out []string
	for _, step := range o.step.Stage.All() {
		if step == o.step {
			break
		}
		for _, name := range argsOf(step.Instruction) {
			_, set := o.step.Scope.Args[name]
			if _, env := o.step.Scope.Env[name]; !set && !env && m.arg(name) != nil {
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

// setBy is the ENV that sets a variable for an op.
func (m *migration) setBy(name string, o *op) *dockerfile.Step {
	var found *dockerfile.Step
	for _, step := range o.step.Stage.All() {
		if step == o.step {
			break
		}
		if env, ok := step.Command.(*instructions.EnvCommand); ok && slices.ContainsFunc(env.Env, func(kv instructions.KeyValuePair) bool { return kv.Key == name }) {
			found = step
		}
	}
	return found
}

// envText is the value of an ENV in the build file's notation, "" if it is no
// more than its value.
func (m *migration) envText(name string, step *dockerfile.Step) string {
	if step == nil {
		return ""
	}
	env, ok := step.Command.(*instructions.EnvCommand)
	if !ok {
		return ""
	}
	for _, kv := range env.Env {
		if kv.Key == name {
			if text, ok := m.text(kv.Value, step.Scope, m.names(step.Scope)); ok && strings.Contains(text, "${") {
				return text
			}
		}
	}
	return ""
}

// exportText is what a driver exports, where it depends on args.
func (m *migration) exportText(o *op, v shell.EnvVar) string {
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
func (m *migration) variable(name string, ops []*op) {
	a := m.arg(name)
	var common wanted
	if a == nil {
		common = majority(name, ops)
		text := common.text
		v := common.value
		if text == "" {
			v = m.moved(common.value, ops)
			text = escaped(v)
		}
		a = &arg{name: name, text: text}
		if common.line > 0 {
			a.lines = nil
			a.notes = append(a.notes, m.whyArg(common.line))
		}
		m.out.args = append(m.out.args, a)
		m.values[name] = v
		common.value = v
	} else {
		common.value = m.values[name]
	}
	for _, o := range ops {
		w := o.wants[name]
		if w.value == common.value || m.moved(w.value, []*op{o}) == common.value {
			continue
		}
		if o.overrides == nil {
			o.overrides = map[string]string{}
		}
		o.overrides[name] = w.value
		delete(o.wants, name)
	}
}

func (m *migration) whyArg(line int) string {
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
func (m *migration) moved(v string, ops []*op) string {
	if !strings.HasPrefix(v, "/") {
		return v
	}
	parts := strings.Split(v, ":")
	for i, p := range parts {
		parts[i] = m.movedPath(p, ops)
	}
	return strings.Join(parts, ":")
}

func (m *migration) movedPath(v string, ops []*op) string {
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

// missing tells of variables whose values depend on the base image.
func (m *migration) missing(o *op) {
	if o.gone || o.facts == nil {
		return
	}
	for _, step := range o.step.Stage.All() {
		if step == o.step {
			return
		}
		env, ok := step.Command.(*instructions.EnvCommand)
		if !ok {
			continue
		}
		for _, kv := range env.Env {
			_, known := o.step.Scope.Env[kv.Key]
			if !known && o.facts.Mentions(kv.Key) {
				m.report.note(m.where(step.Start), "setup scripts run without %s: its value depends on the base image's environment, which is not known here; declare it under args", kv.Key)
			}
		}
	}
}
