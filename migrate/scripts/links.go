package scripts

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/paths"
)

// link notes that a script names a file of the context where the Dockerfile has
// it. A link leads from there to where setup scripts have it: the script needs
// no change.
func (m *Scripts) link(target, source string) {
	m.links[target] = source
}

// linkScripts are the scripts that create the links and take them away again.
func (m *Scripts) linkScripts() (first, last *Entry) {
	if len(m.links) == 0 {
		return nil, nil
	}
	links := m.joinedLinks()
	create := []string{
		"#!/bin/sh",
		"# Setup scripts name these files where the Dockerfile had them. pgstrata has them",
		"# below " + graph.ContextMount + ", so links lead there while setup runs.",
		"set -e",
	}
	remove := []string{"#!/bin/sh", "# Takes away the links of the first setup script.", "set -e"}
	parents := map[string]bool{}
	for _, target := range slices.Sorted(maps.Keys(links)) {
		for dir := path.Dir(target); !paths.Shared(dir); dir = path.Dir(dir) {
			parents[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(parents)) {
		create = append(create, "mkdir -p "+notation.Quoted(dir))
	}
	for _, target := range slices.Sorted(maps.Keys(links)) {
		create = append(create, "ln -s "+notation.Quoted(path.Join(graph.ContextMount, links[target]))+" "+notation.Quoted(target))
		remove = append(remove, "rm -f "+notation.Quoted(target))
	}
	dirs := slices.Sorted(maps.Keys(parents))
	slices.Reverse(dirs)
	for _, dir := range dirs {
		remove = append(remove, "rmdir "+notation.Quoted(dir)+" 2>/dev/null || true")
	}
	text := func(lines []string) *buildfile.File {
		return &buildfile.File{Data: []byte(strings.Join(lines, "\n") + "\n"), Mode: 0o755}
	}
	first = &Entry{Title: "old-paths", Generated: text(create)}
	first.Notes = []string{"Links, for scripts that name files where the Dockerfile had them."}
	last = &Entry{Title: "old-paths-removed", Generated: text(remove)}
	return first, last
}

// joinedLinks are the links with directories in place of all of their files,
// where nothing is deleted in them.
func (m *Scripts) joinedLinks() map[string]string {
	out := map[string]string{}
	for _, target := range slices.Sorted(maps.Keys(m.links)) {
		dir, source := path.Dir(target), path.Dir(m.links[target])
		if paths.Shared(dir) || source == "." || path.Base(target) != path.Base(m.links[target]) || m.deletesIn(dir) || m.otherIn(dir, source) {
			out[target] = m.links[target]
			continue
		}
		out[dir] = source
	}
	for _, target := range slices.Sorted(maps.Keys(out)) { // a link in a linked directory
		for dir := path.Dir(target); dir != "/"; dir = path.Dir(dir) {
			if _, ok := out[dir]; ok {
				delete(out, target)
			}
		}
	}
	return out
}

// deletesIn reports whether an op deletes or changes something in a directory.
func (m *Scripts) deletesIn(dir string) bool {
	return slices.ContainsFunc(m.Ops, func(o *commands.Op) bool {
		return !o.Gone && o.Facts != nil && slices.ContainsFunc(o.Facts.Touched.Sorted(), func(t string) bool { return t != dir && paths.Within(t, dir) })
	})
}

// otherIn reports whether a directory also has files of another place.
func (m *Scripts) otherIn(dir, source string) bool {
	return slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool {
		return paths.Within(f.Target, dir) && (f.Placed || f.Source != path.Join(source, strings.TrimPrefix(f.Target, dir)))
	})
}
