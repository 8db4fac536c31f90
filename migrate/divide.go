package migrate

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// arranged are the scripts of a build file, in their places and with their names.
type arranged struct {
	*counted
	scripts, cleanup []*entry
}

// arrange gives the scripts their names, and puts them in their places: isolated ones
// first, then the chain, and those at its end that clean up.
func (m *counted) arrange(isolated, chain []*entry) *arranged {
	all := slices.Concat(isolated, chain)
	names := m.name(all)
	for _, e := range all {
		m.finish(e)
	}
	chain, cleanup := m.ending(chain)
	if first, last := m.linkScripts(); first != nil {
		before, after := first.title, last.title
		if names.numbered {
			before, after = "00-"+before, "99-"+after
		}
		m.nameOne(first, m.scriptsDir(), before, names.taken)
		m.nameOne(last, m.scriptsDir(), after, names.taken)
		chain = append([]*entry{first}, chain...)
		cleanup = append(cleanup, last)
	}
	for _, e := range chain {
		for _, before := range e.after {
			e.needs = append(e.needs, scriptName(before.path))
		}
	}
	a := &arranged{m, slices.Concat(isolated, chain), cleanup}
	a.list("setup.scripts", a.scripts, &m.out.scripts)
	a.list("setup.final_cleanup", a.cleanup, &m.out.cleanup)
	a.propose()
	return a
}

// ending splits off the scripts that clean up at the end, and those generated
// ones that come after them: what is deleted leaves the image only if it is in
// no layer to begin with. Directories that are made among them are made before.
func (m *counted) ending(list []*entry) (chain, cleanup []*entry) {
	last := len(list)
	for last > 0 && !m.cleansUp(list[last-1]) {
		if e := list[last-1]; e.generated == nil || len(e.outputs) > 0 || len(e.after) > 0 {
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
func onlyMakes(e *entry) bool {
	return len(e.ops) > 0 && !slices.ContainsFunc(e.ops, func(o *op) bool { return o.made == "" })
}

// list reports which scripts the lines became, and lists them in the build file.
func (m *arranged) list(key string, list []*entry, to *[]*script) {
	for _, e := range list {
		*to = append(*to, &e.script)
		for _, name := range e.sees {
			m.seen[name] = true
		}
		for _, o := range e.ops {
			if len(e.outputs) > 0 || o.state {
				continue
			}
			what := key + ": " + path.Base(e.path)
			if e.generated != nil {
				what = key + ": " + e.path + " (new)"
			}
			m.went(o, Carried, "%s", what)
		}
		if e.generated == nil {
			for _, o := range e.ops {
				if o.call != nil && o.call.driver == nil {
					e.notes = append(m.comments(o.step.Instruction), e.notes...)
				}
			}
		}
	}
}

// cleansUp reports whether a script does nothing but delete.
func (m *counted) cleansUp(e *entry) bool {
	if len(e.outputs) > 0 || len(e.after) > 0 {
		return false
	}
	program := m.load(e.path)
	if program == nil {
		return false
	}
	if slices.ContainsFunc(e.ops, func(o *op) bool {
		return o.script() && strings.Contains(strings.ToLower(path.Base(o.call.source)), "clean")
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

// explicit lists the args and caches of scripts that need others than pgstrata
// would infer: in the Dockerfile an ARG or ENV holds from its line on, and what a
// script in its old place runs is not read.
func (m *arranged) explicit() {
	var names []string
	for _, a := range m.out.args {
		names = append(names, a.name)
	}
	declared := len(names)
	names = append(names, slices.Sorted(maps.Keys(m.opt.Predefined))...)
	for _, e := range slices.Concat(m.scripts, m.cleanup) {
		program := m.load(e.path)
		if program == nil {
			continue
		}
		if plumbing := !slices.ContainsFunc(e.ops, func(o *op) bool { return o.made == "" && len(o.place)+len(o.fetched) == 0 }); plumbing {
			continue // PATH and the like make no difference to them
		}
		var inferred, sees []string
		for i, name := range names {
			seen := graph.Sees(program, name, i < declared)
			if seen {
				inferred = append(inferred, name)
			}
			if slices.Contains(e.sees, name) && (seen || e.mayRead(name)) { // else the line that ran it did
				sees = append(sees, name)
			}
		}
		if !slices.Equal(inferred, sees) {
			e.args = &sees
		}
		m.explicitCaches(e, program)
	}
}

// mayRead reports whether something that a script runs or sources, or a program of
// which is not known what it reads, may read a variable.
func (e *entry) mayRead(name string) bool {
	return slices.ContainsFunc(e.ops, func(o *op) bool {
		switch f := o.facts; {
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
func (m *arranged) explicitCaches(e *entry, program *shell.Program) {
	inferred := cache.ToolsOf(program)
	for _, o := range e.ops {
		if o.facts == nil || o.facts.Program == nil {
			continue
		}
		for _, name := range cache.ToolsOf(o.facts.Program) {
			if !slices.Contains(inferred, name) && !slices.Contains(e.caches, name) {
				e.caches = append(e.caches, name)
			}
		}
	}
}

// copyLines reports what became of the files that the Dockerfile copies.
func (m *classified) copyLines() {
	gone, unread := map[string]bool{}, map[int][]string{}
	defer func() {
		for line, files := range unread {
			m.report.went(line, Dropped, "no script reads %s", strings.TrimPrefix(list(slices.Compact(slices.Sorted(slices.Values(files)))), ": "))
		}
	}()
	for _, f := range m.copies {
		if m.generated[f.Source] != nil && f.By.Copy.Known && len(f.By.Copy.Texts) == 0 { // an earlier migration wrote it
			continue
		}
		switch f.class {
		case setupOnly:
			switch {
			case len(f.used) > 0 || m.drivers[f.Source]:
				m.report.went(f.By.Start, Carried, "files of setup scripts, which find them below /context")
			case f.replaced:
				m.report.went(f.By.Start, Dropped, "a later line copies another file over %s", f.Target)
			default:
				unread[f.By.Start] = append(unread[f.By.Start], f.Source)
			}
			if !f.removed && !f.replaced {
				gone[f.Target] = true
			}
		case inSetup:
			if f.replaced {
				m.report.went(f.By.Start, Carried, "setup.scripts")
			}
		}
	}
	if len(gone) > 0 {
		m.report.differ("setup scripts, and files that only they read, are not in the image", m.topDirs(slices.Sorted(maps.Keys(gone))), nil)
	}
	for _, step := range m.chain {
		if step.Copy == nil {
			continue
		}
		if len(step.Copy.Empty) > 0 {
			m.report.differ("empty folders of the context are not in the image", step.Copy.Empty, nil)
		}
		if l := m.report.line(step.Start); l != nil && l.Fate == "" {
			m.report.went(step.Start, Dropped, "it copies nothing that is left")
		}
	}
	m.ownedDirectories()
}

// topDirs names a directory in place of all of its files.
func (m *classified) topDirs(files []string) []string {
	var out []string
	kept := func(dir string) bool {
		return slices.ContainsFunc(m.copies, func(f *copied) bool { return paths.Within(f.Target, dir) && f.class != setupOnly })
	}
	for _, name := range files {
		if slices.ContainsFunc(out, func(o string) bool { return paths.Within(name, strings.TrimSuffix(o, "/")) }) {
			continue
		}
		at := name
		for dir := path.Dir(name); !paths.Everywhere(dir) && !kept(dir); dir = path.Dir(dir) {
			at = dir + "/"
		}
		out = append(out, at)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// ownedDirectories tells of directories above copied files, which a build file
// makes root's, with mode 0755.
func (m *classified) ownedDirectories() {
	for _, f := range m.copies {
		if f.class != atRuntime && f.class != inSetup || f.By.Copy.Chown == "" && f.By.Copy.Chmod == "" && !f.folded {
			continue
		}
		m.rootsFolders(f.Target, func(dir string) bool { return paths.Everywhere(dir) || m.out.user != nil && dir == m.out.user.home })
	}
	for _, step := range m.chain {
		if c := step.Copy; c != nil && c.Stage != nil && c.Dest != "" && c.Chown == "" && slices.ContainsFunc(c.Sources, func(source string) bool { return givenAway(c.Stage, source) }) {
			m.report.differ("a folder that a stage gave an owner keeps it", []string{path.Clean(c.Dest)}, nil)
		}
	}
}

// givenAway reports whether a stage's COPY with an owner makes a directory.
func givenAway(s *dockerfile.StageReading, dir string) bool {
	return slices.ContainsFunc(s.Steps, func(step *dockerfile.Step) bool {
		return step.Copy != nil && step.Copy.Chown != "" && paths.Within(path.Clean(step.Copy.Dest), path.Clean(dir))
	})
}

// rootsFolders tells that folders above a file are root's, whatever --chown says,
// but for those that are there anyway.
func (m *draft) rootsFolders(name string, there func(dir string) bool) {
	for dir := path.Dir(name); path.IsAbs(dir) && !there(dir); dir = path.Dir(dir) {
		m.report.differ("folders above copied files are root's, with mode 0755", []string{dir}, nil)
	}
}
