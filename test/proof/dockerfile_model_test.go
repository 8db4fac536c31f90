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
	named   bool   // the base is a named context
	umask   string // the driver sets it, "" for none
	bust    string // an arg that nobody mentions, "" for none
	mount   string // of the RUN: bind, cache, tmpfs, or "" for none
	chmod   string // the flag of a COPY
	runMode string // what a chmod below a COPY says
}

// dockerfileScript is one setup script.
type dockerfileScript struct {
	name             string
	content, comment int
	mode             uint32
	umask            string
	reads            string // an arg, WORDS, or a file
}

func newDockerfileModel(salt string) *dockerfileModel {
	m := &dockerfileModel{
		salt: salt, split: true, given: map[string]string{}, args: map[string]string{"ONE": "1", "TWO": "2"}, words: "some", tool: "tool", chmod: "0755", runMode: "0755",
		files: map[string]file{
			"setup/lib/log.sh":           {text: "log() { echo \"$*\"; }\n", mode: 0o644},
			"setup/data/a":               {text: "a\n", mode: 0o644},
			"setup/data/unread":          {text: "unread\n", mode: 0o644},
			"tools/notes":                {text: "notes\n", mode: 0o644},
			"entrypoint.d/entrypoint.sh": {text: "#!/bin/sh\n# " + salt + "\nexec \"$@\"\n", mode: 0o755},
			"entrypoint.d/run/start.sh":  {text: "#!/bin/sh\n# " + salt + "\n", mode: 0o755},
			"README.md":                  {text: "readme\n", mode: 0o644},
			"stamp":                      {text: salt + "\n", mode: 0o644},
			"mounted/m":                  {text: salt + "\n", mode: 0o644},
			"run.sh":                     {text: "#!/bin/sh\n# " + salt + "\n", mode: 0o644},
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

// whole tells whether the RUN stays one step.
func (m *dockerfileModel) whole() bool { return !m.split || m.umask != "" || m.mount == "tmpfs" }

// read is what a script reads, "" where that is not there.
func (m *dockerfileModel) read(s dockerfileScript) string {
	if strings.HasPrefix(s.reads, "mounted/") && m.mount != "bind" {
		return ""
	}
	return s.reads
}

// masked is the mode of a file that a script makes.
func (m *dockerfileModel) masked(s dockerfileScript) string {
	umask := s.umask
	if umask == "" {
		umask = m.umask
	}
	return maskedBy(umask)
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
	if reads := m.read(s); reads != "" {
		out += " " + m.value(reads)
	}
	return out + "\n"
}

func (m *dockerfileModel) text(s dockerfileScript) string {
	word, umask := "", ""
	switch reads := m.read(s); {
	case m.files[reads].text != "":
		word = " $(cat /" + reads + ")"
	case reads != "":
		word = " $" + reads
	}
	if s.umask != "" {
		umask = "umask " + s.umask + "\n"
	}
	return fmt.Sprintf("#!/bin/sh\n# %d\nset -eu\n. /setup/lib/log.sh\nlog %s\nmkdir -p /work\n%secho >/made-%[2]s\necho \"%[4]s %[2]s %[5]d%[6]s\" >>/steps\n", s.comment, s.name, umask, m.salt, s.content, word)
}

func (m *dockerfileModel) tree(base string) map[string]file {
	out := maps.Clone(m.files)
	if m.named {
		base = namedBase
	}
	bust, flags, umask := "", "", ""
	if m.umask != "" {
		umask = "umask " + m.umask + "\n"
	}
	if m.bust != "" {
		bust = "ARG BUST=" + m.bust + "\n"
	}
	switch m.mount {
	case "bind":
		flags = "--mount=type=bind,source=mounted,target=/mounted "
	case "cache":
		flags = "--mount=type=cache,target=/var/cache/apt/archives "
	case "tmpfs":
		flags = "--mount=type=tmpfs,target=/scratch "
	}
	out["Dockerfile"] = file{mode: 0o644, text: strings.Repeat("# a comment\n", m.comment) + `FROM ` + base + ` AS tools
COPY tools /tools
RUN sh /tools/build.sh
FROM ` + base + `
ARG ONE=` + m.args["ONE"] + `
ARG TWO=` + m.args["TWO"] + `
ENV WORDS=` + m.words + `
LABEL label=` + m.label + `
COPY --from=tools /out/tool /tool
COPY stamp /stamp
COPY setup /setup
` + bust + `RUN ` + flags + `/setup/setup.sh
COPY entrypoint.d /opt/container/entrypoint.d
COPY --chmod=` + m.chmod + ` entrypoint.d/entrypoint.sh /entrypoint.sh
COPY run.sh /run.sh
RUN chmod ` + m.runMode + ` /run.sh
ENTRYPOINT ["/entrypoint.sh"]
`}
	out[".dockerignore"] = file{text: strings.Join(m.exclude, "\n") + "\n", mode: 0o644}
	out["tools/build.sh"] = file{mode: 0o755, text: "#!/bin/sh\nset -eu\nmkdir /out\necho '" + m.salt + " " + m.tool + "' >/out/tool\n"}
	out["setup/setup.sh"] = file{mode: 0o755, text: `#!/bin/sh
set -eu
` + umask + `for script in /setup/scripts/*.sh; do
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

// namedBase is the name of a context that is the base.
const namedBase = "company/base:1"

// options are the frontend's, with the base as a context.
func (m *dockerfileModel) options(base string) map[string]string {
	out := map[string]string{}
	if m.named {
		out["context:"+namedBase] = "docker-image:" + base
	}
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
	stamp := func() { step("COPY stamp /stamp", one("stamp")) }
	mounted := m.mount
	if m.whole() {
		stamp()
		step("COPY setup /setup", m.below(tree, "setup"))
		if m.mount == "bind" {
			mounted += m.below(tree, "mounted")
		}
		step("setup.sh", m.words, m.value("ONE"), m.value("TWO"), m.bust, mounted)
	} else {
		if m.mount == "bind" {
			mounted = "" // each gets the file that it reads
		}
		lower, steps := last, ""
		step("settings", m.words, m.unspoken(), m.bust, mounted)
		for _, s := range m.runs() {
			of := []any{one("setup/scripts/" + s.name), one("setup/lib/log.sh")}
			if reads := m.read(s); reads != "" {
				of = append(of, m.value(reads), one(reads))
			}
			step(s.name, of...)
			steps += m.makes(s) + m.masked(s)
		}
		step("99-cleanup.sh", one("setup/scripts/99-cleanup.sh"))
		delete(out, "settings")
		last = lower
		step("setup's layer", steps)
		stamp()
		step("COPY setup /setup", m.below(tree, "setup"))
	}
	step("COPY entrypoint.d /opt/container/entrypoint.d", m.below(tree, "entrypoint.d"))
	step("COPY entrypoint.d/entrypoint.sh /entrypoint.sh", m.chmod, one("entrypoint.d/entrypoint.sh"))
	if m.split { // the chmod is a flag of the copy
		step("COPY run.sh /run.sh", m.runMode, one("run.sh"))
	} else {
		step("COPY run.sh /run.sh", one("run.sh"))
		step("RUN chmod "+m.runMode+" /run.sh", m.runMode)
	}
	return out
}

// modes are files of the image with their modes.
func (m *dockerfileModel) modes() map[string]string {
	out := map[string]string{"/entrypoint.sh": m.chmod, "/run.sh": m.runMode}
	for _, s := range m.runs() {
		out["/made-"+s.name] = m.masked(s)
	}
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
			s.reads = pick(r, []string{"", "ONE", "TWO", "WORDS", "setup/data/a", "stamp", "mounted/m"})
		}),
		"script umask": script(func(s *dockerfileScript, r *rand.Rand) { s.umask = pick(r, []string{"", "022", "027", "077"}) }),
		"umask": func(m *dockerfileModel, r *rand.Rand) {
			m.umask = pick(r, []string{"", "", "027"})
		},
		"named context": func(m *dockerfileModel, _ *rand.Rand) { m.named = !m.named },
		"buster":        func(m *dockerfileModel, r *rand.Rand) { m.bust = pick(r, []string{"", "1", "2"}) },
		"copied buster": edit("stamp"),
		"mount": func(m *dockerfileModel, r *rand.Rand) {
			m.mount = pick(r, []string{"", "bind", "bind", "cache", "tmpfs"})
		},
		"mounted": edit("mounted/m"),
		"mode of a copy": func(m *dockerfileModel, r *rand.Rand) {
			m.chmod = pick(r, []string{"0755", "0750", "0700"})
		},
		"mode below a copy": func(m *dockerfileModel, r *rand.Rand) {
			m.runMode = pick(r, []string{"0755", "0750", "0700"})
		},
		"mode of a file": func(m *dockerfileModel, r *rand.Rand) {
			name := pick(r, []string{"setup/lib/log.sh", "setup/data/a", "setup/data/unread", "stamp", "mounted/m", "run.sh", "entrypoint.d/entrypoint.sh", "tools/notes"})
			f := m.files[name]
			f.mode = pick(r, []uint32{0o644, 0o600, 0o755})
			m.files[name] = f
		},
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
