package scripts

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/outputs"
	"github.com/pgstrata/pgstrata/paths"
)

// propose adds to scripts of the chain whose outputs their syntax trees prove
// what would isolate them, as a comment to opt into.
func (m *Arranged) propose() {
	before := ""
	for i, e := range m.scripts {
		if len(e.Outputs) > 0 {
			continue
		}
		if e.Generated == nil && len(e.Needs) == 0 {
			if outputs := outputs.Of(m.Load(e.Path), slices.Concat(files.ScratchTrees(), m.Out.Artifacts)); outputs != nil {
				p := e.Script
				p.Outputs, p.Proposal = nil, nil
				for _, o := range outputs {
					p.Outputs = append(p.Outputs, buildfile.Output{Path: notation.EscapedGlob(o)})
				}
				p.Notes = []string{"Its text says that it writes nothing else. To let it run beside the scripts after it:"}
				if before != "" {
					p.Needs = []string{before}
				}
				if users := m.usersOf(outputs, m.scripts[i+1:]); len(users) > 0 {
					p.Notes = append(p.Notes, "("+strings.Join(users, ", ")+" then: needs: ["+scriptName(e.Path)+"])")
				}
				e.Proposal = &p
			}
		}
		before = scriptName(e.Path)
	}
}

// usersOf are the scripts that speak of outputs.
func (m *Arranged) usersOf(outputs []string, list []*Entry) []string {
	var out []string
	for _, e := range list {
		p := m.Load(e.Path)
		if p == nil || len(e.Outputs) > 0 {
			continue
		}
		uses := false
		for _, s := range p.Closure() {
			for _, c := range s.Calls {
				uses = uses || slices.ContainsFunc(outputs, func(o string) bool {
					return paths.Within(c.Command.Value, o) || path.Base(o) == c.Name
				})
			}
			for _, r := range s.Paths {
				uses = uses || slices.ContainsFunc(outputs, func(o string) bool { return paths.Within(r.Path, o) })
			}
		}
		if uses {
			out = append(out, scriptName(e.Path))
		}
	}
	return out
}
