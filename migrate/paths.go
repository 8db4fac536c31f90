package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
)

// settled is a text of the build file for a path of an instruction: itself,
// cleaned, where it stands for that path, else the path.
func (m *draft) settled(text, want string, step *dockerfile.Step) string {
	text = path.Clean(text)
	if got, ok := value(text, m.environment(step.Scope)); ok && got == want && strings.Contains(text, "${") {
		return text
	}
	return escaped(want)
}

// dirText is the working directory in front of an instruction.
func (m *draft) dirText(step *dockerfile.Step) string {
	for _, s := range slices.Backward(step.Before()) {
		if cmd, ok := s.Command.(*instructions.WorkdirCommand); ok {
			return m.settled(m.joinedText(s, cmd.Path), step.Scope.Dir, step)
		}
	}
	return escaped(step.Scope.Dir)
}

// joinedText is a path in the build file's notation, which is below the working
// directory unless it is absolute.
func (m *draft) joinedText(step *dockerfile.Step, word string) string {
	text, _ := m.text(word, step.Scope, m.namesAt(step))
	if v, ok := step.Scope.Expand(word); ok && path.IsAbs(v) {
		return text
	}
	return path.Join(m.dirText(step), text)
}

// madeText is the directory that a WORKDIR makes.
func (m *draft) madeText(step *dockerfile.Step, dir string) string {
	cmd, ok := step.Command.(*instructions.WorkdirCommand)
	if !ok {
		return escaped(dir)
	}
	return m.settled(m.joinedText(step, cmd.Path), dir, step)
}

// destText is where a COPY goes, without a slash at its end.
func (m *draft) destText(step *dockerfile.Step) string {
	return m.settled(m.joinedText(step, step.Copy.Written.DestPath), path.Clean(step.Copy.Dest), step)
}

// targetText is a path that a COPY makes.
func (m *draft) targetText(step *dockerfile.Step, target string) string {
	dest := path.Clean(step.Copy.Dest)
	if !paths.Within(target, dest) || dest == "/" {
		return escaped(target)
	}
	return m.destText(step) + escaped(strings.TrimPrefix(target, dest))
}

// sourceText is the n-th source of a COPY as a clean path without a slash in
// front, "" for all of the context.
func (m *draft) sourceText(step *dockerfile.Step, n int) string {
	words := step.Copy.Written.SourcePaths
	want := paths.Inside(step.Copy.Sources[n])
	if want == "" || n >= len(words) {
		return escaped(want)
	}
	text, _ := m.text(words[n], step.Scope, m.namesAt(step))
	return strings.TrimPrefix(m.settled("/"+text, "/"+want, step), "/")
}

// contextText is a path of the context that a COPY brought, as the build file
// has it where globs are read.
func (m *draft) contextText(step *dockerfile.Step, source string) string {
	return m.contextPath(step, source, escapedGlob)
}

func (m *draft) contextPath(step *dockerfile.Step, source string, escape func(string) string) string {
	for n := range step.Copy.Sources {
		from := paths.Inside(step.Copy.Sources[n])
		text := m.sourceText(step, n)
		if from != "" && strings.Contains(text, "${") && paths.Within(source, from) {
			return text + escape(strings.TrimPrefix(source, from))
		}
	}
	return escape(source)
}

// inputTexts are paths of the context as an entry of the build file has them.
func (m *counted) inputTexts(names []string) []string {
	var out []string
	for _, name := range names {
		text := escapedGlob(name)
		for _, f := range m.copies {
			if paths.Within(f.Source, strings.TrimSuffix(name, "/")) {
				text = m.contextText(f.By, name)
				break
			}
		}
		out = append(out, text)
	}
	return out
}

// inputsOf are the inputs of a script that does what a COPY does with its n-th
// source.
func (m *counted) inputsOf(step *dockerfile.Step, n int) []string {
	name := paths.Inside(step.Copy.Sources[n])
	if name == "" {
		return []string{"."}
	}
	if !glob.Has(name) || m.has(name) {
		return []string{m.contextText(step, name)}
	}
	var files []string
	for _, f := range step.Copy.Files {
		for at := f.Source; at != "."; at = path.Dir(at) {
			if ok, err := path.Match(name, at); ok && err == nil {
				files = append(files, f.Source)
			}
		}
	}
	files = slices.Compact(slices.Sorted(slices.Values(files)))
	glob := strings.NewReplacer("{", `\{`, "}", `\}`).Replace(name)
	if found, err := spec.Files(m.fs(), glob); err == nil && slices.Equal(found, files) && !strings.ContainsAny(glob, "$`") {
		return []string{glob}
	}
	return m.inputTexts(m.joined(files, nil, 2))
}
