package scripts

import (
	"fmt"
	"path"
	"slices"
)

// scriptNames are the names of all scripts; numbered says that generated ones begin
// with numbers.
type scriptNames struct {
	taken    map[string]bool
	numbered bool
}

// name gives the generated scripts their names: numbered where there are no
// others, else such as none of the others has.
func (m *Scripts) name(entries []*Entry) scriptNames {
	scriptsDir := m.ScriptsDir()
	numbered := !slices.ContainsFunc(entries, func(e *Entry) bool { return e.Generated == nil })
	taken := map[string]bool{}
	for _, e := range entries {
		if e.Generated == nil {
			taken[scriptName(e.Path)] = true
		}
	}
	for i, e := range entries {
		if e.Generated == nil {
			continue
		}
		base := e.Title
		if numbered {
			base = fmt.Sprintf("%02d-%s", i+1, e.Title)
		}
		m.nameOne(e, scriptsDir, base, taken)
	}
	return scriptNames{taken, numbered}
}

// nameOne gives a generated script a name that no other script has.
func (m *Scripts) nameOne(e *Entry, dir, base string, taken map[string]bool) {
	name := base
	for n := 2; taken[name] || m.InTheWay(path.Join(dir, name+".sh"), e.Generated); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	taken[name] = true
	e.Path = path.Join(dir, name+".sh")
	e.Generated.Path = e.Path
	m.Generated[e.Path] = e.Generated
}
