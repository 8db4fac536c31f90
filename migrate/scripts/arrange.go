package scripts

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// Arranged are the scripts of a build file, in their places and with their names.
type Arranged struct {
	*Scripts
	scripts, cleanup []*Entry
}

// Arrange gives the scripts their names, and puts them in their places: isolated ones
// first, then the chain, and those at its end that clean up.
func (m *Scripts) Arrange(isolated, chain []*Entry) *Arranged {
	all := slices.Concat(isolated, chain)
	names := m.name(all)
	for _, e := range all {
		m.finish(e)
	}
	chain, cleanup := m.ending(chain)
	if first, last := m.linkScripts(); first != nil {
		before, after := first.Title, last.Title
		if names.numbered {
			before, after = "00-"+before, "99-"+after
		}
		m.nameOne(first, m.ScriptsDir(), before, names.taken)
		m.nameOne(last, m.ScriptsDir(), after, names.taken)
		chain = append([]*Entry{first}, chain...)
		cleanup = append(cleanup, last)
	}
	for _, e := range chain {
		for _, before := range e.After {
			e.Needs = append(e.Needs, scriptName(before.Path))
		}
	}
	a := &Arranged{m, slices.Concat(isolated, chain), cleanup}
	a.list("setup.scripts", a.scripts, &m.Out.Scripts)
	a.list("setup.final_cleanup", a.cleanup, &m.Out.Cleanup)
	a.propose()
	return a
}

// ending splits off the scripts that clean up at the end, and those generated
// ones that come after them: what is deleted leaves the image only if it is in
// no layer to begin with. Directories that are made among them are made before.
func (m *Scripts) ending(list []*Entry) (chain, cleanup []*Entry) {
	last := len(list)
	for last > 0 && !m.cleansUp(list[last-1]) {
		if e := list[last-1]; e.Generated == nil || len(e.Outputs) > 0 || len(e.After) > 0 {
			return list, nil
		}
		last--
	}
	if last == 0 {
		return list, nil
	}
	first := last
	for first > 0 && m.cleansUp(list[first-1]) {
		first--
	}
	chain = slices.Clone(list[:first])
	for _, e := range list[first:] {
		if onlyMakes(e) {
			chain = append(chain, e)
		} else {
			cleanup = append(cleanup, e)
		}
	}
	return chain, cleanup
}

// onlyMakes reports whether an entry does no more than make directories.
func onlyMakes(e *Entry) bool {
	return len(e.Ops) > 0 && !slices.ContainsFunc(e.Ops, func(o *commands.Op) bool { return o.Directory == "" })
}

// list reports which scripts the lines became, and lists them in the build file.
func (m *Arranged) list(key string, list []*Entry, to *[]*buildfile.Script) {
	for _, e := range list {
		*to = append(*to, &e.Script)
		for _, name := range e.Sees {
			m.Seen[name] = true
		}
		for _, o := range e.Ops {
			if len(e.Outputs) > 0 || o.State {
				continue
			}
			what := key + ": " + path.Base(e.Path)
			if e.Generated != nil {
				what = key + ": " + e.Path + " (new)"
			}
			m.Record(o, report.Carried, "%s", what)
		}
		if e.Generated == nil {
			for _, o := range e.Ops {
				if o.Call != nil && o.Call.Driver == nil {
					e.Notes = append(m.Comments(o.Step.Instruction), e.Notes...)
				}
			}
		}
	}
}

// cleansUp reports whether a script does nothing but delete.
func (m *Scripts) cleansUp(e *Entry) bool {
	if len(e.Outputs) > 0 || len(e.After) > 0 {
		return false
	}
	program := m.Load(e.Path)
	if program == nil {
		return false
	}
	if slices.ContainsFunc(e.Ops, func(o *commands.Op) bool {
		return o.Script() && strings.Contains(strings.ToLower(path.Base(o.Call.Source)), "clean")
	}) {
		return true
	}
	deletes := false
	for _, s := range program.Closure() {
		for _, c := range s.Calls {
			if c.Kind != shell.CallProgram || c.Unreached {
				continue
			}
			switch {
			case c.Name == "rm" || c.Name == "rmdir" || c.Name == "unlink",
				c.Name == "find" && c.HasArg("-delete", "-exec"),
				c.Is(programs.Apt) && slices.Contains([]string{"clean", "autoremove", "autoclean", "purge", "remove"}, c.Verb()):
				deletes = true
			case slices.Contains([]string{"echo", "printf", "true", "truncate", "date", "du", "df", "ls", "sync"}, c.Name):
			default:
				return false
			}
		}
	}
	return deletes
}
