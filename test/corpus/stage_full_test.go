//go:build full

package corpus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// stager draws a stage of a Dockerfile, on the image of the recorders.
type stager struct {
	*rand.Rand
	n      int      // the stage's number
	places []string // directories that hold copied files so far
	lines  []string // instructions
	files  []atom
}

// drawRecorded makes a Dockerfile of several stages. The last one takes the
// whole root of each, or the Dockerfile ends with one of them.
func drawRecorded(r *rand.Rand) sketch {
	count := 1
	if r.IntN(4) > 0 {
		count = 4 + r.IntN(4)
	}
	var lines []string
	files := sources()
	for n := range count {
		s := &stager{Rand: r, n: n}
		s.draw()
		lines = append(lines, s.lines...)
		files = append(files, s.files...)
	}
	if count > 1 {
		lines = append(lines, "FROM scratch")
		for n := range count {
			lines = append(lines, collected(n))
		}
	}
	var s sketch
	for _, line := range lines {
		s = append(s, atom{"Dockerfile", line})
	}
	s = append(s, files...)
	for _, arg := range []string{"OWN_VERSION=7", "VERSION=9.9", "LOOSE_BUST=now", "NODE_ENV=test"} {
		if r.IntN(2) == 0 {
			s = append(s, atom{argsFile, arg})
		}
	}
	return append(s, drawEdits(r, s)...)
}

// sources is the tree that all stages copy from.
func sources() []atom {
	return []atom{
		{"app/package.json", `{"name": "app", "scripts": {"build": "make"}}`},
		{"app/package-lock.json", "{}"},
		{"app/Makefile", "all:"},
		{"app/Makefile", "\techo made"},
		{"app/go.mod", "module app"},
		{"app/src/main.c", "int main() {}"},
		{"app/src/lib/lib.c", "int lib;"},
		{"app/conf/app.conf", "key = a"},
		{"app/conf/other.conf", "key = b"},
		{"app/garbage.tmp", "garbage"},
		{"app/run.sh", "#!/bin/sh"},
		{"app/run.sh", `frobnicate "$0" "$@"`},
		{"app/plain.sh", "#!/bin/sh"},
		{"app/plain.sh", "echo plain >>/plain"},
		{"app/plain.sh", `cat "$(dirname "$0")"/conf/* >>/plain`},
		{"requirements.txt", "-r base.txt"},
		{"base.txt", "psycopg"},
		{"bin/helper", "#!/bin/sh"},
		{"bin/helper", `frobnicate helper "$@"`},
		{"bin/lister", "#!/bin/sh"},
		{"bin/lister", `ls -la /app /opt /srv /data 2>/dev/null | awk '{print $1, $3, $9}' >>/listed`},
		{"entrypoint.sh", "#!/bin/sh"},
		{"entrypoint.sh", `exec "$@"`},
		{"etc/app.conf", "from = etc"},
		{"etc/npmrc", "cache = /tmp/npm"},
		{"scripts/1.sh", "#!/bin/sh"},
		{"scripts/1.sh", "set -e"},
		{"scripts/1.sh", "make one"},
		{"scripts/2.sh", "#!/bin/sh"},
		{"scripts/2.sh", "set -e"},
		{"scripts/2.sh", "echo two >/two"},
		{"README.md", "read"},
	}
}

func (s *stager) one(list ...string) string { return list[s.IntN(len(list))] }
func (s *stager) chance(percent int) bool   { return s.IntN(100) < percent }

// add adds an instruction with its words drawn.
func (s *stager) add(line string) {
	s.lines = append(s.lines, s.fill(line))
}

// fill draws what the words in capitals stand for.
func (s *stager) fill(line string) string {
	place := "/tmp"
	if len(s.places) > 0 {
		place = s.one(s.places...)
	}
	return strings.NewReplacer(
		"PLACE", place, "PROGRAM", s.one("make", "frobnicate", "python3 -m build", "node index.js", "gcc -c x.c", "psql -f x.sql", "go vet ./...", "cmake .", "yarn"),
		"ANY", s.one("OWN_VERSION", "OWN_NAME"), "NUMBER", strconv.Itoa(s.IntN(4)),
	).Replace(line)
}

// copy adds a COPY to a new place, or to one of before.
func (s *stager) copy(source, flags string) {
	place := s.one("/app", "/data", "/etc/app", "/home/app", "/opt/app", "/opt/app/sub", "/root/app", "/srv/www", "/tmp/build", "/usr/local/app", "/usr/src/app", "/workspace")
	if len(s.places) > 0 && s.chance(20) {
		place = s.one(s.places...)
	}
	s.add("COPY " + flags + source + " " + place + s.one("", "/"))
	if !slices.Contains(s.places, place) {
		s.places = append(s.places, place)
	}
}

// draw draws the stage.
func (s *stager) draw() {
	from := "localhost:5000/corpus/recorders"
	if s.n > 0 && s.chance(10) {
		from = fmt.Sprintf("s%d", s.IntN(s.n))
	}
	s.add(fmt.Sprintf("FROM %s AS s%d", from, s.n))
	for range s.IntN(3) {
		s.anything()
	}
	shapes := []func(){
		s.node, s.python, s.golang, s.compiled, s.assembled, s.entrypoint, s.user, s.download, s.clone, s.tools, s.mounts, s.modes, s.driver, s.driver, s.loop, s.mixed, s.mixed,
	}
	shapes[s.IntN(len(shapes))]()
	for range s.IntN(4) {
		s.anything()
	}
}

// between adds, rarely, an instruction between those of a shape.
func (s *stager) between(lines ...string) {
	for _, line := range lines {
		if s.chance(20) {
			s.anything()
		}
		s.add(line)
	}
}

// run joins commands to a RUN.
func (s *stager) run() string {
	var commands []string
	for range 1 + s.IntN(4) {
		commands = append(commands, s.one(commonly()...))
	}
	switch s.IntN(6) {
	case 0:
		return "RUN <<EOF\nset -e\n" + strings.Join(commands, "\n") + "\nEOF"
	case 1:
		return "RUN " + strings.Join(commands, "; ")
	case 2:
		return "RUN set -ex; " + strings.Join(commands, "; \\\n  ")
	}
	return "RUN " + strings.Join(commands, " && ")
}

// anything adds an instruction that fits everywhere.
func (s *stager) anything() {
	switch n := s.IntN(100); {
	case n < 35:
		s.add(s.run())
	case n < 50:
		s.copy(s.one("app", "app/src", "app/conf", "bin", "etc", "scripts", "."), s.one("", "", "", "--chown=33:44 ", "--chmod=0755 ", "--chown=app ", "--link "))
	case n < 60:
		s.add(s.one("ARG VERSION=1", "ARG PREFIX=/usr/local", "ARG NODE_ENV", "ARG VITE_API_URL=http://x", "ARG CC=gcc", "ARG DEBUG", "ARG TARGETARCH", "ARG TARGETPLATFORM", "ARG BUILDPLATFORM"))
	case n < 67:
		s.add(s.one("ARG LOOSE_BUST=1", "ARG LOOSE_BUST", "ARG LOOSE_ID=a"))
	case n < 75:
		s.add(s.one("ARG OWN_VERSION=1", "ARG OWN_NAME=n", "ARG OWN_VERSION"))
	case n < 85:
		s.add(s.one("ENV LOOSE_ENV=e", "ENV VERSION=2", "ENV NODE_ENV=production", "ENV OWN_NAME=env", "ENV APP_HOME=/srv/www", "ENV PATH=/opt/app:$PATH", "ENV OWN_URL=x/$OWN_VERSION"))
	case n < 90:
		s.add("WORKDIR " + s.one("/opt", "/srv", "/", "/app", "PLACE", "PLACE/sub", "work"))
	case n < 93:
		s.add(s.one(`SHELL ["/bin/bash", "-ec"]`, `SHELL ["/bin/sh", "-exc"]`, "LABEL version=$VERSION", "EXPOSE 80", "STOPSIGNAL INT", "VOLUME /data", `CMD ["make"]`))
	default:
		s.add("RUN " + s.one("echo $ANY >>/said", `printf '%s\n' "${ANY:-none}" "$VERSION" >>/said`, "test -n \"$ANY\" || echo none >>/said", "env | grep -c LOOSE >>/said || true"))
	}
}

// drawEdits draws edits of what a sketch has.
func drawEdits(r *rand.Rand, s sketch) []atom {
	var files []string
	for _, a := range s {
		if a.file != argsFile && a.file != "Dockerfile" && !slices.Contains(files, a.file) {
			files = append(files, a.file)
		}
	}
	var out []atom
	for i := range r.IntN(4) {
		file := files[r.IntN(len(files))]
		edits := []string{
			"append " + file + fmt.Sprintf(" # edit %d", i),
			"append " + file + fmt.Sprintf(" # edit %d", i),
			fmt.Sprintf("write app/src/new%d.c new", i),
			fmt.Sprintf("write data/new%d new", i),
			"mode 0600 " + file,
			"mode 0755 " + file,
			"remove app/garbage.tmp",
			"remove README.md",
			fmt.Sprintf("arg OWN_VERSION=edit%d", i),
			fmt.Sprintf("arg VERSION=edit%d", i),
			fmt.Sprintf("arg LOOSE_BUST=edit%d", i),
			fmt.Sprintf("arg NODE_ENV=edit%d", i),
		}
		out = append(out, atom{editsFile, edits[r.IntN(len(edits))]})
	}
	return out
}
