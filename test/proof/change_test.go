package proof

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// change edits a model, as a seed decides; it says what it did, or "" where
// there was nothing to do it to.
type change func(m *model, r *rand.Rand) string

// changes are all kinds of them, by name. Some are there twice as often as
// others, by a second name.
func changes() map[string]change {
	return map[string]change{
		"script content":   func(m *model, r *rand.Rand) string { s := m.any(r); s.content = r.IntN(1000); return s.name },
		"script content 2": func(m *model, r *rand.Rand) string { s := m.any(r); s.content++; return s.name },
		"script comment":   func(m *model, r *rand.Rand) string { s := m.any(r); s.comment = r.IntN(1000); return s.name },
		"script mode": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.mode = pick(r, []uint32{0o755, 0o700, 0o600, 0o644})
			return s.name
		},
		"script umask": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.umask = pick(r, []string{"", "022", "027", "077"})
			return s.name + " " + s.umask
		},
		"script rename": renameScript,
		"script delete": deleteScript,
		"script add":    addScript,
		"script order":  orderScripts,
		"isolated":      toggleIsolated,
		"needs":         toggleNeed,
		"helper sourced": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.helper = !s.helper
			return s.name
		},
		"helper content": func(m *model, r *rand.Rand) string {
			m.files[helperFile] = file{text: fmt.Sprintf("#!/bin/sh\nhelp() { echo help %d; }\n", r.IntN(1000)), mode: m.files[helperFile].mode}
			return helperFile
		},
		"directory input": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.dir = !s.dir
			return s.name
		},
		"whole folder": func(m *model, r *rand.Rand) string { // its own script is in it
			s := m.any(r)
			s.whole = !s.whole
			return s.name
		},
		"folder by a link": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.linked = !s.linked
			return s.name
		},
		"input": func(m *model, r *rand.Rand) string {
			s, in := m.any(r), pick(r, []string{"setup/patches/a.patch", "setup/patches/b.patch"})
			s.inputs = toggle(s.inputs, in)
			return s.name + " " + in
		},
		"file content":   changeFile,
		"file content 2": changeFile,
		"file mode":      changeMode,
		"file add":       addFile,
		"file delete":    deleteFile,
		"file rename":    renameFile,
		"arg default": func(m *model, r *rand.Rand) string {
			name := pick(r, slices.Sorted(maps.Keys(m.args)))
			m.args[name] = fmt.Sprint(r.IntN(5))
			return name
		},
		"arg given": func(m *model, r *rand.Rand) string {
			name := pick(r, slices.Sorted(maps.Keys(m.args)))
			if _, ok := m.given[name]; ok {
				delete(m.given, name)
			} else {
				m.given[name] = fmt.Sprint(r.IntN(5))
			}
			return name
		},
		"arg new": func(m *model, r *rand.Rand) string {
			m.args["THREE"] = fmt.Sprint(r.IntN(5))
			if r.IntN(2) == 0 {
				s := m.any(r)
				s.args = toggle(s.args, "THREE")
			}
			return "THREE"
		},
		"env of image": func(m *model, r *rand.Rand) string {
			m.env["LANG"] = pick(r, []string{"C", "C.UTF-8", "${ONE}"})
			return "LANG"
		},
		"runtime package": func(m *model, r *rand.Rand) string {
			p := pick(r, []string{"locales", "less", "curl=7"})
			m.runtime = toggle(m.runtime, p)
			return p
		},
		"build package": func(m *model, r *rand.Rand) string {
			p := pick(r, []string{"gcc", "make"})
			m.build = toggle(m.build, p)
			return p
		},
		"image package": func(m *model, r *rand.Rand) string {
			p := pick(r, []string{"less", "jit", `"!mail"`})
			m.image = toggle(m.image, p)
			return p
		},
		"build package of a script": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.build = pick(r, []string{"", "[]", "[gcc]", "[rustc, make]", "[make, rustc]"})
			return s.name + " " + s.build
		},
		"output placed": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.placed = pick(r, []string{"", "0644", "0600"})
			return s.name + " " + s.placed
		},
		"groups": func(m *model, r *rand.Rand) string {
			m.groups = pick(r, []string{"", "root", "readers:1500", `mail, "other:1501"`})
			return m.groups
		},
		"base":   func(m *model, r *rand.Rand) string { m.base = r.IntN(3); return fmt.Sprint(m.base) },
		"pinned": func(m *model, _ *rand.Rand) string { m.pinned = !m.pinned; return fmt.Sprint(m.pinned) },
		"user": func(m *model, r *rand.Rand) string {
			m.user = pick(r, []string{"postgres", "other", ""})
			return m.user
		},
		"cleanup":         func(m *model, _ *rand.Rand) string { m.cleanup = !m.cleanup; return fmt.Sprint(m.cleanup) },
		"scratch":         func(m *model, _ *rand.Rand) string { m.scratch = toggle(m.scratch, "/scratch"); return "/scratch" },
		"cache prefix":    func(m *model, r *rand.Rand) string { m.prefix = pick(r, []string{"", "team-"}); return m.prefix },
		"cache namespace": func(m *model, r *rand.Rand) string { m.space = pick(r, []string{"", "one", "two"}); return m.space },
		"cache": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.cache = pick(r, []string{"", "pip", "apt", "ccache", "/var/cache/own"})
			return s.name + " " + s.cache
		},
		"network": func(m *model, r *rand.Rand) string {
			s := m.any(r)
			s.network = pick(r, []string{"", "none"})
			return s.name + " " + s.network
		},
		"hosts": func(m *model, r *rand.Rand) string {
			m.hosts = pick(r, []string{"", "a=1.2.3.4", "a=1.2.3.5"})
			return m.hosts
		},
		"epoch":      func(m *model, r *rand.Rand) string { m.epoch = pick(r, []string{"", "", "1000000000"}); return m.epoch },
		"watch":      func(m *model, r *rand.Rand) string { m.watch = pick(r, []string{"", "ONE", "TWO"}); return m.watch },
		"config":     changeConfig,
		"ignore":     toggleIgnored,
		"only times": func(*model, *rand.Rand) string { return "of all files" }, // each build writes all files again
		"unrelated": func(m *model, r *rand.Rand) string {
			name := pick(r, []string{"README.md", "docs/notes.txt", "setup/notes.txt", "config/notes.bak", "entrypoint.d/old.bak"})
			m.files[name] = file{text: fmt.Sprint(r.IntN(1000)), mode: 0o644}
			return name
		},
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// toggle adds a word to a list, or takes it out.
func toggle(list []string, word string) []string {
	if slices.Contains(list, word) {
		return slices.DeleteFunc(slices.Clone(list), func(w string) bool { return w == word })
	}
	return append(slices.Clone(list), word)
}

func (m *model) any(r *rand.Rand) *script { return pick(r, m.scripts) }

func renameScript(m *model, r *rand.Rand) string {
	s := m.any(r)
	old, name := s.name, fmt.Sprintf("%02d-renamed%d", 10+r.IntN(80), r.IntN(10))
	if m.script(name) != nil {
		return ""
	}
	s.name = name
	for _, other := range m.scripts {
		for i := range other.needs {
			if other.needs[i] == old {
				other.needs[i] = name
			}
		}
	}
	return old + " to " + name
}

func deleteScript(m *model, r *rand.Rand) string {
	if len(m.scripts) < 3 {
		return ""
	}
	s := m.any(r)
	m.scripts = slices.DeleteFunc(m.scripts, func(o *script) bool { return o == s })
	for _, other := range m.scripts {
		other.needs = slices.DeleteFunc(other.needs, func(n string) bool { return n == s.name })
	}
	return s.name
}

func addScript(m *model, r *rand.Rand) string {
	if len(m.scripts) > 5 {
		return ""
	}
	s := &script{name: fmt.Sprintf("%02d-new%d", 10+r.IntN(80), r.IntN(1000)), mode: 0o755, isolated: r.IntN(2) == 0}
	if m.script(s.name) != nil {
		return ""
	}
	m.scripts = slices.Insert(m.scripts, r.IntN(len(m.scripts)+1), s)
	return s.name
}

func orderScripts(m *model, r *rand.Rand) string {
	i := r.IntN(len(m.scripts) - 1)
	m.scripts[i], m.scripts[i+1] = m.scripts[i+1], m.scripts[i]
	return m.scripts[i].name + " before " + m.scripts[i+1].name
}

// toggleIsolated makes a script isolated or takes that back, where nobody
// needs it: a script of the chain that is needed is another matter.
func toggleIsolated(m *model, r *rand.Rand) string {
	s := m.any(r)
	if slices.ContainsFunc(m.scripts, func(o *script) bool { return slices.Contains(o.needs, s.name) }) {
		return ""
	}
	s.isolated = !s.isolated
	return fmt.Sprint(s.name, " ", s.isolated)
}

func toggleNeed(m *model, r *rand.Rand) string {
	s, on := m.any(r), m.any(r)
	if s == on || !on.isolated || m.reaches(on, s) {
		return ""
	}
	s.needs = toggle(s.needs, on.name)
	return s.name + " " + on.name
}

// reaches tells whether a script needs another, by whatever way.
func (m *model) reaches(from, to *script) bool {
	return from == to || slices.ContainsFunc(m.before(from), func(s *script) bool { return m.reaches(s, to) })
}

// plain lists the files of the context that have a text, sorted.
func (m *model) plain(prefixes ...string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		f := m.files[name]
		in := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		if (in || len(prefixes) == 0) && f.link == "" && !f.dir && name != helperFile {
			out = append(out, name)
		}
	}
	return out
}

func changeFile(m *model, r *rand.Rand) string {
	name := pick(r, m.plain())
	f := m.files[name]
	f.text = fmt.Sprintf("#!/bin/sh\n# %s %d\n", m.salt, r.IntN(1000))
	m.files[name] = f
	return name
}

// changeMode leaves the directories in an input alone: of one that it has from
// an earlier build the daemon does not notice a changed mode (see docs/plan.md).
func changeMode(m *model, r *rand.Rand) string {
	name := pick(r, append(m.plain(), helperFile, dataDir))
	f := m.files[name]
	f.mode = pick(r, []uint32{0o644, 0o755, 0o600, 0o750})
	if f.dir {
		f.mode |= 0o700
	}
	m.files[name] = f
	return fmt.Sprintf("%s %o", name, f.mode)
}

func addFile(m *model, r *rand.Rand) string {
	dir := pick(r, []string{dataDir, dataDir + "/deep", dataDir + "/other", "entrypoint.d/scripts/utils", "entrypoint.d/scripts/runtime", "entrypoint.d/more", "setup/patches"})
	if strings.HasPrefix(dir, "setup/data/other") {
		m.files[dir] = file{dir: true, mode: 0o755}
	}
	name := fmt.Sprintf("%s/file%d", dir, r.IntN(5))
	m.files[name] = file{text: fmt.Sprintf("#!/bin/sh\n# %s %d\n", m.salt, r.IntN(1000)), mode: pick(r, []uint32{0o644, 0o755})}
	return name
}

// movable are the files that nothing names.
func (m *model) movable() []string {
	return slices.DeleteFunc(m.plain("entrypoint.d/scripts/", "entrypoint.d/more/", dataDir+"/"), func(name string) bool {
		return name == dataDir+"/deep/one" // a link leads to it
	})
}

func deleteFile(m *model, r *rand.Rand) string {
	list := m.movable()
	if len(list) == 0 {
		return ""
	}
	name := pick(r, list)
	delete(m.files, name)
	return name
}

func renameFile(m *model, r *rand.Rand) string {
	list := m.movable()
	if len(list) == 0 {
		return ""
	}
	name := pick(r, list)
	to := path.Join(path.Dir(name), fmt.Sprintf("renamed%d", r.IntN(5)))
	m.files[to] = m.files[name]
	if to != name {
		delete(m.files, name)
	}
	return name + " to " + to
}

func changeConfig(m *model, r *rand.Rand) string {
	c := &m.configs[r.IntN(len(m.configs))]
	switch r.IntN(4) {
	case 0:
		c.mode = pick(r, []string{"", "0600", "0640", "0644"})
	case 1:
		c.owner = pick(r, []string{"", "0:0", "5:6"})
	case 2:
		c.target = fmt.Sprintf("/etc/%s/%d.conf", path.Base(c.source), r.IntN(3))
	case 3: // the same file by another name
		old := c.source
		c.source = fmt.Sprintf("config/%s/%d.conf", strings.TrimSuffix(path.Base(c.target), ".conf"), r.IntN(3))
		if slices.ContainsFunc(m.configs, func(o config) bool { return o.source == old }) {
			m.files[c.source] = m.files[old]
			break
		}
		m.files[c.source] = m.files[old]
		delete(m.files, old)
	}
	return fmt.Sprint(*c)
}

func toggleIgnored(m *model, r *rand.Rand) string {
	list := m.movable()
	if len(list) == 0 {
		return ""
	}
	name := pick(r, list)
	m.excludes = toggle(m.excludes, name)
	return name
}
