package draft

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/spec"
)

// declare collects the build arguments: those ahead of the first FROM, and those
// of all stages that are needed. The build file has one list of them.
func (m *Draft) declare() {
	for _, in := range m.File.Args {
		m.declareArgs(in, m.Reading.Global, m.GlobalNames())
	}
	for _, s := range m.Reading.Stages {
		for _, step := range s.Steps {
			if _, ok := step.Command.(*instructions.ArgCommand); ok {
				m.declareArgs(step.Instruction, step.Scope, m.NamesAt(step))
			}
		}
	}
}

func (m *Draft) declareArgs(in *dockerfile.Instruction, sc *dockerfile.Scope, known notation.Names) {
	cmd, ok := in.Command.(*instructions.ArgCommand)
	if !ok {
		return
	}
	for _, a := range cmd.Args {
		if _, ok := m.Opt.Predefined[a.Key]; ok || IsProxy(a.Key) {
			m.Report.Record(in.Start, report.Dropped, "BuildKit defines %s", a.Key)
			continue
		}
		if !spec.IsIdentifier(a.Key) {
			m.Report.Record(in.Start, report.Lost, "%q cannot be the name of a build file's argument", a.Key)
			continue
		}
		_, given := m.Opt.Args[a.Key]
		if _, set := sc.Env[a.Key]; set && (a.Value != nil || given) {
			m.Report.Record(in.Start, report.Lost, "an ENV has set %s, and from here on it has another value: a build file has one", a.Key)
			continue
		}
		text := ""
		if a.Value != nil {
			var exact bool
			if text, exact = m.Text(*a.Value, sc, known); !exact {
				m.Report.Record(in.Start, report.Lost, "the default of %s is known only in a build", a.Key)
			}
		}
		m.declareArg(in.Start, a, text)
	}
}

func (m *Draft) declareArg(line int, a instructions.KeyValuePairOptional, text string) {
	old := m.Arg(a.Key)
	switch {
	case old == nil:
		m.Out.Args = append(m.Out.Args, &buildfile.Arg{Name: a.Key, Text: text, Lines: []int{line}, Comment: description(a.DocComment), Unset: a.Value == nil})
	case a.Value == nil || old.Text == text && !old.Unset:
		old.Lines = append(old.Lines, line)
		return
	case old.Unset:
		old.Text, old.Unset = text, false
		old.Lines = append(old.Lines, line)
	default:
		m.Report.Note(m.Where(line), "%s has several defaults; the build file has the last, %q", a.Key, text)
		old.Text = text
		old.Lines = append(old.Lines, line)
	}
	v, _ := notation.Value(text, m.Values)
	if given, ok := m.Opt.Args[a.Key]; ok {
		v = given
	}
	m.Values[a.Key] = v
}

// description is what a comment above an ARG says of it: `# NAME is …`.
func description(comment string) string { return strings.TrimPrefix(comment, "is ") }

// IsProxy reports whether BuildKit knows an argument without declaration.
func IsProxy(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH":
		return true
	}
	return strings.HasPrefix(name, "BUILDKIT_")
}

// Arg returns a declared argument, nil for none.
func (m *Draft) Arg(name string) *buildfile.Arg {
	i := slices.IndexFunc(m.Out.Args, func(a *buildfile.Arg) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return m.Out.Args[i]
}

// Text writes a word of the Dockerfile for the build file; exact is false where
// its value is not known.
func (m *Draft) Text(word string, sc *dockerfile.Scope, known notation.Names) (text string, exact bool) {
	want, ok := sc.Expand(word)
	text, read := notation.FromDockerfile(word, sc, m.File.Escape, known)
	if !ok {
		text, read = notation.FromUnset(word, sc, m.File.Escape, known)
		return text, read && strings.Contains(text, "$")
	}
	env := m.Environment(sc)
	if got, fine := notation.Value(text, env); read && fine && got == want {
		return text, true
	}
	text, read = notation.FromUnset(word, sc, m.File.Escape, known)
	if got, fine := notation.Value(text, env); read && fine && got == want {
		return text, true
	}
	return notation.Escaped(want), true
}

// Environment is what texts are checked with: what they may refer to, with its
// values where a scope holds.
func (m *Draft) Environment(sc *dockerfile.Scope) map[string]string {
	env := map[string]string{}
	maps.Copy(env, m.Opt.Predefined)
	maps.Copy(env, m.Values)
	maps.Copy(env, sc.Args)
	maps.Copy(env, sc.Env)
	return env
}

// Prune drops the args that nothing reads: no script, and no value of the build
// file.
func (m *Draft) Prune() {
	image := m.Out.Image.Env
	m.Out.Image.Env = slices.DeleteFunc(slices.Clone(image), m.isOwnArg)
	read := m.Out.RefersTo()
	m.Out.Image.Env = image
	var kept []*buildfile.Arg
	for _, a := range slices.Backward(m.Out.Args) {
		if !read[a.Name] && !m.Seen[a.Name] {
			for _, line := range a.Lines {
				m.Report.Record(line, report.Dropped, "nothing reads %s", a.Name)
			}
			for i := range image {
				if image[i].Key == a.Name && m.isOwnArg(image[i]) {
					image[i].Text = a.Text
				}
			}
			continue
		}
		for _, name := range notation.Referred(a.Text) {
			read[name] = true
		}
		kept = append(kept, a)
		for _, line := range a.Lines {
			m.Report.Record(line, report.Carried, "args.%s", a.Name)
			m.argComments(a, line)
		}
	}
	slices.Reverse(kept)
	m.Out.Args = kept
}

// isOwnArg reports whether a variable of the image is what the arg of its name
// is, which was made for scripts.
func (m *Draft) isOwnArg(p buildfile.Pair) bool {
	a := m.Arg(p.Key)
	return a != nil && a.FromEnv && p.Text == "${"+p.Key+"}"
}

// argComments carries over the comments above an ARG, unless they are its
// description.
func (m *Draft) argComments(a *buildfile.Arg, line int) {
	for _, in := range m.Instructions() {
		if in.Start != line {
			continue
		}
		for _, c := range m.Comments(in) {
			if a.Comment == "" || !strings.HasSuffix(c, a.Comment) {
				a.Notes = append(a.Notes, c)
			}
		}
	}
}
