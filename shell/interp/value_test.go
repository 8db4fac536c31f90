package interp

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/shell"
)

// The value of a word is seen in the arguments of a command named "see". The
// script is setup/run.sh, mounted at /context; VERSION is 15.4, EMPTY empty.
func TestValues(t *testing.T) {
	for _, tc := range valueCases() {
		t.Run(tc.name, func(t *testing.T) {
			s, err := parseWith("setup/run.sh", []byte(tc.src), valueOptions())
			require.NoError(t, err)
			require.Equal(t, tc.want, seen(s))
		})
	}
}

func valueOptions() Options {
	return Options{Vars: map[string]string{"VERSION": "15.4", "EMPTY": ""}}
}

func valueCases() []struct{ name, src, want string } {
	return []struct{ name, src, want string }{
		{"literal", `see a 'b c' "d e" f\ g`, `a "b c" "d e" "f g"`},
		{"assigned", `x=a; y=$x/b; see $y "$y"`, `a/b a/b`},
		{"given", `see $VERSION "${VERSION}"`, `15.4 15.4`},
		{"not given", `see "$OTHER" $OTHER "a-$OTHER-b"`, `* *… a-*-b`},
		{"default", `see "${OTHER:-d}" "${VERSION:-d}" "${EMPTY:-d}" "${EMPTY-d}"`, `d 15.4 d ""`},
		{"assign default", `: "${OTHER:=d}"; see "$OTHER"`, `d`},
		{"alternative", `see "${VERSION:+y}" "${EMPTY:+y}" "${OTHER:+y}"`, `y "" ""`},
		{"error", `see "${VERSION:?must be set}"`, `15.4`},
		{"from a command", `x=$(nproc); see "$x" "${x:-d}" -j"$x"`, `* * -j*`},
		{"default of unknown", `read -r x; see "${x:-d}"`, `*`},
		{"length", `see ${#VERSION}`, `4`},
		{"major version", `see "${VERSION%%.*}" "${VERSION##*.}" "${VERSION%.4}" "${VERSION#15}"`, `15 4 15 .4`},
		{"major version by cut", `see "$(echo "$VERSION" | cut -d. -f1)" $(cut -d . -f 2 <<<"$VERSION")`, `15 4`},
		{"replace", `see "${VERSION/./_}" "${VERSION//[0-9]/x}" "${VERSION//./}"`, `15_4 * 154`},
		{"case", `x=aB; see "${x^^}" "${x,,}" "${x^}"`, `AB ab AB`},
		{"slice", `x=abcdef; see "${x:2}" "${x:1:2}" "${x: -2}"`, `cdef bc ef`},
		{"branches", `if c; then x=a; else x=b; fi; see "$x" "p-$x"`, `{a,b} {p-a,p-b}`},
		{"one branch", `x=a; if c; then x=b; fi; see "$x"`, `{b,a}`},
		{"branch that ends", `x=a; if c; then x=b; exit 1; fi; see "$x"`, `a`},
		{"case branches", `case $(c) in a) x=1;; b) x=2;; *) x=3;; esac; see "$x"`, `{1,2,3}`},
		{"decided branch", `if [ "$VERSION" = 15.4 ]; then x=a; else x=b; fi; see "$x"`, `a`},
		{"decided case", `case $VERSION in 14.*) x=a;; 15.*) x=b;; *) x=c;; esac; see "$x"`, `b`},
		{"default decides nothing", `if [ "${OTHER:-no}" = no ]; then x=a; else x=b; fi; see "$x"`, `{a,b}`},
		{"set unless set", `if [ -z "$OTHER" ]; then OTHER=d; fi; [[ -n ${MORE-} ]] || MORE=e; see "$OTHER" "$MORE"`, `d e`},
		{"set unless given", `[ -n "$VERSION" ] || VERSION=d; [ -z "$EMPTY" ] && EMPTY=e; see "$VERSION" "$EMPTY"`, `15.4 e`},
		{"and", `x=a; c && x=b; see "$x"`, `{b,a}`},
		{"or that ends", `x=a; c || exit 1; see "$x"`, `a`},
		{"subshell", `x=a; (x=b; see "$x"); see "$x"`, `b | a`},
		{"pipeline", `x=a; c | while read -r l; do x=b; done; see "$x"`, `a`},
		{"loop changes", `x=a; while c; do x=$x/b; done; see "$x"`, `*`},
		{"append", `x=a; x+=b; see "$x"`, `ab`},
		{"unset", `x=a; unset x; see "${x:-d}"`, `d`},
		{"readonly", `readonly x=a; x=b; see "$x"`, `a`},
		{"prefix", `x=b true; see "$x"`, `*`},
		{"arithmetic", `x=1; ((x++)); see "$x" $((x + 1)) $((5))`, `* *… 5`},
		{"field splitting", `x="a b  c"; see $x "$x"`, `a b c "a b  c"`},
		{"no field splitting", `IFS=$'\n\t'; x="a b"; see $x`, `"a b"`},
		{"empty", `x=; see $x "$x" ""`, `"" ""`},
		{"braces", `see {a,b}c x{1..3} "{a,b}"`, `ac bc x1 x2 x3 {a,b}`},
		{"glob", `see *.sh "*.sh" a?b [ab]`, `*.sh… *.sh a?b… [ab]…`},
		{"glob in a variable", `x='*.sh'; see $x "$x"`, `*.sh… *.sh`},
		{"quoted in a glob", `see "a*b"*.sh`, `a\*b*.sh…`},
		{"array", `a=(x "y z" $VERSION); see "${a[@]}" "${a[1]}" "${a[*]}" "$a" "${a[-1]}"`, `x "y z" 15.4 "y z" "x y z 15.4" x 15.4`},
		{"array grows", `a=(x); a+=(y z); see "${a[@]}" "${a[@]:1}"`, `x y z y z`},
		{"array grows in a branch", `a=(x); if c; then a+=(y); fi; see "${a[@]}"`, `x… y…`},
		{"array unknown", `a=($(c)); see "${a[@]}"`, `*…`},
		{"array element", `a[0]=x; see "${a[0]}" "${a[@]}"`, `* x…`},
		{"positional", `set -- a "b c"; see "$1" "$@" $#`, `a a "b c" 2`},
		{"shift", `set -- a b c; shift; see "$@"; shift 2; see "$@" end`, `b c | end`},
		{"own arguments", `see "$1" "$@"`, `* *…`},
		{"function argument", `f() { see "$1" "${2:-d}"; }; f a`, `a d`},
		{"function argument later", `f() { see "$1"; }; f a; f b`, `{a,b}`},
		{"function assigns", `f() { x=a; }; f; see "$x"`, `a`},
		{"function local", `x=a; f() { local x=b; see "$x"; }; f; see "$x"`, `b | a`},
		{"function returns", `f() { x=a; if c; then return; fi; x=b; }; f; see "$x"`, `{b,a}`},
		{"function prints", `f() { echo "$x/y"; }; x=a; see "$(f)"`, `a/y`},
		{"printf", `see "$(printf '%s-%s\n' a "$VERSION")" "$(printf '%d' 1)"`, `a-15.4 *`},
		{"printf -v", `printf -v x '%s' a; see "$x"`, `*`},
		{"recursion", `f() { f; see a; }; f`, `a`},
		{"heredoc", "see <<EOF\n$VERSION\nEOF\n", ``},
		{"tilde", `HOME=/root; see ~ ~/a ~postgres/b '~'`, `/root /root/a */b ~`},
		{"unseen source", `x=a; . /etc/profile; see "$x" "${y:-d}"`, `* *`},
		{"os-release", `x=a; . /etc/os-release; see "$x" "$VERSION_CODENAME"`, `a *`},
		{"eval", `x=a; eval "$(c)"; see "$x"`, `*`},
		{"literal eval", `eval 'x=a'; see "$x"`, `a`},
		{"mapfile", `mapfile -t a < <(c); see "${a[@]}"`, `*…`},
		{"dollar quote", `see $'a\tb' $'x'`, "a\tb x"},
		{"declare", `declare -r x=a; declare y=b z; see "$x" "$y"`, `a b`},
		{"export with value", `export x=a; see "$x"`, `a`},
		{"posix export", "#!/bin/sh\nv=1\nexport x=a$v y=\"b c\"\nreadonly z=c; see \"$x\" \"$y\" $z", `a1 "b c" c`},
		{"posix local", "#!/bin/sh\nf() { local x=a; see $x; }; f; see $x", `a | *…`},
		{"test does not matter", `[[ $x == a* ]] && see "${y:-b}"`, `b`},
		{"nested default", `see "${OTHER:-${VERSION:-x}}"`, `15.4`},
		{"loop", `for x in a b; do see "$x"; done; see "$x"`, `{a,b} | b`},
		{"loop over array", `a=(x y); for i in "${a[@]}"; do see "$i"; done`, `{x,y}`},
		{"loop over words", `l="x y"; for i in $l; do see "$i"; done`, `{x,y}`},
		{"loop over unknown", `for i in $(c); do see "$i"; done`, `*`},
		{"loop breaks", `for i in a b; do if [ -d $i ]; then x=$i; break; fi; done; see "$x" "${x:-d}"`, `* *`},
		{"loop breaks with default", `x=d; for i in a b; do if [ -d $i ]; then x=$i; break; fi; done; see "$x"`, `{d,a,b}`},
		{"loop breaks while", `x=d; while c; do x=a; e && break; x=b; done; see "$x"`, `*`},
		{"loop breaks twice", `x=d; for i in 1; do for j in 1; do x=a; break 2; done; x=b; done; see "$x"`, `a`},
		{"loop continues with", `x=d; for i in 1; do x=a; c && continue; x=b; done; see "$x"`, `{b,a}`},
		{"loop counts", `i=0; while c; do see "$i"; ((i++)); done`, `*`},
		{"loop calls", `x=a; f() { x=b$x; }; while c; do see "$x"; f; done`, `*`},
		{"loop calls through", `x=a; f() { x=b$x; }; run() { "$@"; }; while c; do see "$x"; run f; done`, `*`},
		{"loop changes the folder", `cd /a; while c; do see "$PWD"; cd b; done`, `*`},
		{"loop keeps", `x=a; while c; do see "$x"; y=b; done`, `a`},
		{"read two lines", "read -r x <<EOF\na\nb\nEOF\nsee \"$x\"", `{a,b}`},
		{"read two names", "read -r x y <<<'a b'; see \"$x\"", `*`},
		{"readlink", `cd /usr; see "$(readlink b)" "$(readlink -f b)" "$(realpath --relative-to=/x b)" "$(realpath -s b)"`, `* /usr/b * /usr/b`},
		{"basename", `see "$(basename /a/b.sh)" "$(basename /a/b.sh .sh)" "$(basename -s .sh /a/b.sh)"`, `b.sh b *`},
		{"array from a string", `x=a; x+=(b); see "${x[@]}"`, `a b`},
		{"array from nothing", `x=; x+=(b); see "${x[@]}"`, `"" b`},
		{"array from unset", `x+=(b); y+=c; see "${x[@]}" "$y"`, `b c`},
		{"string to an array", `x=(a); x+=b; see "${x[@]}"`, `ab`},
		{"array of unknown index", `x=(a b); see "${x[i]}" "${x[9]}" "${x[@]:i}"`, `* * a… b…`},
		{"array joined", `if c; then x=(a); else x=b; fi; see "${x[@]}"`, `*…`},
		{"slice of arguments", `set -- a b c; see "${@:2:1}" "${@:2}"`, `b b c`},
		{"letters", `see {a..c} {3..1} {01..03} {a..1}`, `a b c 3 2 1 01 02 03 {a..1}`},
		{"too many braces", `see {1..1000}`, `*…`},
		{"glob trimmed", `for f in /s/*.sh; do n=${f##*/}; see "$n" "${f%/*}" "${f#/s/}" "${f%.sh}" "${n%.x}"; done`, `*.sh /s *.sh /s/* *`},
		{"dirname", `see "$(dirname a)" "$(dirname /)" "$(dirname /a/$X)" "$(dirname "$X/a")"`, `. / * *`},
		{"cd", `cd /a; cd -; cd; see "$PWD"; cd /a; cd b/../c; see "$PWD"; pushd /x; pushd +1; see "$PWD"; popd; see "$PWD"`, `* | /a/c | * | *`},
		{"cd below unknown", `cd "/a/$X/.."; see "$PWD"`, `*`},
		{"cut", `see "$(echo a:b | cut -d: -f2)" "$(echo a | cut -d: -f2)" "$(echo a:b | cut -f1)" "$(echo a:b | cut -d: -f3)" "$(echo a:b | cut -c1)"`, `b a a:b "" *`},
		{"numbers", `if [ 3 -gt 2 ] && [ 1 -ne 2 ] && [ 1 -eq 1 ] && [ 1 -lt 2 ] && [ 1 -le 1 ]; then x=a; else x=b; fi; see "$x"`, `a`},
		{"not numbers", `if [ x -gt 2 ]; then x=a; else x=b; fi; see "$x"`, `{a,b}`},
		{"true and false", `if true; then x=a; else x=b; fi; if ! false; then y=c; fi; see "$x" "$y"`, `a c`},
		{"double brackets", `if [[ $VERSION == 15* && ( -n $VERSION || -z x ) && ! $VERSION != 15.4 ]]; then x=a; else x=b; fi; see "$x"`, `a`},
		{"test", `if test "$VERSION" != 15.4; then x=a; elif test ! -z "$VERSION"; then x=b; else x=c; fi; see "$x"`, `b`},
		{"quoted pattern", `x='a*b'; if [[ $x == "a*b" ]]; then y=1; fi; see "$y" "${x#"a*"}"`, `1 b`},
		{"long value", `x=0123456789abcdef; x=$x$x$x$x; x=$x$x$x$x; x=$x$x$x$x; x=$x$x$x$x; x=$x$x$x$x; x=$x$x$x$x; see "$x"`, `*`},
		{"let", `x=1; let "x = 2"; see "$x"`, `*`},
		{"array increment", `x=(1); ((x[0]++)); see "${x[0]}"`, `*`},
		{"nameref", `x=a; f() { local -n r=$1; r=b; }; f x; see "$x"`, `*`},
		{"export of unknown", `x=a; export $(cat .env | xargs); see "$x"`, `*`},
		{"export of unknown name", `x=a; export "$n=1"; see "$x"`, `*`},
		{"export in a loop", `for n in A B; do export "$n=1"; done; see "$A" "$B"`, `1 1`},
		{"lastpipe", `shopt -s lastpipe; x=a; c | read -r x; see "$x"`, `*`},
		{"loop continues", `for i in a b; do c && continue; see "$i"; done`, `{a,b}`},
	}
}

// What is said to be known is what bash makes of it. A word that rests on
// commands that do not exist here is not known, so that it does not matter what
// those do.
func TestValuesAgainstBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, tc := range valueCases() {
		t.Run(tc.name, func(t *testing.T) {
			s, err := parseWith("setup/run.sh", []byte(tc.src), valueOptions())
			require.NoError(t, err)
			interpreter := cmp.Or(s.Interpreter, "bash")
			cmd := exec.Command(bash, "-c", `see() { printf 'see %s' "$LINENO"; printf '|%s' "$@"; echo; }`+"\n"+tc.src)
			if interpreter == "sh" {
				cmd.Args = append([]string{bash, "--posix"}, cmd.Args[1:]...)
			}
			cmd.Dir = t.TempDir()
			cmd.Env = []string{"PATH=/usr/bin:/bin", "VERSION=15.4", "EMPTY=", "HOME=/root"}
			out, _ := cmd.Output() // the status is that of the last command, which may not exist
			compare(t, s, string(out))
		})
	}
}

// compare looks for each printed list of words among those that are said to be
// possible.
func compare(t *testing.T, s *shell.Script, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		got := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		if !strings.HasPrefix(line, "see ") {
			continue
		}
		possible := slices.ContainsFunc(s.Calls, func(c *shell.Call) bool { return c.Name == "see" && covers(c.Args, got[1:]) })
		require.True(t, possible, "bash sees %q", got)
	}
}

// covers reports whether words may be what was printed.
func covers(words []shell.Word, got []string) bool {
	if len(words) == 0 {
		return len(got) == 0 || len(got) == 1 && got[0] == ""
	}
	if slices.ContainsFunc(words, func(w shell.Word) bool { return w.Splits }) {
		return true
	}
	if len(words) != len(got) {
		return false
	}
	for i, w := range words {
		switch list := w.Choices(); {
		case list != nil && !slices.Contains(list, got[i]):
			return false
		case list == nil && !glob.Match(w.Value, got[i]):
			return false
		}
	}
	return true
}

// seen are the arguments of every see command, in source order.
func seen(s *shell.Script) string {
	out := ""
	n := 0
	for _, c := range s.Calls {
		if c.Name != "see" {
			continue
		}
		n++
		if n > 1 {
			out += " | "
		}
		for i, a := range c.Args {
			if i > 0 {
				out += " "
			}
			out += renderWord(a)
		}
	}
	return out
}

// The usual ways to find the script's own folder all come to /context/setup.
func TestOwnFolder(t *testing.T) {
	for _, src := range []string{
		`see "$(dirname "$0")"`,
		`see $(dirname $0)`,
		"see `dirname $0`",
		`see "$(dirname -- "$0")"`,
		`see "${0%/*}"`,
		`see "${BASH_SOURCE%/*}"`,
		`see "${BASH_SOURCE[0]%/*}"`,
		`see "$(cd "$(dirname "$0")" && pwd)"`,
		`see "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"`,
		`see "$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" &>/dev/null && pwd -P)"`,
		`see "$(cd "$(dirname "${BASH_SOURCE[0]}")" >/dev/null 2>&1; pwd)"`,
		`see "$(cd "${0%/*}" ; pwd)"`,
		`see "$(dirname "$(readlink -f "$0")")"`,
		`see "$(dirname "$(readlink -f -- "${BASH_SOURCE[0]}")")"`,
		`see "$(dirname "$(realpath "$0")")"`,
		`see "$(realpath "$(dirname "$0")")"`,
		`see "$(readlink -f "$(dirname "$0")")"`,
		`SCRIPT=$(readlink -f "$0"); DIR=$(dirname "$SCRIPT"); see "$DIR"`,
		`cd "$(dirname "$0")"; see "$PWD"`,
		`cd "$(dirname "$0")" || exit 1; see "$(pwd)"`,
		`cd "$(dirname "$0")"; DIR=$PWD; cd /tmp; see "$DIR"`,
		`pushd "$(dirname "$0")" >/dev/null; DIR=$(pwd); popd >/dev/null; see "$DIR"`,
		`DIR="$( cd "$( dirname "${BASH_SOURCE[0]}" )" >/dev/null 2>&1 && pwd )"; see "${DIR}"`,
		`DIR=$(dirname "$0"); . /etc/profile; see "$DIR"`,
		`dir() { cd "$(dirname "$0")" && pwd; }; see "$(dir)"`,
		`[ -n "${DIR:-}" ] || DIR=$(dirname "$0"); see "${DIR}"`,
		`see "${DIR:-$(dirname "$0")}"`,
		`SELF=$0; see "${SELF%"/run.sh"}"`,
		`ROOT=$(cd "$(dirname "$0")/.." && pwd); see "$ROOT/setup"`,
		`see "$(cd "$(dirname "$0")"/../setup && pwd)"`,
	} {
		t.Run(src, func(t *testing.T) {
			s, err := parseWith("setup/run.sh", []byte(src), Options{Dir: "/"})
			require.NoError(t, err)
			require.Equal(t, "/context/setup", seen(s))
			bash, err := exec.LookPath("bash")
			if err != nil {
				return
			}
			dir := filepath.Join(t.TempDir(), "setup")
			script := filepath.Join(dir, "run.sh")
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(script, []byte("see() { echo \"$@\"; }\n"+src), 0o600))
			out, err := exec.Command(bash, script).Output()
			require.NoError(t, err)
			require.Equal(t, dir+"\n", string(out), "what bash makes of it")
		})
	}
}
