package interp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

// effects are a program's effects in short.
func effects(p *shell.Program) string {
	var out []string
	for i := range p.Effects {
		e := &p.Effects[i]
		s := fmt.Sprintf("%d:%s %s", e.Children, e.Kind, e.Name)
		if e.Value != "" {
			s += "=" + e.Value
		}
		for on, name := range map[bool]string{e.Conditional: " +if"} {
			if on {
				s += name
			}
		}
		if e.Subshell {
			s += " +subshell"
		}
		if e.Pure {
			s += " +pure"
		}
		out = append(out, strings.TrimSuffix(strings.ReplaceAll(s, "  ", " "), " "))
	}
	return strings.Join(out, "; ")
}

func TestEffects(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{"none", `D=$(cd "$(dirname "$0")" && pwd); echo hi; ./a.sh`, "0:command dirname +subshell +pure; 0:cd =/context +subshell"},
		{"export", `export A=1; ./a.sh; export B=$(c); ./b.sh`, "0:export A=1; 1:command c +subshell; 1:export B=*"},
		{"cd", `./a.sh; cd /tmp; ./b.sh`, "1:cd =/tmp; 1:command b.sh"},
		{"options", `set -euo pipefail; umask 022; shopt -s nullglob; ulimit -n 5; ./a.sh`, "0:option set -euo; 0:option umask; 0:option shopt; 0:option ulimit"},
		{"trap", `trap 'rm x' EXIT; ./a.sh`, "0:trap +pure; 0:command rm +if"},
		{"exec redirect", `exec > >(tee log) 2>&1; ./a.sh`, "0:command tee +subshell; 0:redirect"},
		{"background", `sleep 5 & ./a.sh`, "0:background; 0:command sleep +subshell +pure"},
		{"command", `mkdir /x; ./a.sh; date`, "0:command mkdir; 1:command date +pure"},
		{"write", `echo x > /etc/x; ./a.sh >> /dev/null; c 2>/dev/stderr`, "0:write /etc/x; 1:command c"},
		{"unset", `unset A; ./a.sh`, "0:unset A"},
		{"source", `. ./lib.sh; ./a.sh`, "0:source ./lib.sh; 0:export FROM_LIB=1"},
		{"exit", `./a.sh; c || exit 1`, "1:command c; 1:exit 1 +if"},
		{"skip", `for s in a b; do [ "$s" = b ] && continue; ./$s; done`, "0:skip continue +if; 1:skip continue"},
		{"return", `f() { c && return; ./a.sh; }; f`, "0:command c; 0:skip return +if"},
		{"allexport", `set -a; A=1; set +a; B=2`, "0:option set -a; 0:export A=1; 0:option set +a"},
		{"dynamic", `"$x"; eval "$y"`, "0:dynamic \"$x\"; 0:dynamic $y; 0:dynamic eval"},
		{"function", `f() { export A=1; }; if c; then f; fi`, "0:command c; 0:export A=1 +if"},
		{"not called", `f() { export A=1; }`, ""},
		{"exec", `exec ./a.sh`, "1:exit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := load(t, context("-- main.sh --\n"+tc.src+"\n-- lib.sh --\nexport FROM_LIB=1\n"), Options{Dir: "/context"})
			require.Equal(t, tc.want, effects(p))
		})
	}
}

// A command in a loop or function that is followed has the arguments of each time.
func TestEffectArguments(t *testing.T) {
	p := load(t, context("-- main.sh --\nrun() { chmod +x \"$1\"; }\ncd /opt\nfor f in a b; do chmod 755 $f; done\nrun c || true\n"), Options{Dir: "/context"})
	var got []string
	for _, e := range p.Effects {
		if e.Kind == shell.EffectCommand {
			got = append(got, fmt.Sprintf("%s: %s %s %s %v", e.Dir, e.Name, e.Args[0].Value, e.Args[1].Value, e.Tested))
		}
	}
	require.Equal(t, []string{"/opt: chmod 755 a false", "/opt: chmod 755 b false", "/opt: chmod +x c true"}, got)
}

// A loop is open when nobody knows how often its body runs.
func TestOpenLoops(t *testing.T) {
	for src, open := range map[string]bool{
		"for i in 1 2; do ./a.sh; done":                 false,
		"for i in $(seq 2); do ./a.sh; done":            true,
		"for ((i = 0; i < 3; i++)); do ./a.sh; done":    true,
		"while c; do ./a.sh; done":                      true,
		`for i in 1 $X; do ./a.sh; done`:                true,
		`X="1 2"; for i in $X; do ./a.sh; done`:         false,
		"select i in 1 2; do ./a.sh; done":              true,
		`for i in 1; do while c; do ./a.sh; done; done`: true,
	} {
		p := load(t, context("-- main.sh --\n"+src+"\n"), Options{Dir: "/context"})
		require.NotEmpty(t, p.Children, src)
		got := false
		for _, g := range p.Children[0].Guards {
			got = got || g.Open
		}
		require.Equal(t, open, got, src)
	}
}

// What a file of the system sets is known, though nobody has read it.
func TestSourcedUnseen(t *testing.T) {
	p := load(t, context("-- main.sh --\nA=a ID=mine\n. /etc/os-release\nc \"$A\" \"$ID\"\n. /etc/profile\nc \"$A\"\n"), Options{Dir: "/context"})
	var got []string
	for _, c := range p.Main.Calls {
		for _, w := range c.Args {
			if c.Name == "c" {
				got = append(got, fmt.Sprint(w.Value, w.Known))
			}
		}
	}
	require.Equal(t, []string{"atrue", "*false", "*false"}, got)
	require.Contains(t, Sets("/etc/os-release"), "VERSION_CODENAME")
	require.Nil(t, Sets("/etc/profile"))
}
