package draft

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/paths"
)

// settled is a text of the build file for a path of an instruction: itself,
// cleaned, where it stands for that path, else the path.
func (m *Draft) settled(text, want string, step *dockerfile.Step) string {
	text = path.Clean(text)
	if got, ok := notation.Value(text, m.Environment(step.Scope)); ok && got == want && strings.Contains(text, "${") {
		return text
	}
	return notation.Escaped(want)
}

// DirText is the working directory in front of an instruction.
func (m *Draft) DirText(step *dockerfile.Step) string {
	for _, s := range slices.Backward(step.Before()) {
		if cmd, ok := s.Command.(*instructions.WorkdirCommand); ok {
			return m.settled(m.joinedText(s, cmd.Path), step.Scope.Dir, step)
		}
	}
	return notation.Escaped(step.Scope.Dir)
}

// joinedText is a path in the build file's notation, which is below the working
// directory unless it is absolute.
func (m *Draft) joinedText(step *dockerfile.Step, word string) string {
	text, _ := m.Text(word, step.Scope, m.NamesAt(step))
	if v, ok := step.Scope.Expand(word); ok && path.IsAbs(v) {
		return text
	}
	return path.Join(m.DirText(step), text)
}

// DirectoryText is the directory that a WORKDIR makes.
func (m *Draft) DirectoryText(step *dockerfile.Step, dir string) string {
	cmd, ok := step.Command.(*instructions.WorkdirCommand)
	if !ok {
		return notation.Escaped(dir)
	}
	return m.settled(m.joinedText(step, cmd.Path), dir, step)
}

// DestText is where a COPY goes, without a slash at its end.
func (m *Draft) DestText(step *dockerfile.Step) string {
	return m.settled(m.joinedText(step, step.Copy.Written.DestPath), path.Clean(step.Copy.Dest), step)
}

// TargetText is a path that a COPY makes.
func (m *Draft) TargetText(step *dockerfile.Step, target string) string {
	dest := path.Clean(step.Copy.Dest)
	if !paths.Within(target, dest) || dest == "/" {
		return notation.Escaped(target)
	}
	return m.DestText(step) + notation.Escaped(strings.TrimPrefix(target, dest))
}

// SourceText is the n-th source of a COPY as a clean path without a slash in
// front, "" for all of the context.
func (m *Draft) SourceText(step *dockerfile.Step, n int) string {
	words := step.Copy.Written.SourcePaths
	want := paths.Inside(step.Copy.Sources[n])
	if want == "" || n >= len(words) {
		return notation.Escaped(want)
	}
	text, _ := m.Text(words[n], step.Scope, m.NamesAt(step))
	return strings.TrimPrefix(m.settled("/"+text, "/"+want, step), "/")
}

// ContextText is a path of the context that a COPY brought, as the build file
// has it where globs are read.
func (m *Draft) ContextText(step *dockerfile.Step, source string) string {
	return m.ContextPath(step, source, notation.EscapedGlob)
}

// ContextPath is a path of the context that a COPY brought, with what is literal in it
// escaped.
func (m *Draft) ContextPath(step *dockerfile.Step, source string, escape func(string) string) string {
	for n := range step.Copy.Sources {
		from := paths.Inside(step.Copy.Sources[n])
		text := m.SourceText(step, n)
		if from != "" && strings.Contains(text, "${") && paths.Within(source, from) {
			return text + escape(strings.TrimPrefix(source, from))
		}
	}
	return escape(source)
}
