package proof

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// model is a build context that a test knows inside out: what is in it, and
// what comes out of it.
type model struct {
	salt     string // is in every step, so that no two runs share a cache
	base     int    // which of the base images
	pinned   bool   // isolated scripts have a base of their own
	args     map[string]string
	given    map[string]string // build arguments of the command line
	user     string
	groups   string // of the user
	runtime  []string
	build    []string
	image    []string // packages of the image alone
	scratch  []string // build artifacts
	prefix   string   // of cache ids
	space    string   // of cache mounts
	epoch    string
	cleanup  bool
	watch    string // an arg that an invalidation rule adds to the first script
	env      map[string]string
	scripts  []*script
	files    map[string]file // everything that is no setup script, by path
	configs  []config
	excludes []string // .dockerignore
	hosts    string
}

// script is one setup script.
type script struct {
	name     string
	content  int // changes what it makes
	comment  int // does not
	mode     uint32
	args     []string
	helper   bool
	inputs   []string
	dir      bool
	whole    bool // all of setup/scripts is an input, the script itself too
	linked   bool // the data folder by a link to it
	needs    []string
	isolated bool
	cache    string
	network  string
	umask    string // "" for none
	build    string // packages of its own, where it is isolated: a list, "" for those that all have
	placed   string // where it is isolated: the mode of an output that it makes elsewhere, "" for one that stays
}

// file is one file, directory or link of the context.
type file struct {
	text string
	link string
	dir  bool
	mode uint32
}

// config is one configuration file.
type config struct {
	source, target, mode, owner string
}

const (
	helperFile = "setup/lib/helper.sh"
	dataDir    = "setup/data"
)

// newModel returns the tree that every run starts from.
func newModel(salt string) *model {
	m := &model{
		salt: salt, base: 0, user: "postgres",
		args: map[string]string{"ONE": "1", "TWO": "2"}, given: map[string]string{},
		runtime: []string{"locales"},
		env:     map[string]string{"LANG": "C"},
		files: map[string]file{
			helperFile:                              {text: "#!/bin/sh\nhelp() { echo help; }\n", mode: 0o644},
			"setup/patches/a.patch":                 {text: "a\n", mode: 0o644},
			"setup/patches/b.patch":                 {text: "b\n", mode: 0o644},
			dataDir:                                 {dir: true, mode: 0o755},
			dataDir + "/deep":                       {dir: true, mode: 0o755},
			dataDir + "/deep/one":                   {text: "one\n", mode: 0o644},
			dataDir + "/two":                        {text: "two\n", mode: 0o600},
			dataDir + "/link":                       {link: "deep/one"},
			"setup/linked":                          {link: "data"},
			"entrypoint.d/entrypoint.sh":            {text: "#!/bin/sh\nexec \"$@\"\n# " + salt + "\n", mode: 0o755},
			"entrypoint.d/scripts/utils/log.sh":     {text: "#!/bin/sh\n# " + salt + "\n", mode: 0o755},
			"entrypoint.d/scripts/runtime/start.sh": {text: "#!/bin/sh\n# " + salt + "\n", mode: 0o755},
			"config/server.conf":                    {text: "# " + salt + "\n", mode: 0o644},
			"config/other.conf":                     {text: "# other " + salt + "\n", mode: 0o644},
			"README.md":                             {text: "readme\n", mode: 0o644},
			"config/notes.bak":                      {text: "notes\n", mode: 0o644},
		},
		configs: []config{
			{"config/server.conf", "/etc/server.conf", "0640", ""},
			{"config/other.conf", "/etc/other.conf", "", ""},
		},
		excludes: []string{"**/*.bak"},
		cleanup:  true,
	}
	m.scripts = []*script{
		{name: "01-first", mode: 0o755, args: []string{"ONE"}},
		{name: "02-library", mode: 0o755, isolated: true, args: []string{"TWO"}, inputs: []string{"setup/patches/a.patch"}},
		{name: "03-program", mode: 0o755, isolated: true, needs: []string{"02-library"}, helper: true},
		{name: "04-last", mode: 0o755, inputs: []string{"setup/patches/b.patch"}, dir: true},
	}
	return m
}

func (m *model) clone() *model {
	out := *m
	out.args, out.given, out.env, out.files = maps.Clone(m.args), maps.Clone(m.given), maps.Clone(m.env), maps.Clone(m.files)
	out.runtime, out.build, out.scratch = slices.Clone(m.runtime), slices.Clone(m.build), slices.Clone(m.scratch)
	out.image = slices.Clone(m.image)
	out.configs, out.excludes = slices.Clone(m.configs), slices.Clone(m.excludes)
	out.scripts = nil
	for _, s := range m.scripts {
		one := *s
		one.args, one.inputs, one.needs = slices.Clone(s.args), slices.Clone(s.inputs), slices.Clone(s.needs)
		out.scripts = append(out.scripts, &one)
	}
	return &out
}

func (s *script) path() string { return "setup/scripts/" + s.name + ".sh" }

// made is where a script makes its file.
func (s *script) made() string {
	if s.isolated && s.placed != "" {
		return "/made/" + s.name
	}
	return s.result()
}

// result is the file that a script makes, where it is in the end.
func (s *script) result() string {
	if s.isolated {
		return "/isolated/" + s.name
	}
	return "/result/" + s.name
}

func (m *model) script(name string) *script {
	for _, s := range m.scripts {
		if s.name == name {
			return s
		}
	}
	return nil
}

// options are the frontend's.
func (m *model) options(bases []string) map[string]string {
	out := map[string]string{
		"context:debian:bookworm-slim": "docker-image:" + bases[m.base],
		"context:company/pinned:1":     "docker-image:" + bases[0],
		// The salt of steps that read no file.
		"build-arg:BUILDKIT_SANDBOX_HOSTNAME": m.salt,
	}
	for name, value := range m.given {
		out["build-arg:"+name] = value
	}
	if m.epoch != "" {
		out["build-arg:SOURCE_DATE_EPOCH"] = m.epoch
	}
	if m.space != "" {
		out["build-arg:BUILDKIT_CACHE_MOUNT_NS"] = m.space
	}
	if m.hosts != "" {
		out["add-hosts"] = m.hosts
	}
	return out
}

// tree returns all files.
func (m *model) tree() map[string]file {
	out := maps.Clone(m.files)
	out["Dockerfile"] = file{text: m.buildFile(), mode: 0o644}
	out[".dockerignore"] = file{text: strings.Join(m.excludes, "\n") + "\n", mode: 0o644}
	for _, s := range m.scripts {
		out[s.path()] = file{text: m.text(s), mode: s.mode}
	}
	if m.cleanup {
		out["setup/scripts/99-cleanup.sh"] = file{text: "#!/bin/sh\nset -eu\nrm -f /doomed\n# " + m.salt + "\n", mode: 0o755}
	}
	return out
}

// text is a script that writes down all that it sees.
func (m *model) text(s *script) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# comment %d\nset -eu\n", s.comment)
	umask := ""
	if s.umask != "" {
		umask = "umask " + s.umask + "\n"
	}
	if s.helper {
		fmt.Fprintf(&b, ". /context/%s\n", helperFile)
	}
	fmt.Fprintf(&b, "mkdir -p %s\n: >/doomed\n%s{\necho 'salt %s content %d'\n", path.Dir(s.made()), umask, m.salt, s.content)
	for _, a := range s.args {
		fmt.Fprintf(&b, "echo \"arg %s=$%s\"\n", a, a)
	}
	if s.helper {
		b.WriteString("help\n")
	}
	for _, in := range s.inputs {
		fmt.Fprintf(&b, "stat -c '%%n %%a' /context/%s\ncat /context/%s\n", in, in)
	}
	if s.dir {
		fmt.Fprintf(&b, "cd /context/%s\nfind . -mindepth 1 | LC_ALL=C sort | while read -r f; do stat -c '%%n %%a' \"$f\"; [ -d \"$f\" ] || cat \"$f\"; done\ncd /\n", dataDir)
	}
	if s.linked {
		b.WriteString("cat /context/setup/linked/deep/one\n")
	}
	for _, on := range m.before(s) {
		fmt.Fprintf(&b, "sha256sum %s\n", on.result())
	}
	fmt.Fprintf(&b, "} >%s\n", s.made())
	return b.String()
}

// before are the scripts whose results a script reads: those that it needs, and
// the one before it in the chain.
func (m *model) before(s *script) []*script {
	var out []*script
	for _, name := range s.needs {
		if on := m.script(name); on != nil {
			out = append(out, on)
		}
	}
	if s.isolated {
		return out
	}
	var last *script
	for _, other := range m.scripts {
		if other == s {
			break
		}
		if !other.isolated {
			last = other
		}
	}
	if last != nil {
		out = append(out, last)
	}
	return out
}

// buildFile writes the build file.
func (m *model) buildFile() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# check=skip=all\nbase: debian:bookworm-slim\nargs:")
	for _, name := range slices.Sorted(maps.Keys(m.args)) {
		line("  %s: %q", name, m.args[name])
	}
	if m.user != "" {
		line("user: {name: %s, uid: 999, gid: 999, home: /home/%s, groups: [%s]}", m.user, m.user, m.groups)
	}
	line("setup:")
	if m.pinned {
		line("  base: company/pinned:1")
	}
	line("  cache_prefix: %q", m.prefix)
	line("  dependencies: {runtime: [%s], build: [%s], image: [%s]}", strings.Join(m.runtime, ", "), strings.Join(m.build, ", "), strings.Join(m.image, ", "))
	line("  build_artifacts: [%s]\n  scripts:", strings.Join(m.scratch, ", "))
	for _, s := range m.scripts {
		fields := []string{"path: " + s.path()}
		if s.isolated {
			output := s.result()
			if s.placed != "" {
				output = fmt.Sprintf("{from: %s, to: %s, mode: %q}", s.made(), output, s.placed)
			}
			fields = append(fields, "outputs: ["+output+"]")
			if s.build != "" {
				fields = append(fields, "build: "+s.build)
			}
		}
		inputs := slices.Clone(s.inputs)
		if s.dir {
			inputs = append(inputs, dataDir)
		}
		if s.whole {
			inputs = append(inputs, "setup/scripts")
		}
		if s.linked {
			inputs = append(inputs, "setup/linked")
		}
		for name, list := range map[string][]string{"needs": s.needs, "inputs": inputs} {
			if len(list) > 0 {
				fields = append(fields, name+": ["+strings.Join(list, ", ")+"]")
			}
		}
		if s.cache != "" {
			fields = append(fields, "caches: ["+s.cache+"]")
		}
		if s.network != "" {
			fields = append(fields, "network: "+s.network)
		}
		slices.Sort(fields[1:])
		line("    - {%s}", strings.Join(fields, ", "))
	}
	line("image:\n  env:")
	for _, name := range slices.Sorted(maps.Keys(m.env)) {
		line("    %s: %q", name, m.env[name])
	}
	line("entrypoint:\n  configuration_files:")
	for _, c := range m.configs {
		fields := []string{"source: " + c.source, "target: " + c.target}
		if c.mode != "" {
			fields = append(fields, fmt.Sprintf("mode: %q", c.mode))
		}
		if c.owner != "" {
			fields = append(fields, fmt.Sprintf("owner: %q", c.owner))
		}
		line("    - {%s}", strings.Join(fields, ", "))
	}
	if m.watch != "" {
		line("cache_boundary:\n  cache_invalidation_rules:\n    - {layer: setup/%s, when_changed: [\"arg:%s\"]}", m.scripts[0].name, m.watch)
	}
	return b.String()
}
