package migrate

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/shell"
)

// scriptsDir is where generated scripts go: in a folder of their own where a
// script goes through what is in the usual one.
func (m *migration) scriptsDir() string {
	for _, dir := range []string{"setup/scripts", "setup/generated"} {
		if !slices.ContainsFunc(m.ops, func(o *op) bool { return m.goesThrough(o, dir) }) {
			return dir
		}
	}
	return "generated"
}

// goesThrough reports whether an op may run or read whatever is in a directory
// of the context.
func (m *migration) goesThrough(o *op, dir string) bool {
	if o.gone || o.facts == nil {
		return false
	}
	loose := o.facts.Opaque != "" || o.call != nil && o.call.whole || len(o.facts.Trees) > 0
	if !loose && o.facts.Program != nil {
		return slices.ContainsFunc(m.copies, func(f *copied) bool {
			return dockerfile.Within(f.Source, dir) && matchesGlob(o.facts.Program, f.Target)
		})
	}
	if !loose {
		return false
	}
	for _, f := range o.reads() {
		if dockerfile.Within(f.Source, dir) {
			return true
		}
	}
	return slices.ContainsFunc(m.copies, func(f *copied) bool {
		return dockerfile.Within(f.Source, dir) && slices.ContainsFunc(o.facts.Trees, func(tree string) bool { return dockerfile.Within(f.Target, tree) })
	})
}

// matchesGlob reports whether a pattern of a program matches a path.
func matchesGlob(p *shell.Program, target string) bool {
	return slices.ContainsFunc(p.Closure(), func(s *shell.Script) bool {
		return slices.ContainsFunc(s.Paths, func(r shell.PathRef) bool {
			ok, err := path.Match(r.Path, target)
			return r.Glob && ok && err == nil
		})
	})
}

// title is what a generated script is called, without number and ending.
func (g *generator) title() string {
	for _, o := range g.ops {
		switch {
		case o.script():
			return slug(scriptName(o.call.source))
		case len(o.place) == 1 && !o.unpack:
			return slug("copy-" + scriptName(o.place[0].Source))
		case len(o.place) > 0 && !o.unpack:
			dir := path.Clean(o.step.Copy.Dest)
			if isSystem(dir) {
				dir = path.Dir(o.place[0].Target)
			}
			return slug("copy-" + path.Base(dir))
		case o.unpack:
			return slug("unpack-" + strings.SplitN(path.Base(o.place[0].Source), ".", 2)[0])
		}
	}
	var calls []*shell.Call
	for _, o := range g.ops {
		calls = append(calls, o.calls()...)
	}
	for _, dull := range [][]string{
		{"mkdir", "chmod", "chown", "chgrp", "rm", "echo", "printf", "cat", "sed", "ln", "cp", "mv", "touch", "install", "set", "cd", "export", "test", "[", "[[", "true"},
		{"set", "cd", "export", "echo", "test", "[", "[["},
		nil,
	} {
		for _, c := range calls {
			if c.Name != "" && !slices.Contains(dull, c.Name) {
				return called(c)
			}
		}
	}
	if slices.ContainsFunc(g.ops, func(o *op) bool { return o.made != "" }) {
		return "directories"
	}
	return "run"
}

// called names a script after a command.
func called(c *shell.Call) string {
	switch c.Name {
	case "apt-get", "apt":
		if name := operandsOf(c, 1); operandsOf(c, 0) == "install" && name != "" {
			return slug("install-" + name)
		}
		return "packages"
	case "mkdir", "install":
		return "directories"
	case "rm", "find":
		return "cleanup"
	case "chown", "chmod":
		return "permissions"
	case "useradd", "groupadd", "adduser", "addgroup":
		return "accounts"
	}
	return slug(c.Name)
}

// slug makes a name of a file out of any text.
func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	s = strings.Trim(s, "-")
	if s == "" {
		return "run"
	}
	return s
}

// name gives the generated scripts their names: numbered where there are no
// others, else such as none of the others has.
func (m *migration) name(entries []*entry) {
	scriptsDir := m.scriptsDir()
	numbered := !slices.ContainsFunc(entries, func(e *entry) bool { return e.generated == nil })
	taken := map[string]bool{}
	for _, e := range entries {
		if e.generated == nil {
			taken[scriptName(e.path)] = true
		}
	}
	for i, e := range entries {
		if e.generated == nil {
			continue
		}
		base := e.title
		if numbered {
			base = fmt.Sprintf("%02d-%s", i+1, e.title)
		}
		m.nameOne(e, scriptsDir, base, taken)
	}
	m.taken = taken
	m.numbered = numbered
}

// nameOne gives a generated script a name that no other script has.
func (m *migration) nameOne(e *entry, dir, base string, taken map[string]bool) {
	name := base
	for n := 2; taken[name] || m.inTheWay(path.Join(dir, name+".sh"), e.generated); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	taken[name] = true
	e.path = path.Join(dir, name+".sh")
	e.generated.Path = e.path
	m.generated[e.path] = e.generated
}

// inTheWay reports whether the context has another file of that name. One that
// an earlier migration has written is none.
func (m *migration) inTheWay(name string, f *File) bool {
	data, err := fs.ReadFile(m.opt.Dockerfile.Context, name)
	return err == nil && !bytes.Equal(data, f.Data) || m.generated[name] != nil
}
