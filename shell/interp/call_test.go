package interp

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

func TestCalls(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{"plain", "a b\n/usr/bin/c d", "a b; c d"},
		{"quoted name", `"apt-get" up'date'`, "apt-get update"},
		{"name in a variable", `APT="apt-get -y"; $APT install x`, "apt-get -y install x"},
		{"name in an array", `APT=(apt-get -y); "${APT[@]}" install x`, "apt-get -y install x"},
		{"dynamic", `"$x" a`, "? a"},
		{"one of two", `if c; then x=a; else x=b; fi; "$x" y`, "c; a y; b y"},
		{"substitution", "x=$(a b)\ny=`c`\nd \"$(e)\" <(f) >(g)", "a b; c; d * * *; e; f; g"},
		{"arithmetic", "((x = $(a) + 1)); let y=$(b); c $(( $(d) ))", "a; b; c *…; d"},
		{"heredoc", "a <<EOF\n$(b)\nEOF\nc <<'EOF'\n$(d)\nEOF\n", "a; b; c"},
		{"default word", `x=${y:-$(a)}`, "a"},
		{"redirection", `a > "$(b)"`, "a; b"},
		{"array", `x=($(a) b)`, "a"},
		{"conditions", "if a; then b; elif c; then d; else e; fi; while f; do g; done; until h; do i; done; case $(j) in k) l;; esac", "a; b; c; d; e; f; g; h; i; j; l"},
		{"function", "f() { a; }; function g { b; }; f; g", "a; b; f; g"},
		{"not called", "f() { a; }", "a"},
		{"empty loop", "for i in; do a; done", "a"},
		{"test", `[ -f a ] && [[ $b == c && ! -d d ]]; test -x e`, "[ -f a ]; [[ * == c && ! -d d; test -x e"},
		{"declare", `export A=b; local -r x; declare -A m`, "export A; local -r x; declare -A m"},
		{"select", "select x in a b; do c $x; done", "c {a,b}"},
		{"c loop", "for ((i = 0; i < $(a); i++)); do b; done", "a; b"},
		{"coproc", "coproc X { a; }", "a"},
		{"time", "time a b", "a b"},
		{"sudo", "sudo -E -u postgres A=b psql -c x", "psql -c x"},
		{"sudo alone", "sudo -v", "sudo -v"},
		{"sudo shell", "sudo -u pg -- bash -c 'a b'", "bash -c \"a b\"; a b"},
		{"doas", "doas -u pg a", "a"},
		{"env", "env -i -u X A=b C=d a e", "a e"},
		{"env -S", "env", "env"},
		{"exec", `exec a b; c`, "a b; c"},
		{"exec redirect", "exec >log 2>&1", "exec"},
		{"exec -a", "exec -a name a b", "a b"},
		{"command", "command a b; command -v c; command -p d", "a b; command -v c; d"},
		{"builtin", "builtin cd x", "cd x"},
		{"nice", "nice -n 5 ionice -c2 -n7 a", "a"},
		{"nice long", "nice --adjustment=5 a; nice -5 b", "a; b"},
		{"timeout", "timeout -k 5 --signal=KILL 30s a b; timeout 10 c", "a b; c"},
		{"nohup", "nohup setsid a &", "a"},
		{"stdbuf", "stdbuf -oL -e0 a", "a"},
		{"xargs", "a | xargs -0 -r -n 1 -P 4 b c; d | xargs -I{} e {}; f | xargs", "a; b c *…; d; e *; f; xargs"},
		{"gosu", "gosu postgres a b; su-exec pg:pg c", "a b; c"},
		{"chroot", "chroot --userspec=a:b /mnt a b; chroot /x", "a b; chroot /x"},
		{"flock", "flock -n -w 5 /tmp/lock a b; flock 9; flock /l -c 'd e'; flock -c 'f g' /l", "a b; flock 9; d e; f g"},
		{"flock options after", "flock -x /tmp/lock -c 'd e'", "d e"},
		{"setpriv", "setpriv --reuid=pg --regid 5 --clear-groups a", "a"},
		{"tini", "exec tini -- a b", "a b"},
		{"ccache", "ccache gcc -c x.c", "gcc -c x.c"},
		{"busybox", "busybox wget x; busybox sh -c 'a'", "wget x; sh -c a; a"},
		{"taskset", "taskset -c 0 a; taskset 0x1 b", "a; b"},
		{"su", `su - postgres -c "a 'b c'; d"`, `su - postgres -c "a 'b c'; d"; a "b c"; d`},
		{"su order", `su -c 'a b' postgres -s /bin/sh`, `su -c "a b" postgres -s /bin/sh; a b`},
		{"su heredoc", "su postgres <<'EOF'\na b\nEOF\n", "su postgres; a b"},
		{"runuser", "runuser -u pg -- a b; runuser -l pg -c 'c d'; runuser pg -s /bin/sh -c 'e'", `a b; runuser -l pg -c "c d"; c d; runuser pg -s /bin/sh -c e; e`},
		{"runuser options", "runuser -u pg -g x -s /bin/sh a; runuser -u pg -c 'b'; runuser -u pg", "a; runuser -u pg -c b; b; runuser -u pg"},
		{"sh -c broken", `sh -c 'if'`, "sh -c if"},
		{"sh -c", `sh -c 'a "$1" "$0"' x y`, `sh -c "a \"$1\" \"$0\"" x y; a y x`},
		{"bash -ec", `bash -euxo pipefail -c "a b && c"`, `bash -euxo pipefail -c "a b && c"; a b; c`},
		{"sh -c with variables", `x=v; sh -c "a $x \$y \"\$x\""`, `sh -c "a v $y \"$x\""; a v *… v`},
		{"sh -c unknown", `sh -c "$x"`, `sh -c *; ?`},
		{"sh -c substitution", `sh -c "$(a) b"`, `sh -c "* b"; ? b; a`},
		{"nested deeply", `sh -c 'sudo -u a bash -c "b c"'`, `sh -c "sudo -u a bash -c \"b c\""; bash -c "b c"; b c`},
		{"shell heredoc", "bash <<EOF\na $x\nb \\$y\nEOF\nsh -s -- z <<'E'\nc\nE\n", `bash; a *…; b *…; sh -s -- z; c`},
		{"cat into a shell", "cat <<EOF | sudo bash\na\nEOF\n", "cat; bash; a"},
		{"eval literal", `eval "a b"; eval 'c'`, `eval "a b"; a b; eval c; c`},
		{"eval words", `eval a "$b" 'c;' d`, `eval a * c; d; a *… c; d`},
		{"eval variables", `eval "a --x='$B' $C"`, `eval "a --x='*' *"; a --x=* *…`},
		{"sh -c known", `x="a b"; y=c; sh -c "$x $y '$y' \"$x\" '$z'"`, `sh -c "a b c 'c' \"a b\" '*'"; a b c c "a b" *`},
		{"sh -c in a function", `pg() { su postgres -c "psql -c '$1'"; }; pg a; pg b`, `su postgres -c {psql -c 'a',psql -c 'b'}; psql -c {a,b}; pg a; pg b`},
		{"trap", `trap 'a "$x"' EXIT; trap b INT; trap - TERM; trap '' HUP; b() { c; }`, `trap "a \"$x\"" EXIT; a *; trap b INT; b; trap - TERM; trap "" HUP; c`},
		{"find", `find /x -name '*.sh' -exec a {} \; -o -exec b -c {} +; find . -delete`, `find /x -name *.sh -exec a {} ; -o -exec b -c {} +; a *; b -c *…; find . -delete`},
		{"find sh", `find . -type f -exec sh -c 'a "$1"' _ {} \;`, `find . -type f -exec sh -c "a \"$1\"" _ {} ;; sh -c "a \"$1\"" _ /srv/**/*; a /srv/**/*`},
		{"forwarded", `run() { "$@"; }; run a b; run c`, "run a b; a b; run c; c"},
		{"forwarded after shift", `retry() { n=$1; shift; until "$@"; do sleep 1; done; }; retry 3 a b`, "shift; sleep 1; retry 3 a b; a b"},
		{"forwarded slice", `retry() { "${@:2}"; }; retry 3 a b`, "retry 3 a b; a b"},
		{"forwarded slice of an open list", `retry() { "${@:2:1}" "${@:2}"; }; retry 3 a b $C`, "retry 3 a b *…; a a… b… *…"},
		{"forwarded twice", `x() { "$@"; }; y() { x "$@"; }; y a b`, "x a b; y a b; a b"},
		{"forwarded text", `pg() { su postgres -c "$1"; }; pg 'a b'`, `su postgres -c "a b"; pg "a b"; a b`},
		{"forwarded in a wrapper", `pg() { gosu postgres "$@"; }; pg psql -c x`, `pg psql -c x; psql -c x`},
		{"function over builtin", `cd() { a; }; cd x`, "a; cd x"},
		{"wrapper over function", `f() { a; }; sudo f; command f`, "a; f; f"},
		{"background", "a & wait", "a; wait"},
		{"alias of nothing", `ls; \ls -l`, "ls; ls -l"},
		{"comment", "# a\nb # c", "b"},
		{"continued", "a \\\n  b \\\n  c", "a b c"},
		{"url", "curl -fsSL https://x/y?z=1 -o out", "curl -fsSL https://x/y?z=1 -o out"},
		{"bracket", "a [ b ]", "a [ b ]"},
		{"alternatives", "a || b && c", "a; b; c"},
		{"posix", "#!/bin/sh\na; if b; then c; fi", "a; b; c"},
		{"mksh", "#!/bin/mksh\na; x=${ b; }; [[ -n $x ]]", "a; b; [[ -n *"},
		{"bats", "#!/usr/bin/env bats\n@test \"x\" { a b; }", "a b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, strings.Join(renderCalls(parse(t, tc.src)), "; "))
		})
	}
}

func TestCallDetails(t *testing.T) {
	s := parse(t, strings.Join([]string{
		/* 1 */ `cd /src`,
		/* 2 */ `A=1 sudo -u postgres env B=2 C="$x" psql -f a.sql > /out 2>> "$log" < in <<<here`,
		/* 3 */ `curl -s x | sed s/a/b/ | bash -s -- y`,
		/* 4 */ `f() { if a; then b; fi; for i in 1 2; do c; done; }`,
		/* 5 */ `f; (d; e &)`,
		/* 6 */ `bash -c "$(curl y)"; bash <(wget z)`,
		/* 7 */ `exec gosu pg:grp postgres -D "$PGDATA"`,
	}, "\n"))

	psql := find(t, s, "psql")
	require.Equal(t, "postgres", psql.User)
	require.Equal(t, shell.Pos{Line: 2, Column: 37}, psql.Pos)
	require.Equal(t, "/src", psql.Dir)
	var wrappers []string
	for _, w := range psql.Wrappers {
		wrappers = append(wrappers, w.Name, strconv.Itoa(w.Pos.Column))
		for _, own := range w.Words {
			wrappers = append(wrappers, own.Text)
		}
	}
	require.Equal(t, []string{"sudo", "5", "sudo", "-u", "postgres", "env", "22", "env", "B=2", `C="$x"`}, wrappers)
	require.True(t, psql.Through("sudo"))
	require.False(t, psql.Through("su"))
	names := map[string]string{}
	for _, a := range psql.Assigns {
		names[a.Name] = a.Value.Value
	}
	require.Equal(t, map[string]string{"A": "1", "B": "2", "C": "*"}, names)
	require.Len(t, psql.Redirects, 4)
	require.Equal(t, "/out", psql.Redirects[0].Target.Value)
	require.True(t, psql.Redirects[0].Writes())
	require.Equal(t, "2", psql.Redirects[1].FD)
	require.False(t, psql.Redirects[1].Target.Known)
	require.True(t, psql.Redirects[2].Reads())
	require.Equal(t, "<<<", psql.Redirects[3].Op)

	var pipe []*shell.Call
	for _, c := range s.Calls {
		if c.Pos.Line == 3 {
			pipe = append(pipe, c)
		}
	}
	require.Len(t, pipe, 3)
	for i, c := range pipe {
		require.Equal(t, shell.Pipe{Pos: shell.Pos{Line: 3, Column: 1}, Stage: i, Stages: 3}, c.Pipe)
		require.True(t, c.Subshell)
	}

	b := find(t, s, "b")
	require.Equal(t, "f", b.Func)
	require.True(t, b.Conditional)
	require.Equal(t, []shell.Guard{{Kind: shell.GuardIf, Text: "a", Pos: shell.Pos{Line: 4, Column: 10}}}, b.Guards)
	a := find(t, s, "a")
	require.False(t, a.Conditional)
	c := find(t, s, "c")
	require.True(t, c.Loop)
	require.False(t, c.Conditional)
	require.True(t, c.MayNotRun())
	require.Equal(t, "i", c.Guards[0].Var)
	require.Equal(t, "1 2", c.Guards[0].Text)
	require.True(t, find(t, s, "d").Subshell)
	require.True(t, find(t, s, "e").Background)
	require.Equal(t, shell.CallFunction, find(t, s, "f").Kind)

	for _, c := range s.Calls {
		switch {
		case c.Pos.Line != 6:
		case c.Name == "curl":
			require.Equal(t, shell.Subst{Kind: shell.SubstCommand, Into: "bash", Pos: shell.Pos{Line: 6, Column: 10}}, c.Subst)
		case c.Name == "wget":
			require.Equal(t, shell.Subst{Kind: shell.SubstProcess, Into: "bash", Pos: shell.Pos{Line: 6, Column: 27}}, c.Subst)
		}
	}
	postgres := find(t, s, "postgres")
	require.Equal(t, "pg", postgres.User)
	require.Equal(t, "-D", postgres.Arg(0))
	require.Empty(t, postgres.Arg(1))
	require.True(t, postgres.HasArg("-x", "-D"))
	require.Equal(t, shell.CallProgram, postgres.Kind)
}

// Calls in text that is handed to a shell are where they stand in the file.
func TestNestedPositions(t *testing.T) {
	for _, tc := range []struct {
		name, src, call string
		want            shell.Pos
	}{
		{"single quotes", "sh -c 'a b; needle'", "needle", shell.Pos{Line: 1, Column: 13}},
		{"double quotes", `sh -c "a b; needle"`, "needle", shell.Pos{Line: 1, Column: 13}},
		{"lines", "sh -c '\n  a\n  needle\n'", "needle", shell.Pos{Line: 3, Column: 3}},
		{"double with lines", "sh -c \"a \\\"$x\\\"\n  needle\"", "needle", shell.Pos{Line: 2, Column: 3}},
		{"after an escape", `sh -c "a \$x; needle"`, "needle", shell.Pos{Line: 1, Column: 15}},
		{"after a variable", `sh -c "a $x; needle"`, "needle", shell.Pos{Line: 1, Column: 14}},
		{"after a substitution", `sh -c "a $(b c d); needle"`, "needle", shell.Pos{Line: 1, Column: 20}},
		{"heredoc", "bash <<EOF\na\n  needle\nEOF\n", "needle", shell.Pos{Line: 3, Column: 3}},
		{"quoted heredoc", "bash <<'EOF'\na\n  needle\nEOF\n", "needle", shell.Pos{Line: 3, Column: 3}},
		{"tab heredoc", "bash <<-EOF\n\ta\n\tneedle\n\tEOF\n", "needle", shell.Pos{Line: 3, Column: 2}},
		{"nested twice", `sh -c 'a; bash -c "b; needle"'`, "needle", shell.Pos{Line: 1, Column: 23}},
		{"trap", "trap 'needle' EXIT", "needle", shell.Pos{Line: 1, Column: 7}},
		{"eval", `eval "needle x"`, "needle", shell.Pos{Line: 1, Column: 7}},
		{"forwarded", "run() { \"$@\"; }\nrun needle", "needle", shell.Pos{Line: 2, Column: 5}},
		{"forwarded text", "pg() { su postgres -c \"$1\"; }\npg 'a; needle'", "needle", shell.Pos{Line: 2, Column: 8}},
		{"bom", "\xef\xbb\xbfneedle", "needle", shell.Pos{Line: 1, Column: 4}},
		{"crlf", "a\r\n  needle\r\n", "needle", shell.Pos{Line: 2, Column: 3}},
		{"multibyte", "echo äö; needle", "needle", shell.Pos{Line: 1, Column: 12}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, find(t, parse(t, tc.src), tc.call).Pos)
		})
	}
}

func TestOptionalCall(t *testing.T) {
	for _, tc := range []struct {
		src  string
		want bool
	}{
		{`if command -v needle >/dev/null; then needle; fi`, true},
		{`command -v needle &>/dev/null && needle`, true},
		{`type needle && needle`, true},
		{`if which needle; then a; else needle; fi`, false},
		{`if hash needle 2>/dev/null && a; then needle x; fi`, true},
		{`command -v other && needle`, false},
		{`command needle && needle x`, false},
		{`[ -x /usr/bin/needle ] && /usr/bin/needle`, true},
		{`needle`, false},
	} {
		t.Run(tc.src, func(t *testing.T) {
			s := parse(t, tc.src)
			require.Equal(t, tc.want, s.Calls[len(s.Calls)-1].Optional())
		})
	}
	require.True(t, shell.Never([]shell.Guard{{Holds: shell.TruthTrue}, {Holds: shell.TruthFalse}}))
	require.False(t, shell.Never([]shell.Guard{{Holds: shell.TruthTrue}, {}}))
}

func TestUnreached(t *testing.T) {
	s := parse(t, "f() { a; }\ng() { b; }\nh() { g; c; }\nf")
	require.False(t, find(t, s, "a").Unreached)
	require.True(t, find(t, s, "b").Unreached)
	require.True(t, find(t, s, "c").Unreached)
	called := map[string]bool{}
	for _, f := range s.Functions {
		called[f.Name] = f.Called
	}
	require.Equal(t, map[string]bool{"f": true, "g": false, "h": false}, called)

	// Any function may be meant by a name that is not known, but not by a
	// program that is executed.
	require.False(t, find(t, parse(t, "f() { a; }\n\"$1\""), "a").Unreached)
	require.True(t, find(t, parse(t, "f() { a; }\nexec \"$@\""), "a").Unreached)

	// A variable that has to be given is taken to be, where the script goes on.
	require.False(t, find(t, parse(t, "if [ -z \"$X\" ]; then exit 1; fi\na"), "a").Unreached)
	require.False(t, find(t, parse(t, "if [ -n \"$X\" ]; then :; else exit 1; fi\na"), "a").Unreached)
	require.True(t, find(t, parse(t, "if [ -z \"$X\" ]; then exit 1; else exit 2; fi\na"), "a").Unreached)
}

func TestConditional(t *testing.T) {
	for _, tc := range []struct {
		src  string
		want bool
	}{
		{"needle", false},
		{"if a; then needle; fi", true},
		{"if needle; then a; fi", false},
		{"if a; then b; elif needle; then c; fi", true},
		{"a && needle", true},
		{"a || needle", true},
		{"needle || a", false},
		{"case $x in y) needle;; esac", true},
		{"while a; do needle; done", false},
		{"f() { needle; }; f", false},
		{"f() { needle; }; a && f", true},
		{"f() { needle; }; a && f; f", false},
		{"f() { if a; then needle; fi; }; f", true},
		{"trap needle EXIT", true},
		{"if [ \"$VERSION\" -ge 15 ]; then needle; fi", false},
		{"if [ \"$VERSION\" -lt 15 ]; then needle; fi", true},
		{"if [[ $VERSION == 15 ]]; then a; else needle; fi", true},
		{"run() { if \"$@\"; then a; fi; }; run needle", false},
		{"run() { \"$@\"; }; b && run needle", true},
	} {
		t.Run(tc.src, func(t *testing.T) {
			s, err := parseWith("a.sh", []byte(tc.src), Options{Vars: map[string]string{"VERSION": "15"}})
			require.NoError(t, err)
			require.Equal(t, tc.want, find(t, s, "needle").Conditional)
		})
	}
}

func TestVerb(t *testing.T) {
	for src, want := range map[string]string{
		"apt-get -y install x":                        "install",
		"apt-get -o Dpkg::Use-Pty=0 -t sid install x": "install",
		"apt-get":                      "",
		"apt-get -y \"$VERB\" install": "",
		"npm --prefix /x ci":           "ci",
		"git -C x clone":               "x",
	} {
		s := parse(t, src)
		require.Equal(t, want, s.Calls[0].Verb(), src)
	}
}
