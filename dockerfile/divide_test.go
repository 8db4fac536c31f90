package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// TestDivide tells where a chain of commands is cut.
func TestDivide(t *testing.T) {
	for name, c := range map[string]struct {
		run   string
		steps []string
	}{
		"after what takes long": {
			"set -eux; apt-get update; apt-get install -y gcc; curl -fO https://example.com/x.tar; tar xf x.tar; cd /x; ./configure; make; make install; rm -rf /x",
			[]string{
				"set -eux; apt-get update; apt-get install -y gcc", "set -eux; curl -fO https://example.com/x.tar; tar xf x.tar; cd /x; ./configure",
				"set -eux; cd /x; make", "set -eux; cd /x; make install", "set -eux; cd /x; rm -rf /x",
			},
		},
		"joined by &&":                      {"apt-get update && apt-get install -y x && make && echo done >/done", []string{"apt-get update && apt-get install -y x", "make", "echo done >/done"}},
		"nor with state in front of it":     {"set -eux; A=$(dpkg --print-architecture); apt-get update; apt-get install -y x; rm -rf /var/lib/apt/lists/*", nil},
		"a variable for an unknown program": {"export ac_x=$(cat /v) && ./configure && make && make install && echo >/x", []string{"export ac_x=$(cat /v) && ./configure && make && make install", "echo >/x"}},
		"apt's index by an option":          {"apt-get install --update -y a && make && apt-get install -y b && echo >/x", []string{"apt-get install --update -y a && make && apt-get install -y b", "echo >/x"}},
		"what is cleaned alone is no step":  {"apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*", nil},
		"an index and what is installed":    {"apk update && apk add a && make && apk add b && echo x >/x", []string{"apk update && apk add a && make && apk add b", "echo x >/x"}},
		"a value that only the shell knows": {"V=$(cat /v) && make && echo $V >/x && make install && echo x >/x", []string{"V=$(cat /v) && make && echo $V >/x", "make install", "echo x >/x"}},
		"one that the machine has":          {"A=$(dpkg --print-architecture) && make && echo $A >/x", []string{"A=$(dpkg --print-architecture) && make", "A=$(dpkg --print-architecture) && echo $A >/x"}},
		"exported to an unknown program":    {"export CFLAGS=$(cat /v) && make && make install && echo x >/x", []string{"export CFLAGS=$(cat /v) && make && make install", "echo x >/x"}},
		"a branch's value":                  {"set -e; if [ -f /x ]; then V=1; fi; make; echo $V >/x; make install; echo >/y", []string{"set -e; if [ -f /x ]; then V=1; fi; make; echo $V >/x", "set -e; make install", "set -e; echo >/y"}},
		"an early end":                      {"set -e; make; if [ -f /x ]; then exit 0; fi; make install; echo >/y", []string{"set -e; make", "set -e; if [ -f /x ]; then exit 0; fi; make install; echo >/y"}},
		"a failure that ends it":            {"set -e; make; [ -f /x ] || exit 3; make install", []string{"set -e; make", "set -e; [ -f /x ] || exit 3; make install"}},
		"a trap":                            {"trap 'rm /x' EXIT && make && make install", nil},
		"a server":                          {"service postgresql start && make && service postgresql stop && make install && echo >/x", []string{"service postgresql start && make && service postgresql stop", "make install", "echo >/x"}},
		"a server by an option":             {"pgbouncer -d /etc/pgbouncer.ini && make && pkill pgbouncer && make && echo >/x", []string{"pgbouncer -d /etc/pgbouncer.ini && make && pkill pgbouncer", "make", "echo >/x"}},
		"what nobody knows":                 {"frobnicate && make && make install", nil},
		"what nobody knows, at the end":     {"make && frobnicate && echo >/x", []string{"make", "frobnicate && echo >/x"}},
		"failures that are ignored":         {"make; make install; echo >/x", nil},
		"in the background":                 {"make & make install && echo >/x", nil},
		"a here-document":                   {"make && cat <<E >/x && make install\nx\nE", []string{"make && cat <<E >/x && make install"}},
		"a directory of unknown name":       {"cd x-* && make && cd /y && make && echo >/x", []string{"cd x-* && make", "cd /y && make", "cd /y && echo >/x"}},
		"a directory that is removed":       {"cd /x && make && echo >z && rm -rf /x && make install && echo >/y", []string{"cd /x && make", "cd /x && echo >z && rm -rf /x && make install && echo >/y"}},
		"a status":                          {"set -e; make; echo $? >/x; make", []string{"set -e; make; echo $? >/x", "set -e; make"}},
		"a status of its own":               {"set -e; make; ! grep -q x /y; make; echo >/z", []string{"set -e; make", "set -e; ! grep -q x /y; make", "set -e; echo >/z"}},
		"a loop at the end of a step":       {"make && for f in a b; do make $f; done && echo >/x", []string{"make", "for f in a b; do make $f; done && :", "echo >/x"}},
		"hard links":                        {"make && ln /a /b && make install && echo >/x", []string{"make", "ln /a /b && make install && echo >/x"}},
		"a function called elsewhere": {
			"set -e; cd /a; make; f() { make all; }; cd /b; f; echo >x",
			[]string{"set -e; cd /a; make", "set -e; cd /a; f() { make all; }; cd /b; f", "set -e; f() { make all; }; cd /b; echo >x"},
		},
		"a directory is left":                        {"cd /x && make && cd / && rm -rf /x && echo >/y", []string{"cd /x && make", "cd / && rm -rf /x && echo >/y"}},
		"a subshell elsewhere":                       {"cd /a && make && (cd /b && make) && echo >x", []string{"cd /a && make", "cd /a && (cd /b && make) && :", "cd /a && echo >x"}},
		"a value from elsewhere":                     {"cd /a && make && V=$(cd /b && pwd) && make $V && echo >x", []string{"cd /a && make", "cd /a && V=$(cd /b && pwd) && make $V", "cd /a && echo >x"}},
		"a backslash at the end":                     {`make && printf %s \\ && make`, nil},
		"what find ends with":                        {`make && find / -name x -exec rm {} \; && make install && echo >/x`, []string{"make", `find / -name x -exec rm {} \; && make install`, "echo >/x"}},
		"arithmetic that looks like a here-document": {"X=$((1<<2)) && make && echo $X >/x && make", nil},
		"a list in JSON":                             {`make && [ "x" ]`, []string{"make", `[ "x" ] && :`}},
		"a function that ignores failures":           {"set -e; f() { false; make; }; true && f && echo >/x", []string{"set -e; f() { false; make; }; true && f && :", "set -e && f() { false; make; } && echo >/x"}},
		"a function's variable":                      {"set -e; f() { echo $V; }; V=$(cat /v); make; f; make; echo >/x", []string{"set -e; f() { echo $V; }; V=$(cat /v); make; f", "set -e; f() { echo $V; }; make", "set -e; f() { echo $V; }; echo >/x"}},
		"exported before":                            {"export V && V=$(cat /v) && make && make install && echo >/x", nil},
		"exported in a branch":                       {"set -e; if [ -f /x ]; then export V=1; unset W; fi; make; make install; echo >/x", []string{"set -e; if [ -f /x ]; then export V=1; unset W; fi; make; make install", "set -e; echo >/x"}},
		"a variable of the shell's own":              {"make && IFS=$(cat /v) && make && for i in $X; do make $i; done", []string{"make", "IFS=$(cat /v) && make && for i in $X; do make $i; done"}},
		"no option":                                  {"set -- -e; make; make install", nil},
		"a cd that says nothing":                     {"cd /x >/dev/null && make && make install", nil},
		"the way back":                               {"cd /a && cd /b && make && make && cd - && make", nil},
		"CDPATH":                                     {"CDPATH=/opt && cd x && make && make install", nil},
		"a directory that is removed from elsewhere": {"cd /a/x && make && (cd /a && rm -rf x) && make && echo >/x", []string{"cd /a/x && make", "cd /a/x && (cd /a && rm -rf x) && make && echo >/x"}},
		"a link that is turned":                      {"cd /a && make && ln -sfn /b /a && make && echo >/x", []string{"cd /a && make", "cd /a && ln -sfn /b /a && make && echo >/x"}},
		"arithmetic in sh":                           {"((X=5)) && make && make install", nil},
		"a verb of unknown name":                     {"apt-get $(cat /v) && make && apt-get install -y x && echo >/x", []string{"apt-get $(cat /v) && make && apt-get install -y x", "echo >/x"}},
		"a verb of a branch":                         {"set -e; if [ -f /x ]; then V=update; fi; apt-get $V; make; apt-get install -y x; echo >/x", []string{"set -e; if [ -f /x ]; then V=update; fi; apt-get $V; make; apt-get install -y x", "set -e; echo >/x"}},
		"an index by an option":                      {"apk add -U a && make && apk add b && echo >/x", []string{"apk add -U a && make && apk add b", "echo >/x"}},
		"an index of another program":                {"add-apt-repository -y x && make && apt-get install -y a && echo >/x", []string{"add-apt-repository -y x && make && apt-get install -y a", "echo >/x"}},
		"who installs by an index":                   {"apt-get update && make && mk-build-deps -i x && make", nil},
		"a name of the machine":                      {"hostname x && make && make install", nil},
		"a file that cut reads":                      {"V=$(echo x | cut -c1 file) && make && echo $V >/x", nil},
		"one program's version":                      {"make && gcc --version", []string{"make", "gcc --version"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := "FROM debian\nRUN " + c.run + "\n"
			r := rewriteText(t, text, nil, dockerfile.Options{})
			var steps []string
			for line := range strings.Lines(string(r.Text)) {
				if text, ok := strings.CutPrefix(strings.TrimSpace(line), "RUN "); ok {
					for strings.HasPrefix(text, "--mount") {
						_, text, _ = strings.Cut(text, " ")
					}
					steps = append(steps, text)
				}
			}
			if c.steps == nil {
				c.steps = []string{c.run}
				steps = []string{strings.Join(steps, "")}
			}
			assert.Equal(t, c.steps, steps, string(r.Text))
		})
	}
}

// TestDivideLayers tells which chains become one layer: those of which a step takes
// away what an earlier one has made. The others cost nothing to divide.
func TestDivideLayers(t *testing.T) {
	for run, squashed := range map[string]bool{
		"apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/* && useradd x && mkdir /srv/x":     false,
		"make && make install && make -C /contrib install":                                                       false,
		"make && curl -o /tmp/x.tar https://example.com/x && tar xf /tmp/x.tar && rm /tmp/x.tar && echo x >/x":   false,
		"curl -o /x.tar https://example.com/x && tar xf /x.tar && make && rm /x.tar && make install && echo >/x": false,
		"curl -o /x.tar https://example.com/x && tar xf /x.tar && make && make install && rm /x.tar && echo >/x": true,
		"apt-get update && apt-get install -y gcc && make && apt-get purge -y gcc && echo x >/x":                 true,
		"make && chown -R x /srv && make install":                                                                true,
		"make && cd /x && make distclean && echo x >/x":                                                          true,
	} {
		t.Run(run, func(t *testing.T) {
			r := rewriteText(t, "FROM debian\nRUN "+run+"\n", nil, dockerfile.Options{})
			assert.Equal(t, squashed, len(r.Squashes) == 1, string(r.Text))
			assert.Greater(t, strings.Count(string(r.Text), "\nRUN "), 1)
		})
	}
}

// A chain stays whole where its steps could not become one layer on top of what is
// below it, and where a mount is what one command leaves for the next.
func TestDivideNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		opt  dockerfile.Options
	}{
		"a daemon that cannot diff": {"RUN make && make install && rm -rf /src", dockerfile.Options{NoDiff: true}},
		"a mount":                   {"RUN --mount=type=cache,target=/work make && make install", dockerfile.Options{}},
		"a file that bash reads":    {"SHELL [\"/bin/bash\", \"-c\"]\nENV BASH_ENV=/x\nRUN make && make install", dockerfile.Options{}},
		"up from WORKDIR":           {"WORKDIR /w\nRUN cd ../x && make && make install", dockerfile.Options{}},
		"another shell":             {"SHELL [\"/bin/zsh\", \"-c\"]\nRUN make && make install", dockerfile.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, 1, strings.Count(string(rewriteText(t, "FROM debian\n"+c.text+"\n", nil, c.opt).Text), "RUN "))
		})
	}
}
