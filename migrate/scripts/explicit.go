package scripts

import (
	"maps"
	"slices"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/shell"
)

// Explicit lists the args and caches of scripts that need others than pgstrata
// would infer: in the Dockerfile an ARG or ENV holds from its line on, and what a
// script in its old place runs is not read.
func (m *Arranged) Explicit() {
	var names []string
	for _, a := range m.Out.Args {
		names = append(names, a.Name)
	}
	declared := len(names)
	names = append(names, slices.Sorted(maps.Keys(m.Opt.Predefined))...)
	for _, e := range slices.Concat(m.scripts, m.cleanup) {
		program := m.Load(e.Path)
		if program == nil {
			continue
		}
		if plumbing := !slices.ContainsFunc(e.Ops, func(o *commands.Op) bool { return o.Directory == "" && len(o.Place)+len(o.Fetched) == 0 }); plumbing {
			continue // PATH and the like make no difference to them
		}
		var inferred, sees []string
		for i, name := range names {
			seen := graph.Sees(program, name, i < declared)
			if seen {
				inferred = append(inferred, name)
			}
			if slices.Contains(e.Sees, name) && (seen || e.mayRead(name)) { // else the line that ran it did
				sees = append(sees, name)
			}
		}
		if !slices.Equal(inferred, sees) {
			e.Args = &sees
		}
		m.explicitCaches(e, program)
	}
}

// mayRead reports whether something that a script runs or sources, or a program of
// which is not known what it reads, may read a variable.
func (e *Entry) mayRead(name string) bool {
	return slices.ContainsFunc(e.Ops, func(o *commands.Op) bool {
		switch f := o.Facts; {
		case f == nil:
			return false
		case f.Program == nil || f.Opaque+f.Wild+f.Unknown != "":
			return true
		default:
			return slices.ContainsFunc(f.Program.Closure(), func(s *shell.Script) bool {
				_, mentions := s.Mentions(name)
				return mentions && s != f.Program.Main
			})
		}
	})
}

// explicitCaches adds the caches of what runs unseen.
func (m *Arranged) explicitCaches(e *Entry, program *shell.Program) {
	inferred := cache.ToolsOf(program)
	for _, o := range e.Ops {
		if o.Facts == nil || o.Facts.Program == nil {
			continue
		}
		for _, name := range cache.ToolsOf(o.Facts.Program) {
			if !slices.Contains(inferred, name) && !slices.Contains(e.Caches, name) {
				e.Caches = append(e.Caches, name)
			}
		}
	}
}
