package migrate

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// link notes that a script names a file of the context where the Dockerfile has
// it. A link leads from there to where setup scripts have it: the script needs
// no change.
func (m *counted) link(target, source string) {
	m.links[target] = source
}

// linkScripts are the scripts that create the links and take them away again.
func (m *counted) linkScripts() (first, last *entry) {
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
		create = append(create, "mkdir -p "+quoted(dir))
	}
	for _, target := range slices.Sorted(maps.Keys(links)) {
		create = append(create, "ln -s "+quoted(path.Join(graph.ContextMount, links[target]))+" "+quoted(target))
		remove = append(remove, "rm -f "+quoted(target))
	}
	dirs := slices.Sorted(maps.Keys(parents))
	slices.Reverse(dirs)
	for _, dir := range dirs {
		remove = append(remove, "rmdir "+quoted(dir)+" 2>/dev/null || true")
	}
	text := func(lines []string) *File { return &File{Data: []byte(strings.Join(lines, "\n") + "\n"), Mode: 0o755} }
	first = &entry{title: "old-paths", generated: text(create)}
	first.notes = []string{"Links, for scripts that name files where the Dockerfile had them."}
	last = &entry{title: "old-paths-removed", generated: text(remove)}
	return first, last
}

// joinedLinks are the links with directories in place of all of their files,
// where nothing is deleted in them.
func (m *counted) joinedLinks() map[string]string {
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
func (m *counted) deletesIn(dir string) bool {
	return slices.ContainsFunc(m.ops, func(o *op) bool {
		return !o.gone && o.facts != nil && slices.ContainsFunc(o.facts.Touched.Sorted(), func(t string) bool { return t != dir && paths.Within(t, dir) })
	})
}

// otherIn reports whether a directory also has files of another place.
func (m *counted) otherIn(dir, source string) bool {
	return slices.ContainsFunc(m.copies, func(f *copied) bool {
		return paths.Within(f.Target, dir) && (f.placed || f.Source != path.Join(source, strings.TrimPrefix(f.Target, dir)))
	})
}

// removals drops the commands that delete what the image does not have to begin
// with: setup scripts are mounted, not copied.
func (m *classified) removals() {
	for _, o := range m.ops {
		c := o.one()
		if o.gone || !o.command() || c == nil || c.Name != "rm" && c.Name != "rmdir" || len(c.Redirects) > 0 || len(o.when) > 0 {
			continue
		}
		unwanted := func(w shell.Word) bool { return m.onlyMounted(o, w) }
		var operands []string
		for _, w := range c.Args {
			if !strings.HasPrefix(w.Value, "-") {
				operands = append(operands, w.Value)
			}
		}
		switch text := reduced(o.text, c, unwanted); text {
		case o.text:
		case "":
			m.drop(o, "%s is not in the image to begin with: setup scripts and their files are mounted", strings.Join(operands, ", "))
		default:
			o.text = text
			m.went(o, Dropped, "setup scripts and their files are mounted, so the image does not have them to begin with")
		}
	}
}

// onlyMounted reports whether an operand stands for nothing but files that are
// not in the image.
func (m *classified) onlyMounted(o *op, w shell.Word) bool {
	name := w.Value
	if !path.IsAbs(name) {
		name = path.Join(o.dir, name)
	}
	name = path.Clean(name)
	found := false
	for _, f := range m.copies {
		if !glob.Covers(name, f.Target) || !m.follows(o, f) {
			continue
		}
		if f.class != setupOnly {
			return false
		}
		found = true
	}
	return found && (w.Glob || !paths.Shared(name)) && m.ownDir(name, o)
}
