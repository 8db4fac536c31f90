package corpus

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// shape is a kind of project: its files, the steps of its Dockerfile, and names that
// its programs look for.
type shape struct {
	files    map[string]string
	early    []string // files that are often copied ahead of the others
	first    []string // the step that they are for
	steps    []string
	lookedAt []string
}

func shapes() []shape {
	return []shape{
		{
			files: map[string]string{
				"package.json": "{}\n", "package-lock.json": "dep left 1\ndep right 2\n", "src/index.js": "import util\nimport left\n",
				"src/util.js": "util\n", "src/page/view.js": "import ../util\n", "src/page/style.css": "a {}\n", "README.md": "read me\n",
				"public/logo.svg": "<svg/>\n", "test/a.js": "test\n", "packages/one/package.json": "{\"one\":1}\n",
			},
			early: []string{"package.json", "package-lock.json"}, first: []string{"npm ci"},
			steps:    []string{"npm run build", "npm prune", "npm pack", "npm run build && rm -rf test"},
			lookedAt: []string{".npmrc", "npm-shrinkwrap.json", "src/util.ts", "tsconfig.json", "src/left.js", "src/util/index.js", "node_modules/x/index.js"},
		},
		{
			files: map[string]string{
				"Makefile": "all:\n", "src/main.c": "#include a.h\n#include b.h\nmain\n", "src/b.h": "b\n", "src/other.c": "#include b.h\nother\n",
				"include/a.h": "a\n", "man/project.1": "manual\n", "docs/index.md": "docs\n", "configure": "conf\n", "LICENSE": "license\n",
			},
			early: []string{"configure"}, first: []string{"sh -c 'cat configure >/configured'"},
			steps:    []string{"make", "make install", "make && make install", "make install && rm -rf out"},
			lookedAt: []string{"src/a.h", "include/b.h", "src/new.c", "man/other.1"},
		},
		{
			files: map[string]string{
				"requirements.txt": "flask\n-r requirements-base.txt\n", "requirements-base.txt": "six\n", "setup.cfg": "[metadata]\n",
				"src/app/__init__.py": "app\n", "src/app/main.py": "main\n", "tests/test_app.py": "test\n", "README.md": "read me\n", "data/seed.sql": "select\n",
			},
			early: []string{"requirements.txt", "requirements-base.txt"}, first: []string{"pip install -r requirements.txt"},
			steps:    []string{"pip install .", "pip install . && rm -rf tests"},
			lookedAt: []string{"pyproject.toml", "setup.py", "src/app/new.py"},
		},
		{
			files: map[string]string{
				"Cargo.toml": "[package]\n", "Cargo.lock": "lock\n", "src/main.rs": "mod config\nmod net\n", "src/config.rs": "config\n", "src/net/mod.rs": "net\n",
				"src/unused.rs": "unused\n", "crates/one/Cargo.toml": "one\n", "benches/b.rs": "bench\n", "README.md": "read me\n",
			},
			early: []string{"Cargo.toml", "Cargo.lock"}, first: []string{"cat Cargo.toml Cargo.lock >/opt/fetched"},
			steps:    []string{"cargo build", "if [ -e target/program ]; then cp target/program /usr/local/bin/program; fi"},
			lookedAt: []string{".cargo/config.toml", "src/net.rs", "crates/two/Cargo.toml", "src/config/mod.rs"},
		},
		{
			files: map[string]string{
				"setup/setup.sh":      "set -e\nfor s in setup/scripts/*.sh; do sh $s; done\n",
				"setup/lib/log.sh":    "log() { echo \"$1\" >>/log; }\n",
				"setup/scripts/01.sh": ". setup/lib/log.sh\nlog one\n", "setup/scripts/02.sh": "if [ -e setup/extra.conf ]; then cp setup/extra.conf /etc/; fi\ncp -r config /etc/project\n",
				"setup/scripts/03.sh": ". setup/lib/log.sh\nlog three\nfind config -type f >/listed\n",
				"config/a.conf":       "a\n", "config/b/c.conf": "c\n", "entrypoint.sh": "exec\n", "docs/x.md": "x\n",
			},
			early: []string{"setup"}, first: []string{"cat setup/lib/*.sh >/libraries"},
			steps:    []string{"if true; then sh setup/setup.sh; fi", "sh setup/setup.sh", "sh setup/setup.sh && echo done", "sh setup/scripts/03.sh || false", "eval 'sh setup/scripts/02.sh'"},
			lookedAt: []string{"setup/extra.conf", "setup/scripts/04.sh", "setup/lib/new.sh", "config/new.conf"},
		},
	}
}

// anywhere are steps that any tree may have. They change, move and remove copied files
// in all ways.
func anywhere() []string {
	return []string{
		"ls -R . >/opt/listing", "find . -name '*.md' -exec cat {} + >/opt/docs", "rm -rf docs test tests", "cp -r . /opt/copy",
		"chmod -R go-w . ", "mkdir -p docs && echo generated >docs/generated", "if [ -e README.md ]; then mv README.md /opt/; fi",
		"if [ -d src ]; then mv src source && mv source src; fi", "grep -rl e src >/opt/found || true", "for f in *; do test -d $f || wc -c <$f; done >/opt/sizes",
		"tar --sort=name --mtime=@0 -cf /opt/src.tar src", "sed -i s/e/E/ README.md || true", "stat -c '%a %U %n' * >/opt/modes", "ln -s /app/src /opt/link && ls /opt/link >/opt/through",
		"if [ -e README.md ]; then ln README.md /opt/hard; fi", "find . -type d -empty -delete", "rm -f LICENSE && echo own >LICENSE", "test ! -e .env || cp .env /opt/env",
		"echo nothing", "find src -type f | head -1 | xargs cat >/opt/head || true", "cp -a src /opt/src && rm -r src && cp -a /opt/src src",
		"touch -r Dockerfile src && echo x >src/.stamp",
	}
}

// drawProject draws a tree.
func drawProject(r *rand.Rand) *project {
	s := pick(r, shapes())
	f := &project{files: map[string]projectFile{}}
	for name, text := range s.files {
		f.files[name] = projectFile{text: text, mode: 0o644}
	}
	if r.IntN(3) == 0 {
		f.files["current"] = projectFile{link: pick(r, []string{"README.md", "src", "nowhere", "/etc/hostname"})}
	}
	if r.IntN(2) == 0 {
		f.files[".dockerignore"] = projectFile{text: "Dockerfile*\n", mode: 0o644}
	}
	copied := "COPY "
	if r.IntN(4) == 0 {
		copied += pick(r, []string{"--chown=app:app ", "--chown=7:8 ", "--link "})
	}
	f.lines = []string{"FROM localhost:5000/corpus/standins", "WORKDIR /app"}
	if r.IntN(3) == 0 {
		f.lines[0] += " AS builder"
	}
	switch r.IntN(3) {
	case 0:
		for _, name := range s.early {
			f.lines = append(f.lines, copied+name+" ./"+target(name))
		}
		f.lines = append(f.lines, "RUN "+s.first[0], copied+". .")
	default:
		f.lines = append(f.lines, copied+". .", "RUN "+s.first[0])
	}
	mixed := r.IntN(2) == 0 // or as such projects are
	for range 2 + r.IntN(4) {
		n := r.IntN(12)
		if !mixed && n > 6 {
			n = 0
		}
		switch n {
		case 0, 1, 2, 3, 4:
			f.lines = append(f.lines, "RUN "+pick(r, s.steps))
		case 5:
			f.lines = append(f.lines, fmt.Sprintf("ENV V%d=%d", r.IntN(3), r.IntN(9)))
		case 6:
			f.lines = append(f.lines, "COPY src /opt/again/")
		default:
			f.lines = append(f.lines, "RUN "+pick(r, anywhere()))
		}
	}
	if strings.Contains(f.lines[0], "builder") {
		f.lines = append(f.lines, "FROM localhost:5000/corpus/standins", "COPY --from=builder /app /app", "COPY --from=builder /opt /opt", "RUN ls /app >/opt/last")
	}
	return f
}

// target is the directory that an early copy goes to.
func target(name string) string {
	if name == "setup" {
		return "setup/"
	}
	return ""
}

// edit changes one thing of a tree, and tells what.
func (f *project) edit(r *rand.Rand) string {
	f.next++
	var names []string
	for _, name := range sortedKeys(f.files) {
		if name != ".dockerignore" {
			names = append(names, name)
		}
	}
	name := pick(r, names)
	file := f.files[name]
	switch r.IntN(12) {
	case 0:
		delete(f.files, name)
		return "removed " + name
	case 1, 2:
		added := path.Join(path.Dir(name), fmt.Sprintf("new%d%s", f.next, path.Ext(name)))
		f.files[added] = projectFile{text: fmt.Sprintf("added %d\n", f.next), mode: 0o644}
		return "added " + added
	case 3, 4:
		var looked []string
		for _, s := range shapes() {
			if f.has(s) {
				looked = append(looked, s.lookedAt...)
			}
		}
		added := pick(r, append(looked, ".env", "docs/more.md"))
		if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(added, n+"/") || strings.HasPrefix(n, added+"/") }) {
			return "nothing"
		}
		f.files[added] = projectFile{text: fmt.Sprintf("looked for %d\n", f.next), mode: 0o644}
		return "added " + added
	case 5:
		if file.link == "" {
			file.mode ^= 0o111
			f.files[name] = file
			return "mode of " + name
		}
	case 6:
		moved := path.Join(path.Dir(name), fmt.Sprintf("moved%d%s", f.next, path.Ext(name)))
		f.files[moved] = file
		delete(f.files, name)
		return "moved " + name
	case 7:
		if file.link == "" {
			f.files[name] = projectFile{link: fmt.Sprintf("target%d%s", f.next, path.Ext(name))}
			f.files[path.Join(path.Dir(name), fmt.Sprintf("target%d%s", f.next, path.Ext(name)))] = file
			return "a link in place of " + name
		}
	case 8:
		return "nothing but times"
	}
	if file.link != "" {
		return "nothing"
	}
	file.text += fmt.Sprintf("edited %d\n", f.next)
	f.files[name] = file
	return "edited " + name
}

// has tells whether a tree was drawn of a shape: all of its files but those that were
// edited away.
func (f *project) has(s shape) bool {
	n := 0
	for name := range s.files {
		if _, ok := f.files[name]; ok {
			n++
		}
	}
	return n > len(s.files)/2
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
