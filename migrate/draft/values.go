package draft

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/notation"
)

// BaseText refers to a variable of the base image. One of which is not known
// whether the base has it may be missing.
func (m *Draft) BaseText(name string) string {
	if _, known := m.BaseEnv[name]; known || name == "PATH" {
		return "${" + name + "}"
	}
	return "${" + name + ":-}"
}

// GlobalNames are what a FROM may refer to.
func (m *Draft) GlobalNames() notation.Names {
	return func(name string) (string, bool) {
		if _, ok := m.Opt.Predefined[name]; ok {
			return "${" + name + "}", true
		}
		v, set := m.Reading.Global.Args[name]
		declared := slices.ContainsFunc(m.File.Args, func(in *dockerfile.Instruction) bool { return slices.Contains(ArgsOf(in), name) })
		if m.Arg(name) == nil || set && v != m.Values[name] || !set && !declared {
			return "", false
		}
		return "${" + name + "}", true
	}
}

// NamesAt are what a value may refer to at an instruction: args that have the
// value there, or none yet, and variables of ENV that are made of such.
func (m *Draft) NamesAt(step *dockerfile.Step) notation.Names {
	return func(name string) (string, bool) {
		v, set := step.Scope.Env[name]
		if !set {
			v, set = step.Scope.Args[name]
		}
		want, declared := m.Values[name]
		if p, ok := m.Opt.Predefined[name]; ok {
			want, declared = p, true
		}
		switch {
		case set && declared && v == want, !set && m.IsUnset(name, step):
			return "${" + name + "}", true
		case !set:
			return "", false
		}
		if text := m.EnvText(name, m.SetBy(name, step)); strings.Contains(text, "${") {
			return text, true
		}
		return "", false
	}
}

// IsUnset reports whether an arg is declared in front of an instruction and has
// no value.
func (m *Draft) IsUnset(name string, step *dockerfile.Step) bool {
	_, set := step.Scope.Args[name]
	_, env := step.Scope.Env[name]
	return !set && !env && m.Arg(name) != nil &&
		slices.ContainsFunc(step.Before(), func(s *dockerfile.Step) bool { return slices.Contains(ArgsOf(s.Instruction), name) })
}

// SetBy is the ENV that sets a variable for an instruction, nil for none.
func (m *Draft) SetBy(name string, step *dockerfile.Step) *dockerfile.Step {
	for _, s := range slices.Backward(step.Before()) {
		if _, ok := EnvValue(s, name); ok {
			return s
		}
	}
	return nil
}

// EnvValue is the word that an ENV gives to a variable.
func EnvValue(step *dockerfile.Step, name string) (word string, ok bool) {
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

// EnvText is the value of an ENV in the build file's notation, "" if that is not
// known.
func (m *Draft) EnvText(name string, step *dockerfile.Step) string {
	if step == nil {
		return ""
	}
	word, ok := EnvValue(step, name)
	if !ok {
		return ""
	}
	text, _ := m.Text(word, step.Scope, m.NamesAt(step))
	return text
}

// OfBase reports whether a variable has another value for an instruction when the
// base image is another: one that an arg names has its own.
func (m *Draft) OfBase(name string, step *dockerfile.Step) bool {
	if !strings.Contains(m.Out.Base, "${") {
		return false
	}
	set := m.SetBy(name, step)
	if set == nil {
		_, base := m.BaseEnv[name]
		return base
	}
	word, _ := EnvValue(set, name)
	return m.readsBase(word, set)
}

// readsBase reports whether a word of an instruction is made of such a variable.
func (m *Draft) readsBase(word string, step *dockerfile.Step) bool {
	return slices.ContainsFunc(slices.Sorted(maps.Keys(step.Scope.Env)), func(name string) bool {
		return step.Scope.Mentions(word, name) && m.OfBase(name, step)
	})
}

// TextAt is text for a word of an instruction: of what is made of variables of a base
// that may be another, the value says nothing.
func (m *Draft) TextAt(word string, step *dockerfile.Step, known notation.Names) (text string, exact bool) {
	if m.readsBase(word, step) {
		return notation.FromDockerfile(word, step.Scope, m.File.Escape, known)
	}
	return m.Text(word, step.Scope, known)
}

// RunText is the value of an ENV where a script can read the base image's
// variables itself: those of which nothing is known, and those of a base that may be
// another, are references to them.
func (m *Draft) RunText(name string, step *dockerfile.Step) (text string, ok bool) {
	word, is := EnvValue(step, name)
	if !is {
		return "", false
	}
	return m.TextAt(word, step, m.baseNames(step))
}

// baseNames are the names that an instruction knows, with references to the base
// image's variables.
func (m *Draft) baseNames(step *dockerfile.Step) notation.Names {
	known := m.NamesAt(step)
	return func(name string) (string, bool) {
		earlier, ofBase := m.SetBy(name, step), m.OfBase(name, step)
		if text, ok := known(name); ok && !ofBase {
			return text, true
		}
		if _, set := step.Scope.Env[name]; !ofBase && (set || !step.Scope.Open) {
			return "", false
		}
		if earlier != nil {
			return m.RunText(name, earlier)
		}
		return m.BaseText(name), true
	}
}

// SettingText is text for what the image's configuration has of a word: it may refer
// to the base image's variables.
func (m *Draft) SettingText(word string, step *dockerfile.Step) (text string, exact bool) {
	if text, exact = m.TextAt(word, step, m.NamesAt(step)); exact {
		return text, true
	}
	return m.TextAt(word, step, m.baseNames(step))
}

// ArgsIn are the args that a word of a command or an instruction names.
func ArgsIn(step *dockerfile.Step, text string) []string {
	var out []string
	word := notation.ShellWord(text)
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

// WrittenOut tells of args whose values a build file has to write out.
func (m *Draft) WrittenOut(step *dockerfile.Step, line int, args ...string) {
	for _, name := range args {
		m.Report.Note(m.Where(line), "%s is written out as %s, as a build file has no args there: another --build-arg %[1]s no longer changes it", name, step.Scope.Args[name])
	}
}

// ArgsOf are the variables that an ARG declares.
func ArgsOf(in *dockerfile.Instruction) []string {
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
