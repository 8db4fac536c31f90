package dockerfile

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// A chain that is cut wherever it may be does what it did: each of these is run
// as it stands, and as its steps, each in a shell of its own, and the two trees
// that come of it are compared. ROOT stands for the tree, LOG for a file in it.
func links() []string {
	return []string{
		"X=one", "X=$X-two", "export Y=$X", "export Y", "export Y=three X=four", "Z=$(cat LOG | wc -l)", "Z=$(cat nothing || echo none)",
		"export Z=$(cat LOG | wc -l)", "A=$Z/b", "B=$(echo $X | cut -c1)", "echo x=$X y=$Y z=$Z a=$A b=$B >>LOG", "sh -c 'echo in: $X $Y $Z $D $V' >>LOG",
		"mkdir -p d1 d2/d3", "cd d1", "cd ROOT/w", "cd ..", "cd d2/d3", "cd -", "cd $X", "cd $(pwd)", "pwd >>LOG", "rm -rf d1", "rm -rf ../d1", "rm -rf ROOT/w/d1 ROOT/w/d2",
		"mv d1 d9", "touch here", "touch $X$Z", "set -- p q r", "set -- $X $Z", "shift", `echo "$@" >>LOG`, "umask 077", "umask 022", "touch mode$X",
		"if [ -f here ]; then X=yes; else Q=no; fi", "echo $Q >>LOG", "for i in 1 2; do echo $i $X >>LOG; done", "echo last $i >>LOG", "f() { echo f: $X $1 >>LOG; }", "f a", "g() { X=g; cd ROOT/w; }", "g",
		"read R <LOG", "echo r=$R >>LOG", ": ${D:=default}", "echo d=$D >>LOG", "! grep -q nothing LOG", "[ -f nothing ] && echo found >>LOG", "[ -f here ] && echo here >>LOG",
		"false || echo alternative >>LOG", "N=$((N+1))", "echo n=$N >>LOG", "unset X", "unset Y Z", "set +e", "set -e", "set -u", "set -f", "echo * >>LOG", "(cd d2 && X=sub && touch insub)",
		"{ Q=brace; cd ROOT/w; }", "eval E=5", "eval 'cd ROOT/w'", "echo e=$E >>LOG", ". ROOT/vars.sh", "echo v=$V >>LOG", "trap 'echo bye >>LOG' EXIT", "exec 3>>LOG", "echo three >&3",
		"echo status $? >>LOG", "if [ -f ROOT/stop ]; then exit 0; fi", "if [ -f here ]; then exit; fi", "[ -f here ] || exit 3", "touch ROOT/stop", "IFS=:", "case $X in one) C=1;; *) C=2;; esac", "echo c=$C >>LOG",
		"P=$PWD", "echo p=$P >>LOG", "ls | while read l; do X=$l; done", "cat LOG | head -1 >first", "test -d d1", "true", "while [ ! -f w1 ]; do touch w1; W=1; done", "echo w=$W >>LOG", "set -a", "K=secret", "env | grep ^K= >>LOG || :", "alias ll=ls",
		"export $X=indirect", "env | grep ^one= >>LOG || true", "X=`echo back`", "head -1 LOG | tr a-z A-Z >>LOG", "exit 0", "exit 1",
		"arr=(*)", "arr=(a b)", `echo "${arr[@]}" >>LOG`, "set +o errexit", "set -o pipefail", "shopt -s lastpipe", "echo piped | read X", "X=temp : ", "X=temp export Y", "cat <(echo sub) >>LOG",
		"arr+=(c)", "declare -i I=4", "I+=3", "echo i=$I >>LOG", "mapfile -t M <LOG", `echo "m=${M[0]}" >>LOG`, "printf -v F %03d 7", "echo f=$F >>LOG", "let L=2+3", "echo l=$L >>LOG", "((T=5))", "echo t=$T >>LOG",
		"if cd d1; then pwd >>LOG; fi", "until cd d2; do mkdir d2; done", "pwd -P >>LOG", "cd d1 || true", "time true", "echo ${X:-none} ${Y:+some} >>LOG", "export -n Y", "readonly RO=1", "echo ro=$RO >>LOG",
		"h() { false; echo after >>LOG; }", "h", "k() { echo k: $V $Z $? >>LOG; }", "k", "b() { cd -; }", "b", "(cd - && touch back)", "echo $OLDPWD >>LOG", "cd d1 >/dev/null", "! cd d1", `\cd d2`, "command -p cd ROOT/w",
		"set -f >/dev/null", "umask 077 2>/dev/null", "set -- -e", "shopt -uo errexit", "[[ abc =~ ^(a) ]]", `echo "re=${BASH_REMATCH[1]}" >>LOG`, "echo x {fd}>ROOT/fd", "echo y >&$fd", "V=$(cat LOG)", "export V", "n=V", "echo ${!n} >>LOG",
		"declare -n ref=V", "ref=$(echo LOG)", `read "V" <LOG`, "read $n <LOG", "if [ -d ROOT ]; then export Z=1; unset W; fi", "sh -c 'echo z: $Z' >>LOG", "(cd .. && rm -rf d1)", "ln -s d1 l", "cd l", "ln -sfn ROOT/w/d2 ROOT/w/l",
		"R=$((RANDOM))", "echo $R >random", "[ $(cat random) = $R ] && rm random", "IFS=$(cat LOG | head -c 1)", "CDPATH=ROOT/w/d2", "false && true", "echo $(false; echo sub) >>LOG", "exit 256", "X=1 f", "find . -type d -exec touch {}/t \\;", "((U=1))", "echo u=$U >>LOG", `[ "x" ]`, "S=$((1<<2))", "echo s=$S $((S<<1)) >>LOG",
	}
}

func TestDividedChainsDoTheSame(t *testing.T) {
	seed := uint64(1)
	cut, all := 0, links()
	for ; seed <= 400; seed++ {
		rnd := rand.New(rand.NewPCG(seed, 16)) //nolint:gosec // a family of tests
		shell := []string{"sh", "bash"}[rnd.IntN(2)]
		var list []string
		for range 3 + rnd.IntN(8) {
			list = append(list, all[rnd.IntN(len(all))])
		}
		text := strings.Join(list, " && ")
		switch rnd.IntN(3) {
		case 0:
			text = "set -e; " + strings.Join(list, "; ")
		case 1:
			at := rnd.IntN(len(list))
			text = "set -eu; " + strings.Join(append(list[:at:at], strings.Join(list[at:], " && ")), "; ")
		}
		whole, divided := t.TempDir(), t.TempDir()
		steps := everywhere(t, text, shell, divided)
		if len(steps) < 2 {
			continue
		}
		cut++
		want, got := play(t, whole, shell, []string{text}), play(t, divided, shell, steps)
		require.Equal(t, want, got, "seed %d, %s:\n%s\nas\n%s", seed, shell, text, strings.Join(steps, "\n"))
	}
	require.Greater(t, cut, 120, "enough of them are cut")
}

// everywhere cuts a chain wherever that is allowed.
func everywhere(t *testing.T, text, shell, root string) []string {
	t.Helper()
	sc := newScope('\\', &ocispecs.ImageConfig{Env: []string{"PATH=" + os.Getenv("PATH")}})
	sc.Shell, sc.Dir, sc.Open = []string{shell, "-c"}, root+"/a/b/c/d/e/f/g/h/i/j/k/w", false
	r := newRootfs(fstest.MapFS{})
	text = strings.NewReplacer("LOG", root+"/log", "ROOT/w", sc.Dir, "ROOT", root).Replace(text)
	d := r.dividing(text, sc, r.examine(text, sc))
	if d == nil {
		return nil
	}
	var out []string
	for i := range d.does {
		d.does[i].long = true
	}
	for _, s := range d.steps(false) {
		out = append(out, d.text(s))
		f, err := Parse("Dockerfile", []byte("FROM x\nRUN "+out[len(out)-1]+"\n"))
		require.NoError(t, err)
		run, ok := f.Stages[0].Instructions[0].Command.(*instructions.RunCommand)
		require.True(t, ok)
		require.True(t, run.PrependShell, out)
		require.EqualValues(t, out[len(out)-1:], run.CmdLine)
	}
	return out
}

// play runs texts one after another, and tells what came of it.
func play(t *testing.T, root, shell string, texts []string) string {
	t.Helper()
	dir := root + "/a/b/c/d/e/f/g/h/i/j/k/w"
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(root+"/vars.sh", []byte("V=sourced\n"), 0o600))
	require.NoError(t, os.WriteFile(root+"/log", []byte("log\n"), 0o600))
	status := 0
	for _, text := range texts {
		text = strings.NewReplacer("LOG", root+"/log", "ROOT/w", dir, "ROOT", root).Replace(text)
		cmd := exec.Command(shell, "-c", text)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH")}
		if err := cmd.Run(); err != nil {
			status = 1
			break
		}
	}
	if status != 0 {
		return "failed" // what is left then is in no image
	}
	var out strings.Builder
	require.NoError(t, filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&out, strings.ReplaceAll(name, root, ""), info.Mode())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(name)
			fmt.Fprintln(&out, strings.ReplaceAll(string(data), root, ""))
			return err
		}
		return nil
	}))
	return out.String()
}
