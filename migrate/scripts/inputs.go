package scripts

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
)

// inputTexts are paths of the context as an entry of the build file has them.
func (m *Scripts) inputTexts(names []string) []string {
	var out []string
	for _, name := range names {
		text := notation.EscapedGlob(name)
		for _, f := range m.Copies {
			if paths.Within(f.Source, strings.TrimSuffix(name, "/")) {
				text = m.ContextText(f.By, name)
				break
			}
		}
		out = append(out, text)
	}
	return out
}

// InputsOf are the inputs of a script that does what a COPY does with its n-th
// source.
func (m *Scripts) InputsOf(step *dockerfile.Step, n int) []string {
	name := paths.Inside(step.Copy.Sources[n])
	if name == "" {
		return []string{"."}
	}
	if !glob.Has(name) || m.Has(name) {
		return []string{m.ContextText(step, name)}
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
	if found, err := spec.Files(m.FS(), glob); err == nil && slices.Equal(found, files) && !strings.ContainsAny(glob, "$`") {
		return []string{glob}
	}
	return m.inputTexts(m.Joined(files, nil, 2))
}

// refersTo are the args that the paths of an op are made of.
func (m *Scripts) refersTo(o *commands.Op) []string {
	texts := []string{o.DirectoryText}
	for _, f := range o.Place {
		texts = append(texts, m.ContextText(f.By, f.Source), m.TargetText(f.By, f.Target), f.Owner)
	}
	if o.Text != "" {
		texts = append(texts, m.DirText(o.Step))
	}
	texts = append(texts, o.Fetched...)
	var out []string
	for _, text := range texts {
		out = append(out, notation.Referred(text)...)
	}
	return out
}

// ContextFile is a copied file where a setup script finds it.
func (m *Scripts) ContextFile(f *commands.Copied) string {
	return notation.InShell(graph.ContextMount + "/" + m.ContextPath(f.By, f.Source, notation.Escaped))
}
