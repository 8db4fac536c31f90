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

// copyWords are the words of a COPY or ADD.
func copyWords(step *dockerfile.Step) (sources []string, dest string) {
	switch c := step.Command.(type) {
	case *instructions.CopyCommand:
		return c.SourcePaths, c.DestPath
	case *instructions.AddCommand:
		return c.SourcePaths, c.DestPath
	}
	return nil, ""
}

// settled is a text of the build file for a path of an instruction: itself,
// cleaned, where it stands for that path, else the path.
func (m *migration) settled(text, want string, step *dockerfile.Step) string {
	text = path.Clean(text)
	if got, ok := value(text, m.environment(step.Scope)); ok && got == want && strings.Contains(text, "${") {
		return text
	}
	return escaped(want)
}

// dirText is the working directory in front of an instruction.
func (m *migration) dirText(step *dockerfile.Step) string {
	for _, s := range slices.Backward(before(step)) {
		if cmd, ok := s.Command.(*instructions.WorkdirCommand); ok {
			return m.settled(m.joinedText(s, cmd.Path), step.Scope.Dir, step)
		}
	}
	return escaped(step.Scope.Dir)
}

// joinedText is a path in the build file's notation, which is below the working
// directory unless it is absolute.
func (m *migration) joinedText(step *dockerfile.Step, word string) string {
	text, _ := m.text(word, step.Scope, m.namesAt(step))
	if v, ok := step.Scope.Expand(word); ok && path.IsAbs(v) {
		return text
	}
	return path.Join(m.dirText(step), text)
}

// madeText is the directory that a WORKDIR makes.
func (m *migration) madeText(step *dockerfile.Step, dir string) string {
	cmd, ok := step.Command.(*instructions.WorkdirCommand)
	if !ok {
		return escaped(dir)
	}
	return m.settled(m.joinedText(step, cmd.Path), dir, step)
}

// destText is where a COPY goes, without a slash at its end.
func (m *migration) destText(step *dockerfile.Step) string {
	_, dest := copyWords(step)
	return m.settled(m.joinedText(step, dest), path.Clean(step.Copy.Dest), step)
}

// targetText is a path that a COPY makes.
func (m *migration) targetText(step *dockerfile.Step, target string) string {
	dest := path.Clean(step.Copy.Dest)
	if !paths.Within(target, dest) || dest == "/" {
		return escaped(target)
	}
	return m.destText(step) + escaped(strings.TrimPrefix(target, dest))
}

// sourceText is the n-th source of a COPY as a clean path without a slash in
// front, "" for all of the context.
func (m *migration) sourceText(step *dockerfile.Step, n int) string {
	words, _ := copyWords(step)
	want := paths.Inside(step.Copy.Sources[n])
	if want == "" || n >= len(words) {
		return escaped(want)
	}
	text, _ := m.text(words[n], step.Scope, m.namesAt(step))
	return strings.TrimPrefix(m.settled("/"+text, "/"+want, step), "/")
}

// contextText is a path of the context that a COPY brought, as the build file
// has it where globs are read.
func (m *migration) contextText(step *dockerfile.Step, source string) string {
	return m.contextPath(step, source, escapedGlob)
}

func (m *migration) contextPath(step *dockerfile.Step, source string, escape func(string) string) string {
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
func (m *contents) inputTexts(names []string) []string {
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
func (m *contents) inputsOf(step *dockerfile.Step, n int) []string {
	name := paths.Inside(step.Copy.Sources[n])
	if name == "" {
		return []string{"."}
	}
	if !glob.Has(name) || m.inContext(name) {
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
	files = sorted(files)
	glob := strings.NewReplacer("{", `\{`, "}", `\}`).Replace(name)
	if found, err := spec.Files(m.overlay(), glob); err == nil && slices.Equal(found, files) && !strings.ContainsAny(glob, "$`") {
		return []string{glob}
	}
	return m.inputTexts(m.joined(files))
}

// inContext reports whether the context has a file or directory of that very
// name.
func (m *migration) inContext(name string) bool {
	found, err := spec.Files(m.overlay(), escapedGlob(name))
	return err == nil && len(found) > 0 || m.isContextDir(name)
}
