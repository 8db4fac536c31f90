package migrate

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// globalNames are what a FROM may refer to.
func (m *draft) globalNames() names {
	return func(name string) (string, bool) {
		if _, ok := m.opt.Predefined[name]; ok {
			return "${" + name + "}", true
		}
		v, set := m.reading.Global.Args[name]
		declared := slices.ContainsFunc(m.file.Args, func(in *dockerfile.Instruction) bool { return slices.Contains(argsOf(in), name) })
		if m.arg(name) == nil || set && v != m.values[name] || !set && !declared {
			return "", false
		}
		return "${" + name + "}", true
	}
}

// namesAt are what a value may refer to at an instruction: args that have the
// value there, or none yet, and variables of ENV that are made of such.
func (m *draft) namesAt(step *dockerfile.Step) names {
	return func(name string) (string, bool) {
		v, set := step.Scope.Env[name]
		if !set {
			v, set = step.Scope.Args[name]
		}
		want, declared := m.values[name]
		if p, ok := m.opt.Predefined[name]; ok {
			want, declared = p, true
		}
		switch {
		case set && declared && v == want, !set && m.isUnset(name, step):
			return "${" + name + "}", true
		case !set:
			return "", false
		}
		if text := m.envText(name, m.setBy(name, step)); strings.Contains(text, "${") {
			return text, true
		}
		return "", false
	}
}

// isUnset reports whether an arg is declared in front of an instruction and has
// no value.
func (m *draft) isUnset(name string, step *dockerfile.Step) bool {
	_, set := step.Scope.Args[name]
	_, env := step.Scope.Env[name]
	return !set && !env && m.arg(name) != nil &&
		slices.ContainsFunc(step.Before(), func(s *dockerfile.Step) bool { return slices.Contains(argsOf(s.Instruction), name) })
}

// setBy is the ENV that sets a variable for an instruction, nil for none.
func (m *draft) setBy(name string, step *dockerfile.Step) *dockerfile.Step {
	for _, s := range slices.Backward(step.Before()) {
		if _, ok := envValue(s, name); ok {
			return s
		}
	}
	return nil
}

// envValue is the word that an ENV gives to a variable.
func envValue(step *dockerfile.Step, name string) (word string, ok bool) {
	env, is := step.Command.(*instructions.EnvCommand)
	if !is {
		return "", false
	}
	for _, kv := range env.Env {
		if kv.Key == name {
			word, ok = kv.Value, true
		}
	}
	return word, ok
}

// envText is the value of an ENV in the build file's notation, "" if that is not
// known.
func (m *draft) envText(name string, step *dockerfile.Step) string {
	if step == nil {
		return ""
	}
	word, ok := envValue(step, name)
	if !ok {
		return ""
	}
	text, _ := m.text(word, step.Scope, m.namesAt(step))
	return text
}

// ofBase reports whether a variable has another value for an instruction when the
// base image is another: one that an arg names has its own.
func (m *draft) ofBase(name string, step *dockerfile.Step) bool {
	if !strings.Contains(m.out.base, "${") {
		return false
	}
	set := m.setBy(name, step)
	if set == nil {
		_, base := m.baseEnv[name]
		return base
	}
	word, _ := envValue(set, name)
	return m.readsBase(word, set)
}

// readsBase reports whether a word of an instruction is made of such a variable.
func (m *draft) readsBase(word string, step *dockerfile.Step) bool {
	return slices.ContainsFunc(slices.Sorted(maps.Keys(step.Scope.Env)), func(name string) bool {
		return step.Scope.Mentions(word, name) && m.ofBase(name, step)
	})
}

// textAt is text for a word of an instruction: of what is made of variables of a base
// that may be another, the value says nothing.
func (m *draft) textAt(word string, step *dockerfile.Step, known names) (text string, exact bool) {
	if m.readsBase(word, step) {
		return fromDockerfile(word, step.Scope, m.file.Escape, known)
	}
	return m.text(word, step.Scope, known)
}

// runText is the value of an ENV where a script can read the base image's
// variables itself: those of which nothing is known, and those of a base that may be
// another, are references to them.
func (m *draft) runText(name string, step *dockerfile.Step) (text string, ok bool) {
	word, is := envValue(step, name)
	if !is {
		return "", false
	}
	known := m.namesAt(step)
	names := func(name string) (string, bool) {
		earlier, ofBase := m.setBy(name, step), m.ofBase(name, step)
		if text, ok := known(name); ok && !ofBase {
			return text, true
		}
		if _, set := step.Scope.Env[name]; !ofBase && (set || !step.Scope.Open) {
			return "", false
		}
		if earlier != nil {
			return m.runText(name, earlier)
		}
		return m.baseText(name), true
	}
	return m.textAt(word, step, names)
}

// argsIn are the args that a word of a command or an instruction names.
func argsIn(step *dockerfile.Step, text string) []string {
	var out []string
	word := shellWord(text)
	if word == nil {
		return nil
	}
	syntax.Walk(word, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
			if _, is := step.Scope.Args[p.Param.Value]; is {
				out = append(out, p.Param.Value)
			}
		}
		return true
	})
	return out
}

// writtenOut tells of args whose values a build file has to write out.
func (m *draft) writtenOut(step *dockerfile.Step, line int, args ...string) {
	for _, name := range args {
		m.report.note(m.where(line), "%s is written out as %s, as a build file has no args there: another --build-arg %[1]s no longer changes it", name, step.Scope.Args[name])
	}
}

// argsOf are the variables that an ARG declares.
func argsOf(in *dockerfile.Instruction) []string {
	cmd, ok := in.Command.(*instructions.ArgCommand)
	if !ok {
		return nil
	}
	var out []string
	for _, a := range cmd.Args {
		out = append(out, a.Key)
	}
	return out
}
