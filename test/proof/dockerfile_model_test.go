package proof

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// dockerfileModel is a tree with an ordinary Dockerfile: a driver script that
// runs others from one RUN, a stage that is copied from, and entrypoint files.
type dockerfileModel struct {
	salt    string
	base    int
	split   bool
	given   map[string]string // build arguments of the command line
	args    map[string]string // defaults
	words   string            // a variable of ENV
	label   string            // no step depends on it
	comment int               // lines at the Dockerfile's top
	exclude []string
	scripts []dockerfileScript
	tool    string // what the other stage makes
	files   map[string]file
}

// dockerfileScript is one setup script.
type dockerfileScript struct {
	name             string
	content, comment int
	mode             uint32
	reads            string // an arg, WORDS, or a file below setup/data
}

func newDockerfileModel(salt string) *dockerfileModel {
	m := &dockerfileModel{
		salt: salt, split: true, given: map[string]string{}, args: map[string]string{"ONE": "1", "TWO": "2"}, words: "some", tool: "tool",
		files: map[string]file{
			"setup/lib/log.sh":           {text: "log() { echo \"$*\"; }\n", mode: 0o644},
			"setup/data/a":               {text: "a\n", mode: 0o644},
			"setup/data/unread":          {text: "unread\n", mode: 0o644},
			"tools/notes":                {text: "notes\n", mode: 0o644},
			"entrypoint.d/entrypoint.sh": {text: "#!/bin/sh\n# " + salt + "\nexec \"$@\"\n", mode: 0o755},
			"entrypoint.d/run/start.sh":  {text: "#!/bin/sh\n# " + salt + "\n", mode: 0o755},
			"README.md":                  {text: "readme\n", mode: 0o644},
		},
	}
	for i := range 8 {
		m.scripts = append(m.scripts, dockerfileScript{name: fmt.Sprintf("%02d-step.sh", 10*i), mode: 0o755})
	}
	m.scripts[3].reads, m.scripts[4].reads, m.scripts[5].reads = "TWO", "WORDS", "setup/data/a"
	return m
}

func (m *dockerfileModel) clone() *dockerfileModel {
	out := *m
	out.given, out.args, out.files = maps.Clone(m.given), maps.Clone(m.args), maps.Clone(m.files)
	out.scripts, out.exclude = slices.Clone(m.scripts), slices.Clone(m.exclude)
	return &out
}

// value is what a script reads.
func (m *dockerfileModel) value(reads string) string {
	if v, ok := m.given[reads]; ok {
		return v
	}
	if v, ok := m.args[reads]; ok {
		return v
	}
	if reads == "WORDS" {
		return m.words
	}
	return strings.TrimSpace(m.files[reads].text)
}

// runs are the scripts that the driver runs.
func (m *dockerfileModel) runs() []dockerfileScript {
	return slices.DeleteFunc(slices.Clone(m.scripts), func(s dockerfileScript) bool { return s.mode&0o111 == 0 })
}

// unspoken are the values of args that no script reads: every step has them.
func (m *dockerfileModel) unspoken() []string {
	var out []string
	for _, name := range []string{"ONE", "TWO"} {
		if !slices.ContainsFunc(m.runs(), func(s dockerfileScript) bool { return s.reads == name }) {
			out = append(out, m.value(name))
		}
	}
	return out
}

// makes is the line that a script adds to /steps.
func (m *dockerfileModel) makes(s dockerfileScript) string {
	out := fmt.Sprintf("%s %s %d", m.salt, s.name, s.content)
	if s.reads != "" {
		out += " " + m.value(s.reads)
	}
	return out + "\n"
}

func (m *dockerfileModel) text(s dockerfileScript) string {
	word := ""
	switch {
	case strings.HasPrefix(s.reads, "setup/"):
		word = " $(cat /" + s.reads + ")"
	case s.reads != "":
		word = " $" + s.reads
	}
	return fmt.Sprintf("#!/bin/sh\n# %d\nset -eu\n. /setup/lib/log.sh\nlog %s\nmkdir -p /work\necho \"%s %s %d%s\" >>/steps\n", s.comment, s.name, m.salt, s.name, s.content, word)
}

func (m *dockerfileModel) tree(base string) map[string]file {
	out := maps.Clone(m.files)
	out["Dockerfile"] = file{mode: 0o644, text: strings.Repeat("# a comment\n", m.comment) + `FROM ` + base + ` AS tools
COPY tools /tools
RUN sh /tools/build.sh
FROM ` + base + `
ARG ONE=` + m.args["ONE"] + `
ARG TWO=` + m.args["TWO"] + `
ENV WORDS=` + m.words + `
LABEL label=` + m.label + `
COPY --from=tools /out/tool /tool
COPY setup /setup
RUN /setup/setup.sh
COPY entrypoint.d /opt/container/entrypoint.d
COPY --chmod=0755 entrypoint.d/entrypoint.sh /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
`}
	out[".dockerignore"] = file{text: strings.Join(m.exclude, "\n") + "\n", mode: 0o644}
	out["tools/build.sh"] = file{mode: 0o755, text: "#!/bin/sh\nset -eu\nmkdir /out\necho '" + m.salt + " " + m.tool + "' >/out/tool\n"}
	out["setup/setup.sh"] = file{mode: 0o755, text: `#!/bin/sh
set -eu
for script in /setup/scripts/*.sh; do
  [ -x "$script" ] || continue
  echo "running $script"
  sh "$script"
done
`}
	for _, s := range m.scripts {
		out["setup/scripts/"+s.name] = file{text: m.text(s), mode: s.mode}
	}
	out["setup/scripts/99-cleanup.sh"] = file{text: "#!/bin/sh\nset -eu\nrm -rf /work\n", mode: 0o755}
	return out
}

// options are the frontend's.
func (m *dockerfileModel) options() map[string]string {
	out := map[string]string{}
	for name, value := range m.given {
		out["build-arg:"+name] = value
	}
	if !m.split {
		out["build-arg:PGSTRATA_SPLIT"] = "off"
	}
	return out
}

// below are a folder's files as a COPY sees them.
func (m *dockerfileModel) below(tree map[string]file, dir string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		if strings.HasPrefix(name, dir+"/") && !slices.Contains(m.exclude, name) {
			out = append(out, fmt.Sprintf("%s %o %q", name, tree[name].mode, tree[name].text))
		}
	}
	return strings.Join(out, "\n")
}

// truth are the keys that steps have by what they are made from, by the titles
// of steps: one runs if nothing of its key was built before, and only then.
func (m *dockerfileModel) truth() map[string]string {
	tree := m.tree("")
	out := map[string]string{}
	var last string
	step := func(title string, of ...any) {
		sum := sha256.Sum256(fmt.Append(nil, append([]any{title, last}, of...)...))
		last = fmt.Sprintf("%x", sum)
		out[title] = last
	}
	base := fmt.Sprint("base ", m.base)
	one := func(name string) string { return fmt.Sprintf("%o %q", tree[name].mode, tree[name].text) }

	last = base
	step("COPY tools /tools", m.below(tree, "tools"))
	step("build.sh") // no driver: it sees all
	last = base
	step("COPY /out/tool /tool", m.tool)
	if !m.split {
		step("COPY setup /setup", m.below(tree, "setup"))
		step("setup.sh", m.words, m.value("ONE"), m.value("TWO"))
	} else {
		lower, steps := last, ""
		step("settings", m.words, m.unspoken())
		for _, s := range m.runs() {
			of := []any{one("setup/scripts/" + s.name), one("setup/lib/log.sh")}
			if s.reads != "" {
				of = append(of, m.value(s.reads), one(s.reads))
			}
			step(s.name, of...)
			steps += m.makes(s)
		}
		step("99-cleanup.sh", one("setup/scripts/99-cleanup.sh"))
		delete(out, "settings")
		last = ""
		step("squash", base, m.tool, steps)
		last += lower
		step("COPY setup /setup", m.below(tree, "setup"))
	}
	step("COPY entrypoint.d /opt/container/entrypoint.d", m.below(tree, "entrypoint.d"))
	step("COPY entrypoint.d/entrypoint.sh /entrypoint.sh", one("entrypoint.d/entrypoint.sh"))
	return out
}

// expected are files of the image.
func (m *dockerfileModel) expected() map[string]string {
	out := map[string]string{"/tool": m.salt + " " + m.tool + "\n", "/entrypoint.sh": m.files["entrypoint.d/entrypoint.sh"].text}
	for _, s := range m.runs() {
		out["/steps"] += m.makes(s)
	}
	for name, f := range m.files {
		switch {
		case slices.Contains(m.exclude, name):
		case strings.HasPrefix(name, "entrypoint.d/"):
			out["/opt/container/"+name] = f.text
		case strings.HasPrefix(name, "setup/"):
			out["/"+name] = f.text
		}
	}
	return out
}

// dockerfileChanges are edits of the model, by what they are.
func dockerfileChanges() map[string]func(m *dockerfileModel, r *rand.Rand) {
	script := func(edit func(s *dockerfileScript, r *rand.Rand)) func(m *dockerfileModel, r *rand.Rand) {
		return func(m *dockerfileModel, r *rand.Rand) { edit(&m.scripts[r.IntN(len(m.scripts))], r) }
	}
	edit := func(names ...string) func(m *dockerfileModel, r *rand.Rand) {
		return func(m *dockerfileModel, r *rand.Rand) {
			name := pick(r, names)
			f := m.files[name]
			f.text += fmt.Sprintf("# %d\n", r.IntN(1000))
			m.files[name] = f
		}
	}
	return map[string]func(m *dockerfileModel, r *rand.Rand){
		"script content": script(func(s *dockerfileScript, r *rand.Rand) { s.content = r.IntN(1000) }),
		"script comment": script(func(s *dockerfileScript, r *rand.Rand) { s.comment = r.IntN(1000) }),
		"script mode":    script(func(s *dockerfileScript, r *rand.Rand) { s.mode = pick(r, []uint32{0o755, 0o700, 0o744}) }),
		"script off":     script(func(s *dockerfileScript, _ *rand.Rand) { s.mode ^= 0o111 }),
		"script reads": script(func(s *dockerfileScript, r *rand.Rand) {
			s.reads = pick(r, []string{"", "ONE", "TWO", "WORDS", "setup/data/a"})
		}),
		"script new": func(m *dockerfileModel, r *rand.Rand) {
			name := fmt.Sprintf("%02d-new.sh", 10*r.IntN(8)+1+r.IntN(8))
			if !slices.ContainsFunc(m.scripts, func(s dockerfileScript) bool { return s.name[:2] == name[:2] }) {
				m.scripts = append(m.scripts, dockerfileScript{name: name, mode: 0o755})
				slices.SortFunc(m.scripts, func(a, b dockerfileScript) int { return strings.Compare(a.name, b.name) })
			}
		},
		"script gone": func(m *dockerfileModel, r *rand.Rand) {
			if len(m.scripts) > 4 {
				i := r.IntN(len(m.scripts))
				m.scripts = slices.Delete(m.scripts, i, i+1)
			}
		},
		"helper":     edit("setup/lib/log.sh"),
		"data":       edit("setup/data/a"),
		"unread":     edit("setup/data/unread", "README.md", "tools/notes"),
		"entrypoint": edit("entrypoint.d/entrypoint.sh", "entrypoint.d/run/start.sh"),
		"entrypoint+": func(m *dockerfileModel, r *rand.Rand) {
			m.files[fmt.Sprintf("entrypoint.d/run/more%d", r.IntN(3))] = file{text: fmt.Sprint(r.IntN(1000)), mode: pick(r, []uint32{0o644, 0o755})}
		},
		"entrypoint mode": func(m *dockerfileModel, r *rand.Rand) {
			f := m.files["entrypoint.d/run/start.sh"]
			f.mode = pick(r, []uint32{0o755, 0o700, 0o644})
			m.files["entrypoint.d/run/start.sh"] = f
		},
		"arg default": func(m *dockerfileModel, r *rand.Rand) {
			m.args[pick(r, []string{"ONE", "TWO"})] = fmt.Sprint(r.IntN(5))
		},
		"arg given": func(m *dockerfileModel, r *rand.Rand) {
			m.given = map[string]string{pick(r, []string{"ONE", "TWO"}): fmt.Sprint(r.IntN(5))}
		},
		"env":     func(m *dockerfileModel, r *rand.Rand) { m.words = fmt.Sprint("words", r.IntN(5)) },
		"label":   func(m *dockerfileModel, r *rand.Rand) { m.label = fmt.Sprint(r.IntN(1000)) },
		"comment": func(m *dockerfileModel, r *rand.Rand) { m.comment = r.IntN(5) },
		"tool":    func(m *dockerfileModel, r *rand.Rand) { m.tool = fmt.Sprint("tool", r.IntN(5)) },
		"base":    func(m *dockerfileModel, r *rand.Rand) { m.base = r.IntN(2) },
		"ignore": func(m *dockerfileModel, r *rand.Rand) {
			m.exclude = toggle(m.exclude, pick(r, []string{"setup/data/unread", "tools/notes", "entrypoint.d/run/more1"}))
		},
		"split":      func(m *dockerfileModel, _ *rand.Rand) { m.split = !m.split },
		"only times": func(*dockerfileModel, *rand.Rand) {}, // each build writes all files again
	}
}
