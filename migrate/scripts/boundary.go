package scripts

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/spec"
)

// Boundary draws the line between setup's files and the entrypoint's, where the
// defaults do not.
func (m *Arranged) Boundary() {
	setup, entry := map[string]bool{}, map[string]bool{}
	for _, e := range slices.Concat(m.scripts, m.cleanup) {
		for name := range m.filesOf(e) {
			setup[name] = true
		}
	}
	for _, f := range m.Copies {
		if f.Class == commands.AtRuntime {
			entry[f.Source] = true
		}
	}
	for name := range setup {
		if entry[name] {
			m.Report.Note(name, "is read by setup, and is in the image as well: an edit of it runs setup again")
		}
	}
	stable := []string{"setup/**"}
	volatile := []string{"entrypoint.d/**", "config/**"}
	if !divides(stable, setup, entry) {
		m.Out.Stable = m.cover(setup, entry)
	}
	if !divides(volatile, entry, setup) {
		m.Out.Volatile = m.cover(entry, setup)
	}
}

// divides reports whether patterns have all of the files, and none of the
// others.
func divides(patterns []string, have, not map[string]bool) bool {
	var list []spec.Text
	for _, p := range patterns {
		list = append(list, spec.Text{Value: p})
	}
	for name := range have {
		if !spec.Matches(list, name) {
			return false
		}
	}
	for name := range not {
		if spec.Matches(list, name) {
			return false
		}
	}
	return true
}

// cover are patterns for files that match none of the others: whole directories
// where that is possible.
func (m *Arranged) cover(files, others map[string]bool) []string {
	var out []string
	var visit func(dir string)
	below := func(set map[string]bool, dir string) bool {
		for name := range set {
			if dir == "." || strings.HasPrefix(name, dir+"/") {
				return true
			}
		}
		return false
	}
	visit = func(dir string) {
		switch {
		case !below(files, dir):
			return
		case dir != "." && !below(others, dir):
			out = append(out, notation.EscapedGlob(dir)+"/**")
			return
		}
		entries, err := fs.ReadDir(m.FS(), dir)
		if err != nil {
			return
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir():
				visit(name)
			case files[name] && !others[name]:
				out = append(out, notation.EscapedGlob(name))
			}
		}
	}
	visit(".")
	if out == nil {
		out = []string{}
	}
	return out
}

// filesOf are the files of the context that an entry reads.
func (m *Arranged) filesOf(e *Entry) map[string]bool {
	out := map[string]bool{e.Path: true}
	if p := m.Load(e.Path); p != nil {
		for _, s := range p.Closure() {
			out[s.Path] = true
		}
	}
	for _, in := range e.Inputs {
		in, _ := notation.Value(in, m.Values)
		found, err := spec.Files(m.FS(), path.Clean(in))
		if err != nil || len(found) == 0 {
			out[in] = true
		}
		for _, at := range found {
			for name, err := range m.Below(at) {
				if err == nil { // what cannot be read is not sent
					out[name] = true
				}
			}
		}
	}
	return out
}
