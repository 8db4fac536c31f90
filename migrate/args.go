package migrate

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/spec"
)

// declare collects the build arguments: those ahead of the first FROM, and those
// of all stages that are needed. The build file has one list of them.
func (m *draft) declare() {
	for _, in := range m.file.Args {
		m.declareArgs(in, m.reading.Global, m.globalNames())
	}
	for _, s := range m.reading.Stages {
		for _, step := range s.Steps {
			if _, ok := step.Command.(*instructions.ArgCommand); ok {
				m.declareArgs(step.Instruction, step.Scope, m.namesAt(step))
			}
		}
	}
}

func (m *draft) declareArgs(in *dockerfile.Instruction, sc *dockerfile.Scope, known names) {
	cmd, ok := in.Command.(*instructions.ArgCommand)
	if !ok {
		return
	}
	for _, a := range cmd.Args {
		if _, ok := m.opt.Predefined[a.Key]; ok || isProxy(a.Key) {
			m.report.went(in.Start, Dropped, "BuildKit defines %s", a.Key)
			continue
		}
		if !spec.IsIdentifier(a.Key) {
			m.report.went(in.Start, Lost, "%q cannot be the name of a build file's argument", a.Key)
			continue
		}
		_, given := m.opt.Args[a.Key]
		if _, set := sc.Env[a.Key]; set && (a.Value != nil || given) {
			m.report.went(in.Start, Lost, "an ENV has set %s, and from here on it has another value: a build file has one", a.Key)
			continue
		}
		text := ""
		if a.Value != nil {
			var exact bool
			if text, exact = m.text(*a.Value, sc, known); !exact {
				m.report.went(in.Start, Lost, "the default of %s is known only in a build", a.Key)
			}
		}
		m.declareArg(in.Start, a, text)
	}
}

func (m *draft) declareArg(line int, a instructions.KeyValuePairOptional, text string) {
	old := m.arg(a.Key)
	switch {
	case old == nil:
		m.out.args = append(m.out.args, &arg{name: a.Key, text: text, lines: []int{line}, comment: description(a.DocComment), unset: a.Value == nil})
	case a.Value == nil || old.text == text && !old.unset:
		old.lines = append(old.lines, line)
		return
	case old.unset:
		old.text, old.unset = text, false
		old.lines = append(old.lines, line)
	default:
		m.report.note(m.where(line), "%s has several defaults; the build file has the last, %q", a.Key, text)
		old.text = text
		old.lines = append(old.lines, line)
	}
	v, _ := value(text, m.values)
	if given, ok := m.opt.Args[a.Key]; ok {
		v = given
	}
	m.values[a.Key] = v
}

// description is what a comment above an ARG says of it: `# NAME is …`.
func description(comment string) string { return strings.TrimPrefix(comment, "is ") }

// isProxy reports whether BuildKit knows an argument without declaration.
func isProxy(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH":
		return true
	}
	return strings.HasPrefix(name, "BUILDKIT_")
}

// arg returns a declared argument, nil for none.
func (m *draft) arg(name string) *arg {
	i := slices.IndexFunc(m.out.args, func(a *arg) bool { return a.name == name })
	if i < 0 {
		return nil
	}
	return m.out.args[i]
}

// text writes a word of the Dockerfile for the build file; exact is false where
// its value is not known.
func (m *draft) text(word string, sc *dockerfile.Scope, known names) (text string, exact bool) {
	want, ok := sc.Expand(word)
	text, read := fromDockerfile(word, sc, m.file.Escape, known)
	if !ok {
		text, read = fromUnset(word, sc, m.file.Escape, known)
		return text, read && strings.Contains(text, "$")
	}
	env := m.environment(sc)
	if got, fine := value(text, env); read && fine && got == want {
		return text, true
	}
	text, read = fromUnset(word, sc, m.file.Escape, known)
	if got, fine := value(text, env); read && fine && got == want {
		return text, true
	}
	return escaped(want), true
}

// environment is what texts are checked with: what they may refer to, with its
// values where a scope holds.
func (m *draft) environment(sc *dockerfile.Scope) map[string]string {
	env := map[string]string{}
	maps.Copy(env, m.opt.Predefined)
	maps.Copy(env, m.values)
	maps.Copy(env, sc.Args)
	maps.Copy(env, sc.Env)
	return env
}

// prune drops the args that nothing reads: no script, and no value of the build
// file.
func (m *draft) prune() {
	image := m.out.image.env
	m.out.image.env = slices.DeleteFunc(slices.Clone(image), m.isOwnArg)
	read := m.out.refersTo()
	m.out.image.env = image
	var kept []*arg
	for _, a := range slices.Backward(m.out.args) {
		if !read[a.name] && !m.seen[a.name] {
			for _, line := range a.lines {
				m.report.went(line, Dropped, "nothing reads %s", a.name)
			}
			for i := range image {
				if image[i].key == a.name && m.isOwnArg(image[i]) {
					image[i].text = a.text
				}
			}
			continue
		}
		for _, name := range referred(a.text) {
			read[name] = true
		}
		kept = append(kept, a)
		for _, line := range a.lines {
			m.report.went(line, Carried, "args.%s", a.name)
			m.argComments(a, line)
		}
	}
	slices.Reverse(kept)
	m.out.args = kept
}

// isOwnArg reports whether a variable of the image is what the arg of its name
// is, which was made for scripts.
func (m *draft) isOwnArg(p pair) bool {
	a := m.arg(p.key)
	return a != nil && a.fromEnv && p.text == "${"+p.key+"}"
}

// argComments carries over the comments above an ARG, unless they are its
// description.
func (m *draft) argComments(a *arg, line int) {
	for _, in := range m.instructions() {
		if in.Start != line {
			continue
		}
		for _, c := range m.comments(in) {
			if a.comment == "" || !strings.HasSuffix(c, a.comment) {
				a.notes = append(a.notes, c)
			}
		}
	}
}
