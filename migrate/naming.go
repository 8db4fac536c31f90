package migrate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// scriptsDir is where generated scripts go: a folder of their own, which no
// script of the Dockerfile goes through. The Dockerfile stays, and builds what it
// did.
func (m *contents) scriptsDir() string {
	const usual = "setup/generated"
	if slices.ContainsFunc(m.ops, func(o *op) bool { return m.goesThrough(o, usual) }) {
		return "generated"
	}
	return usual
}

// goesThrough reports whether an op may run or read whatever is in a directory
// of the context, which need not be there yet.
func (m *contents) goesThrough(o *op, dir string) bool {
	if o.facts == nil {
		return false
	}
	targets := m.targetsOf(path.Join(dir, "any.sh"), o)
	if len(targets) == 0 {
		return false
	}
	programs := []*shell.Program{o.facts.Program}
	if o.call != nil {
		programs = append(programs, o.call.driver)
	}
	return o.facts.Opaque != "" && o.script() || slices.ContainsFunc(targets, func(target string) bool {
		return o.facts.Trees.Cover(target) ||
			slices.ContainsFunc(programs, func(p *shell.Program) bool { return p != nil && matchesGlob(p, target) })
	})
}

// targetsOf are the places that a file of the context is copied to, were it
// there.
func (m *contents) targetsOf(source string, before *op) []string {
	var out []string
	for _, step := range m.chain {
		if step.Copy == nil || step.Copy.From != "" || step.Copy.Dest == "" || m.order[step] > m.order[before.step] {
			continue
		}
		for _, s := range step.Copy.Sources {
			s = paths.Inside(s)
			switch {
			case s == "":
				out = append(out, path.Join(step.Copy.Dest, source))
			case m.isDir(s) && paths.Within(source, s):
				out = append(out, path.Join(step.Copy.Dest, strings.TrimPrefix(source, s)))
			}
		}
	}
	return out
}

// matchesGlob reports whether a pattern of a program matches a path.
func matchesGlob(p *shell.Program, target string) bool {
	return slices.ContainsFunc(p.Closure(), func(s *shell.Script) bool {
		return slices.ContainsFunc(s.Paths, func(r shell.PathRef) bool {
			return r.Glob && glob.Path(r.Path, target)
		})
	})
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

// scriptNames are the names of all scripts; numbered says that generated ones begin
// with numbers.
type scriptNames struct {
	taken    map[string]bool
	numbered bool
}

// name gives the generated scripts their names: numbered where there are no
// others, else such as none of the others has.
func (m *counted) name(entries []*entry) scriptNames {
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
	return scriptNames{taken, numbered}
}

// nameOne gives a generated script a name that no other script has.
func (m *counted) nameOne(e *entry, dir, base string, taken map[string]bool) {
	name := base
	for n := 2; taken[name] || m.inTheWay(path.Join(dir, name+".sh"), e.generated); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	taken[name] = true
	e.path = path.Join(dir, name+".sh")
	e.generated.Path = e.path
	m.generated[e.path] = e.generated
}
