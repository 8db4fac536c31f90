package corpus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// artist draws a build at random.
type artist struct {
	*rand.Rand
	setup, app string   // where these folders of the context are copied to
	scripts    []string // of the driver, by name
	copied     bool     // whether a tool was copied into the search path
	dockerfile []string
	files      []atom
}

// draw makes a Dockerfile and its tree: ARG, ENV, copies of a setup and of an
// application's folder, a driver script with its scripts, inline steps, and
// what comes after, all in changing order.
func draw(r *rand.Rand) sketch {
	a := &artist{Rand: r}
	a.setup = a.one("/setup", "/opt/setup", "/tmp/setup", "/usr/src/setup", "/srv/image/setup")
	a.app = a.one("/app", "/opt/app", "/srv/app")
	for i := range 2 + a.IntN(4) {
		a.scripts = append(a.scripts, fmt.Sprintf("%02d-%s.sh", 10*i, a.one("base", "pg", "conf", "users", "extensions")))
	}
	a.file("setup/lib.sh", `note() { echo "$*" >>/order; }`)
	a.file("setup/data/a.txt", "a", "b")
	a.file("setup/data/b.conf", "key = a")
	a.file("app/x.conf", "x = a")
	a.file("app/sub/y", "y")
	a.file("app/run.sh", "#!/bin/sh", `exec "$@"`)
	a.file("tool", "#!/bin/sh", `echo "tool $*" >>/order`)
	a.instructions()
	for i, name := range a.scripts {
		a.file("setup/scripts/"+name, a.script(i)...)
	}
	a.file("setup/setup.sh", a.driver()...)

	var s sketch
	for _, line := range a.dockerfile {
		s = append(s, atom{"Dockerfile", line})
	}
	s = append(s, a.files...)
	if a.chance(40) {
		s = append(s, atom{argsFile, "ARG_TWO=given"})
	}
	return s
}

func (a *artist) one(list ...string) string { return list[a.IntN(len(list))] }
func (a *artist) chance(percent int) bool   { return a.IntN(100) < percent }

func (a *artist) file(name string, lines ...string) {
	for _, line := range lines {
		a.files = append(a.files, atom{name, line})
	}
}

// instructions draws the Dockerfile.
func (a *artist) instructions() {
	first := []string{"FROM debian:bookworm-slim AS build"}
	before := []string{
		"ARG ARG_ONE=1", a.one("ARG ARG_TWO", "ARG ARG_TWO=2", "ARG ARG_TWO=${ARG_ONE}2"), "ENV ENV_ONE=" + a.one("e", `"two words"`, "$ARG_ONE"),
		"COPY " + a.flags() + "app " + a.app,
	}
	before = append(before, a.some(50, "COPY tool /usr/local/bin/tool", "RUN mkdir -p /opt/made", "WORKDIR /srv/work",
		"RUN useradd -u 1500 app", "RUN "+a.statement(90), "COPY app/x.conf /etc/x.conf")...)
	a.Shuffle(len(before), func(i, j int) { before[i], before[j] = before[j], before[i] })
	a.copied = slices.Contains(before, "COPY tool /usr/local/bin/tool")
	if i := slices.IndexFunc(before, func(line string) bool { return strings.HasSuffix(line, "app "+a.app) }); a.chance(40) {
		before = slices.Insert(before, i+1, a.some(40, "RUN chmod -R go-w "+a.app, "RUN chmod 0750 "+a.app+"/run.sh",
			"RUN chown -R 33:44 "+a.app, "RUN chmod +x "+a.app+"/*.sh && chown 7 "+a.app+"/x.conf", "RUN mv "+a.app+"/x.conf "+a.app+"/y.conf")...)
	}
	middle := a.copySetup()
	middle = append(middle, a.runDriver())
	after := a.some(40, a.chain(), a.chain(), "RUN "+a.statement(91), "RUN "+a.statement(92)+" && "+a.statement(93), "COPY app/sub /opt/sub",
		"COPY . /context",
		"RUN <<EOF\nset -e\n"+a.statement(94)+"\n"+a.statement(95)+"\nEOF", "RUN rm -rf "+a.setup,
		"USER 33", "LABEL one=$ARG_ONE", `ENTRYPOINT ["`+a.app+`/run.sh"]`, "EXPOSE 5432", "CMD postgres", "ARG ARG_TWO=late", "ENV ENV_ONE=late")
	a.Shuffle(len(after), func(i, j int) { after[i], after[j] = after[j], after[i] })
	var last []string
	switch a.IntN(5) {
	case 0:
		last = []string{"FROM scratch", "COPY --from=build / /", "USER 7"}
	case 1:
		last = []string{"FROM debian:bookworm-slim", "COPY --from=build /out* /order* /opt /result/", "COPY app /app2"}
	case 2:
		last = []string{"FROM build", "ARG ARG_ONE", "RUN " + a.statement(96)}
	}
	a.dockerfile = slices.Concat(first, before, middle, after, last)
}

// chain draws a RUN of many commands, some of which take long.
func (a *artist) chain() string {
	var list []string
	for i := range 4 + a.IntN(6) {
		n := strconv.Itoa(i)
		list = append(list, a.one(a.statement(100+i), a.statement(110+i), `perl -e 'print "`+n+` $ENV{W} $ENV{ARG_ONE} @ARGV\n"' "$V" >>/opt/perl`, `perl -e 'print `+n+`' >/opt/p`+n+` && rm -f /opt/p0`,
			"cd /opt", "cd "+a.setup, "cd ..", "V=v"+n, "export W=w"+n, "W=$V-"+n, "V=$(ls / | head -n "+n+" | tail -n 1)", `pwd >>/opt/where`, "umask 027",
			`echo "$V $W $PWD $#" >>/opt/vars`, "set -- "+n+" $V", "for i in a b; do V=$i; done", "say() { echo \"said $* $V\" >>/opt/said; }", "rm -rf /opt/copied.*"))
	}
	if a.chance(50) {
		return "RUN set -eu; V= W=; " + strings.Join(list, "; ")
	}
	return "RUN " + strings.Join(list, " && ")
}

// some keeps some of a list.
func (a *artist) some(percent int, list ...string) []string {
	return slices.DeleteFunc(list, func(string) bool { return !a.chance(percent) })
}

// flags are those of a COPY, with a space at the end.
func (a *artist) flags() string {
	return a.one("", "", "", "--chown=33:44 ", "--chmod=0755 ", "--link ", "--chown=www-data ")
}

// copySetup copies the setup folder at once, in parts, or with everything.
func (a *artist) copySetup() []string {
	s := a.setup
	switch a.IntN(5) {
	case 0:
		return []string{"COPY setup/lib.sh " + s + "/", "COPY setup/data " + s + "/data", "COPY setup/scripts " + s + "/scripts", "COPY setup/setup.sh " + s + "/setup.sh"}
	case 1:
		return []string{"COPY . /all", "RUN mkdir -p $(dirname " + s + ") && cp -r /all/setup " + s}
	case 2:
		return []string{"COPY . " + strings.TrimSuffix(s, "/setup") + "/"}
	}
	return []string{"COPY " + a.flags() + "setup " + s}
}

// runDriver is the RUN of the driver.
func (a *artist) runDriver() string {
	run := a.setup + "/setup.sh"
	return "RUN " + a.one(run, run, run, "bash "+run, "cd "+a.setup+" && ./setup.sh", `["`+run+`"]`, "chmod +x "+run+" && "+run,
		run+" && rm -rf "+a.setup, "set -e; export RUN_ONE=r; "+run, "umask 027; "+run, a.statement(97)+" && "+run+" && "+a.statement(98))
}

// driver draws the script that runs the others.
func (a *artist) driver() []string {
	lines := []string{"#!/bin/bash", a.one("set -e", "set -e", "set -eu", "set -euo pipefail", "")}
	dir := a.one(a.setup+"/scripts", `$(cd "$(dirname "$0")" && pwd)/scripts`, `$(dirname "$(readlink -f "$0")")/scripts`)
	lines = append(lines, `DIR="`+dir+`"`)
	lines = append(lines, a.some(25, "export ENV_TWO=constant", `export ENV_TWO="$ARG_ONE-$ENV_ONE"`, `. "$DIR/../lib.sh"`, "mkdir -p /opt/driver", "cd /opt")...)
	lines = append(lines, a.some(6, "umask 077", "trap 'echo end >>/order' EXIT", "export ENV_TWO=$(cat /etc/debian_version)", "echo begin >>/order")...)
	how := a.one("", "bash ", "sh ", "bash -e ")
	fails := a.one("", "", "", " || exit 9", " || exit 1")
	switch a.IntN(4) {
	case 0:
		lines = append(lines, `for f in "$DIR"/*.sh; do `+a.one("", `[ -x "$f" ] || continue; `)+how+`"$f"`+fails+"; done")
	case 1:
		lines = append(lines, "for n in "+strings.Join(a.scripts, " ")+"; do "+how+`"$DIR/$n"`+fails+"; done")
	case 2:
		lines = append(lines, "run() { "+how+`"$DIR/$1"`+fails+"; }")
		for _, name := range a.scripts {
			lines = append(lines, "run "+name)
		}
	default:
		for i, name := range a.scripts {
			lines = append(lines, how+`"$DIR/`+name+`"`+fails)
			if i == 0 {
				lines = append(lines, a.some(20, "export ENV_TWO=later", `if [ "$ARG_ONE" = 1 ]; then `+how+`"$DIR/`+name+`"; fi`, "rm -f /opt/none")...)
			}
		}
	}
	return append(lines, a.some(20, "rm -rf "+a.setup, "rm -rf /tmp/*", "exit 0")...)
}

// script draws one of the driver's scripts.
func (a *artist) script(n int) []string {
	lines := []string{a.one("#!/bin/sh", "#!/bin/bash", "#!/bin/bash -e"), a.one("set -e", "set -eu", ":")}
	for range 1 + a.IntN(4) {
		lines = append(lines, a.statement(n))
	}
	if a.chance(3) {
		lines = append(lines, fmt.Sprintf("echo failing >&2; exit %d", 2+a.IntN(5)))
	}
	return lines
}
