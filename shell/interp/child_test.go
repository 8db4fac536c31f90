package interp

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

// children are a program's children in short: the path, what runs it, and how.
func children(p *shell.Program) []string {
	var out []string
	for i := range p.Children {
		c := &p.Children[i]
		s := c.Path
		if !c.InContext {
			s = "?" + c.Absolute
		}
		for _, a := range c.Args {
			s += " " + renderWord(a)
		}
		if c.Interpreter != "" {
			s = c.Interpreter + " " + s
		}
		for _, f := range []struct {
			on   bool
			name string
		}{
			{c.Conditional, "if"},
			{c.Loop, "loop"},
			{c.Glob, "glob"},
			{c.Exec, "exec"},
			{c.Optional, "optional"},
			{c.Background, "background"},
			{c.Subshell, "subshell"},
			{c.User != "", "as:" + c.User},
		} {
			if f.on {
				s += " +" + f.name
			}
		}
		out = append(out, s)
	}
	return out
}

func TestChildren(t *testing.T) {
	for _, tc := range childCases() {
		t.Run(tc.name, func(t *testing.T) {
			p := load(t, context("-- main.sh --\n"+tc.src+"\n"), Options{Dir: "/context", Vars: map[string]string{"VERSION": "15"}})
			require.Equal(t, tc.want, strings.Join(children(p), "; "))
		})
	}
}

// The scripts that a driver is said to run are those that it runs, in that
// order, as far as nothing depends on conditions or patterns.
func TestChildrenAgainstBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, tc := range childCases() {
		t.Run(tc.name, func(t *testing.T) {
			surroundings := []string{"*", "?", "+if", "+background", "+as:", "main.sh", "/context/"}
			if slices.ContainsFunc(surroundings, func(s string) bool {
				return strings.Contains(tc.want, s) || s == "/context/" && strings.Contains(tc.src, s)
			}) {
				t.Skip("depends on the surroundings")
			}
			dir := t.TempDir()
			log := filepath.Join(t.TempDir(), "log")
			stub := fmt.Sprintf("#!%s\necho \"${0##*/}\" >> %s\n", bash, log)
			files := []string{"a.sh", "b.sh", "c.sh", "a", "b", "d.sh", "s/a.sh", "s/b.sh", "scripts/a.sh", "scripts/b.sh", "scripts/01-a.sh", "scripts/02-b.sh", "install-15.sh"}
			for _, name := range files {
				name = filepath.Join(dir, name)
				require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
				require.NoError(t, os.WriteFile(name, []byte(stub), 0o700)) //nolint:gosec // it is to be executed
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "main.sh"), []byte(tc.src), 0o600))
			p, err := NewFSLoader(os.DirFS(dir)).Load("main.sh", Options{
				Dir: dir, Mounts: []Mount{{Target: dir}}, Vars: map[string]string{"VERSION": "15"},
			})
			require.NoError(t, err)
			var want []string
			for i := range p.Children {
				if c := &p.Children[i]; !strings.HasSuffix(c.Path, ".py") && !strings.HasSuffix(c.Path, ".pl") && !strings.HasSuffix(c.Path, ".js") {
					want = append(want, path.Base(c.Path))
				}
			}
			cmd := exec.Command(bash, "main.sh")
			cmd.Dir = dir
			cmd.Env = []string{"PATH=/usr/bin:/bin", "VERSION=15"}
			_ = cmd.Run() // the status is that of the last command, which may not exist
			got, err := os.ReadFile(log)
			if len(want) > 0 {
				require.NoError(t, err)
			}
			require.Equal(t, strings.Join(want, " "), strings.Join(strings.Fields(string(got)), " "))
		})
	}
}

func childCases() []struct{ name, src, want string } {
	return []struct{ name, src, want string }{
		{"itself", `D=$(dirname "$0"); "$D/a.sh" x; "$D"/b.sh`, "a.sh x; b.sh"},
		{"by a shell", `D=$(dirname "$0"); bash -eu "$D/a.sh" x; sh -x ./b.sh; sh -- c.sh`, "bash a.sh x; sh b.sh; sh c.sh"},
		{"relative", `./a.sh; s/b.sh; a.sh`, "a.sh; s/b.sh"},
		{"after cd", `cd s; ./b.sh; cd ..; bash a.sh`, "s/b.sh; bash a.sh"},
		{"absolute", `/context/a.sh; bash /context/s/b.sh; bash /elsewhere/c.sh; /usr/bin/d`, "a.sh; bash s/b.sh"},
		{"interpreters", `python3 -u a.py x; perl b.pl; python3 -m venv y; python3 -c 'x'; node c.js`, "python3 a.py x; perl b.pl; node c.js"},
		{"wrapped", `sudo -u pg env A=1 bash a.sh; timeout 5 ./b.sh; time ./c.sh`, "bash a.sh +as:pg; b.sh; c.sh"},
		{"exec", `exec ./a.sh "$@"; ./b.sh`, "a.sh *… +exec"},
		{"exit", `./a.sh; exit; ./b.sh`, "a.sh"},
		{"guards", `if a; then ./a.sh; fi; b && ./b.sh; c || ./c.sh`, "a.sh +if; b.sh +if; c.sh +if"},
		{
			"optional", `[ -x ./a.sh ] && ./a.sh; if [[ -f b.sh ]]; then bash b.sh; fi; for f in s/*.sh; do [ -e "$f" ] || continue; bash "$f"; done`,
			"a.sh +if +optional; bash b.sh +if +optional; bash s/*.sh +loop +glob +optional",
		},
		{"background", `./a.sh & (./b.sh); x=$(./c.sh); ./d.sh | tee log`, "a.sh +background +subshell; b.sh +subshell; c.sh +subshell; d.sh +subshell"},
		{"literal loop", `for s in 01-a 02-b; do bash "scripts/$s.sh"; done`, "bash scripts/01-a.sh +loop; bash scripts/02-b.sh +loop"},
		{"array loop", `L=(a.sh s/b.sh); L+=(c.sh); for s in "${L[@]}"; do "./$s"; done`, "a.sh +loop; s/b.sh +loop; c.sh +loop"},
		{"glob loop", `for s in "$(dirname "$0")"/scripts/*.sh; do echo "$s"; bash "$s"; done`, "bash scripts/*.sh +loop +glob"},
		{"glob loop by name", `cd scripts; for s in [0-9]*.sh; do ./"$s"; done`, "scripts/[0-9]*.sh +loop +glob"},
		{"glob array", `L=(scripts/*.sh); for s in "${L[@]}"; do bash "$s"; done`, "bash scripts/*.sh +loop +glob"},
		{"run-parts", `run-parts --regex '\.sh$' scripts`, "run-parts scripts/* +loop +glob"},
		{
			"find", `find scripts -name '*.sh' -exec bash {} \;; find scripts -maxdepth 1 -name '*.sh' | sort | while read -r f; do bash "$f"; done`,
			"bash scripts/**/*.sh +loop +glob; bash scripts/*.sh +loop +glob +subshell",
		},
		{"while read from find", `while IFS= read -r f; do "$f"; done < <(find "$PWD/scripts" -type f -name '[0-9]*.sh' | sort)`, "scripts/**/[0-9]*.sh +loop +glob"},
		{"while read from ls", `ls scripts/*.sh | while read f; do sh $f; done`, "sh scripts/*.sh +loop +glob +subshell"},
		{"mapfile", `mapfile -t l < <(find scripts -maxdepth 1 -name '*.sh' | sort); for f in "${l[@]}"; do bash "$f"; done`, "bash scripts/*.sh +loop +glob"},
		{"for in find", `for f in $(find scripts -maxdepth 1 -name '*.sh' | sort); do bash $f; done`, "bash scripts/*.sh +loop +glob"},
		{"heredoc list", "while read -r s; do bash scripts/$s; done <<EOF\na.sh\nEOF\n", "bash scripts/a.sh +loop"},
		{"heredoc lines", "while read -r s; do bash scripts/$s; done <<EOF\na.sh\n\n  b.sh\nEOF\n", "bash scripts/a.sh +loop; bash scripts/b.sh +loop"},
		{"mapfile lines", "mapfile -t l <<EOF\na.sh\nb.sh\nEOF\nfor s in \"${l[@]}\"; do ./$s; done", "a.sh +loop; b.sh +loop"},
		{"heredoc sorted", "cat <<EOF | sort -r | while read -r s; do bash scripts/$s; done\na.sh\nb.sh\nEOF\n", "bash scripts/* +loop +glob +subshell"},
		{"function", `run() { echo "$1"; bash "scripts/$1.sh" "${@:2}"; }; run a; run b x`, "bash scripts/a.sh; bash scripts/b.sh x"},
		{"function in a loop", `run() { "./$1"; }; for s in a b; do run $s; done`, "a +loop; b +loop"},
		{"forwarded", `try() { "$@" || exit 1; }; try bash a.sh x; try ./b.sh`, "bash a.sh x; b.sh"},
		{"sh -c", `bash -c './a.sh && ./b.sh'`, "a.sh +subshell; b.sh +if +subshell"},
		{"argument in the name", `bash "install-${VERSION}.sh"; bash "x-$OTHER.sh"`, "bash install-15.sh; bash x-*.sh +glob"},
		{"unknown", `bash "$1"; sh $(c); "$1"`, "bash ?; sh ?"},
		{"not a script", `bash; bash -c x; sh -s; python3`, ""},
		{"case", `case $(uname -m) in x86_64) ./a.sh;; *) ./b.sh;; esac`, "a.sh +if; b.sh +if"},
		{"one of two", `if c; then s=a; else s=b; fi; "./$s.sh"`, "a.sh +if; b.sh +if"},
		{"uncalled", `f() { ./a.sh; }`, ""},
		{"own self", `"$0" x`, "main.sh x"},
		{"decided", `if [ $VERSION -ge 15 ]; then ./a.sh; else ./b.sh; fi`, "a.sh; b.sh +if"},
		{"trap", `trap ./a.sh EXIT`, "a.sh +if"},
		{"xargs", `ls scripts/*.sh | xargs -n1 bash; find scripts -name '*.sh' | xargs -I{} sh {} x`, "bash scripts/*.sh +glob +subshell; sh scripts/**/*.sh x +glob +subshell"},
		{"checked", `[ -f ./a.sh ] || exit 1; ./a.sh; if [ ! -x ./b.sh ]; then exit; fi; ./b.sh; c && ./c.sh`, "a.sh +optional; b.sh +optional; c.sh +if"},
		{"else", `if [ ! -f ./a.sh ]; then b; else ./a.sh; fi`, "a.sh +if +optional"},
		{"unless missing", `[ ! -f ./a.sh ] || ./a.sh`, "a.sh +if +optional"},
		{"skip", `for s in a b; do [ -n "$x" ] && continue; ./$s; done`, "a +loop; b +loop"},
		{"until", `until ./a.sh; do sleep 1; done`, "a.sh"},
	}
}

func TestChildDetails(t *testing.T) {
	p := load(t, context(`-- main.sh --
#!/bin/bash
export A=1 B="$x"
C=2
export D; D=3
. ./lib.sh
run() {
  if [ "$1" ]; then
    cd sub && E=4 env F=5 bash -eu ../a.sh "$1" >log 2>&1
  fi
}
for s in x y; do
  run "$s"
done
-- lib.sh --
export G=6
-- a.sh --
echo
`), Options{Dir: "/context"})
	require.Len(t, p.Children, 2)
	c := p.Children[0]
	require.Equal(t, "a.sh", c.Path)
	require.Equal(t, "/context/a.sh", c.Absolute)
	require.Equal(t, "/context/sub", c.Dir)
	require.Equal(t, "run", c.Func)
	require.Equal(t, shell.Pos{Line: 8, Column: 27}, c.Pos)
	require.Equal(t, "-eu", c.InterpreterArgs[0].Value)
	require.Equal(t, "x", c.Args[0].Value)
	require.Equal(t, "y", p.Children[1].Args[0].Value)
	require.Len(t, c.Redirects, 2)
	var env []string
	for _, v := range c.Env {
		env = append(env, fmt.Sprintf("%s=%s@%s:%d", v.Name, v.Value.Value, v.From, v.Pos.Line))
	}
	require.Equal(t, []string{"A=1@main.sh:2", "B=*@main.sh:2", "D=3@main.sh:4", "G=6@lib.sh:1"}, env)
	var assigns []string
	for _, a := range c.Assigns {
		assigns = append(assigns, a.Name+"="+a.Value.Value)
	}
	require.Equal(t, []string{"E=4", "F=5"}, assigns)
	var guards []shell.GuardKind
	for _, g := range c.Guards {
		guards = append(guards, g.Kind)
	}
	require.Equal(t, []shell.GuardKind{shell.GuardFor, shell.GuardIf, shell.GuardAnd}, guards)
}

// The driver of a realistic tree comes apart into its scripts.
func TestDriver(t *testing.T) {
	l := NewFSLoader(os.DirFS("testdata/pg"))
	opts := Options{Dir: "/", Follow: true, Vars: map[string]string{"POSTGRESQL_VERSION": "15.4"}}
	p, err := l.Load("setup/setup.sh", opts)
	require.NoError(t, err)
	require.Equal(t, []string{
		"bash setup/scripts/01-locales.sh",
		"bash setup/scripts/02-install-postgresql.sh",
		"bash setup/scripts/03-install-python.sh +loop",
		"bash setup/scripts/04-install-patroni.sh +loop",
		"bash setup/scripts/05-extensions.sh",
		"setup/scripts/99-cleanup.sh",
	}, children(p))
	require.Equal(t, shell.TruthTrue, p.Children[4].Guards[0].Holds)
	require.Len(t, p.Programs, 6)
	require.Empty(t, p.Unresolved)

	opts.Vars = nil
	p, err = l.Load("setup/setup.sh", opts)
	require.NoError(t, err)
	require.True(t, p.Children[4].Conditional, "the version is not known")
	require.Equal(t, `[ "${PG_MAJOR}" -ge 14 ]`, p.Children[4].Guards[0].Text)
}
