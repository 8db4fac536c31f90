package trace

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	Stub()
	if len(os.Args) > 2 && os.Args[1] == "trace" { // the tracer that is traced
		os.Exit(Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// folder is an empty directory, whose path has no links in it.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	return dir
}

// script runs a shell script in a folder, and returns what it did there, by
// path, as "did was left".
func script(t *testing.T, dir, text string, args ...string) map[string]string {
	t.Helper()
	t.Chdir(dir)
	record, status, err := Run(append([]string{"/bin/sh", "-eu", "-c", text, "sh"}, args...))
	require.NoError(t, err)
	require.Zero(t, status, "the script failed")
	require.Empty(t, record.Unknown)
	return inside(record, dir)
}

func inside(r *Record, dir string) map[string]string {
	out := map[string]string{}
	for _, p := range r.Paths {
		if name, is := strings.CutPrefix(p.Name, dir+"/"); is {
			out[name] = strings.Join([]string{p.Did.String(), string(p.Was), string(p.Left)}, " ")
		}
	}
	return out
}

func TestWhatIsRecorded(t *testing.T) {
	const tree = `
		mkdir d e; echo a >d/a; echo b >d/b; ln -s d link; ln -s nowhere broken
		printf '#!/bin/sh\necho x\n' >program; chmod +x program`
	helper := static(t)
	for name, test := range map[string]struct {
		script string
		want   map[string]string
	}{
		"read": {`read -r x <d/a`, map[string]string{
			"d/a": "read file file",
		}},
		"through a link": {`read -r x <link/a`, map[string]string{
			"link": "read link link", "d/a": "read file file",
		}},
		"through a link and up": {`read -r x <link/../d/a`, map[string]string{
			"link": "read link link", "d/a": "read file file",
		}},
		"at a link, then through it": {`test -L link; test -d link`, map[string]string{
			"link": "read link link", "d": "looked directory directory",
		}},
		"after cd": {`cd d; read -r x <./a`, map[string]string{
			"d": "looked directory directory", "d/a": "read file file",
		}},
		"no directory to write to": {`echo x >none/x || :; echo x >none/../x || :; mv d/a none/a || :`, map[string]string{
			"none": "absent nothing nothing", "none/x": "absent nothing nothing", "none/a": "absent nothing nothing", "x": "", "d/a": "looked file file",
		}},
		"looked for": {`test -e d/a; test ! -e d/none; test ! -e none/none`, map[string]string{
			"d/a": "looked file file", "d/none": "absent nothing nothing", "none/none": "absent nothing nothing",
		}},
		"a file in place of a directory": {`test ! -e d/a/x`, map[string]string{
			"d/a/x": "absent nothing nothing",
		}},
		"a link that leads nowhere": {`test ! -e broken`, map[string]string{
			"broken": "read link link", "nowhere": "absent nothing nothing",
		}},
		"listed": {`for f in d/*; do :; done`, map[string]string{
			"d": "listed directory directory",
		}},
		"created": {`echo >d/new`, map[string]string{
			"d/new": "absent,created nothing file", "d": "looked directory directory",
		}},
		"written anew": {`echo >d/a`, map[string]string{
			"d/a": "looked,written file file",
		}},
		"added to": {`echo >>d/a`, map[string]string{
			"d/a": "read,written file file",
		}},
		"what it made itself": {`echo x >new; read -r x <new; test -e new; mkdir n; for f in n/*; do :; done`, map[string]string{
			"new": "absent,created nothing file", "n": "absent,created nothing directory",
		}},
		"scratch": {`echo x >new; rm new`, map[string]string{
			"new": "absent,created,deleted nothing nothing",
		}},
		"deleted": {`rm d/a`, map[string]string{
			"d/a": "looked,deleted file nothing",
		}},
		"moved": {`mv d/a e/x`, map[string]string{
			"d/a": "read,deleted,renamed file nothing", "e/x": "absent,created,renamed nothing file",
			"e": "looked directory directory",
		}},
		"a directory moved": {`mv d f`, map[string]string{
			"d": "read,deleted,renamed directory nothing", "f": "absent,created,renamed nothing directory",
			"d/a": "read,deleted,renamed file nothing", "f/a": "absent,created,renamed nothing file",
			"d/b": "read,deleted,renamed file nothing", "f/b": "absent,created,renamed nothing file",
		}},
		"a link": {`ln -s d/a n; read -r x <n`, map[string]string{
			"n": "absent,created nothing link", "d/a": "read file file",
		}},
		"a link that changes": {`ln -s d n; test -e n/a; rm n; ln -s e n; test ! -e n/a`, map[string]string{
			"n": "absent,created,deleted nothing link", "d/a": "looked file file", "e/a": "absent nothing nothing",
		}},
		"a hard link": {`ln d/a n`, map[string]string{
			"n": "absent,created nothing file", "d/a": "read file file",
		}},
		"a file that had no name": {`"$1" nameless d/n`, map[string]string{
			"d/n": "absent,created nothing file", "d": "looked directory directory",
		}},
		"by a descriptor's name": {`exec 3<d/a; read -r x </proc/self/fd/3; read -r x </dev/fd/3; cd d; read -r x </proc/self/cwd/b`, map[string]string{
			"d/a": "read file file", "d/b": "read file file", "d": "looked directory directory",
		}},
		"through another name": {`ln d/a n; echo >>n`, map[string]string{
			"n": "absent,created,written nothing file", "d/a": "read,written file file",
		}},
		"mode": {`chmod 700 d/a`, map[string]string{
			"d/a": "looked,attributes file file",
		}},
		"time": {`touch d/a`, map[string]string{
			"d/a": "read,written,attributes file file",
		}},
		"the mode that it has": {`chmod 755 d; chmod 644 d/a; install -d e`, map[string]string{
			"d": "looked directory directory", "d/a": "looked file file", "e": "looked,ensured directory directory",
		}},
		"made if it is not there": {`mkdir -p d/x; mkdir -p d/x e`, map[string]string{
			"d": "looked,ensured directory directory", "d/x": "absent,created nothing directory", "e": "looked,ensured directory directory",
		}},
		"time of a folder": {`touch -c -d @1 d`, map[string]string{
			"d": "looked directory directory",
		}},
		"attribute": {`"$1" xattr d/a`, map[string]string{
			"d/a": "looked,attributes file file",
		}},
		"program": {`./program >/dev/null`, map[string]string{
			"program": "read,executed file file",
		}},
		"threads": {`"$1" threads d/a d/b none`, map[string]string{
			"d/a": "read file file", "d/b": "read file file", "none": "absent nothing nothing",
		}},
		"exec in a thread": {`"$1" exec /bin/sh -c 'read -r x <d/a'`, map[string]string{
			"d/a": "read file file",
		}},
		"socket": {`"$1" socket s`, map[string]string{
			"s": "absent,created,deleted nothing nothing",
		}},
		"a moved directory's descriptor": {`"$1" at e f`, map[string]string{
			"e": "read,deleted,renamed directory nothing", "f": "absent,created,renamed nothing directory",
			"f/file": "absent,created nothing file",
		}},
		"in the background": {`(read -r x <d/a) & wait`, map[string]string{
			"d/a": "read file file",
		}},
		"stopped and continued": {`sh -c 'kill -STOP $$; read -r x <d/a; echo >done' & until test -e done; do kill -CONT $!; done; wait $!`, map[string]string{
			"d/a": "read file file", "done": "absent,created nothing file",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			require.NoError(t, command(dir, "sh", "-ec", tree).Run())
			got := script(t, dir, test.script, helper)
			for name, want := range test.want {
				assert.Equal(t, want, got[name], name)
				delete(got, name)
			}
			for name, did := range got { // what programs ask on the way
				assert.Regexp(t, "^(looked|absent) ", did, name)
			}
		})
	}
	for _, addr := range []string{"127.0.0.1:9", "[::1]:9"} {
		record, _, err := Run([]string{helper, "dial", addr})
		require.NoError(t, err)
		assert.Equal(t, []string{addr}, record.Peers)
	}
}

// static builds a helper that is linked statically.
func static(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "helper")
	cmd := exec.Command("go", "build", "-o", out, "./testdata/helper")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	return out
}

func command(dir string, argv ...string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	return cmd
}

func TestInterpretersAndLoaders(t *testing.T) {
	dir := folder(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("#!"+dir+"/b -x\n"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b"), []byte("#! /bin/sh\n:\n"), 0o755))
	t.Chdir(dir)
	record, status, err := Run([]string{"./a"})
	require.NoError(t, err)
	assert.Zero(t, status)
	executed := map[string]bool{}
	for _, p := range record.Paths {
		if p.Did&Executed != 0 {
			executed[p.Name] = true
		}
	}
	shell, err := filepath.EvalSymlinks("/bin/sh")
	require.NoError(t, err)
	assert.Subset(t, executed, map[string]bool{dir + "/a": true, dir + "/b": true, shell: true})
	assert.Len(t, executed, 4, "and the dynamic loader")
}

func TestExitStatus(t *testing.T) {
	for text, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 128 + 15, "sh -c 'kill -KILL $$' || exit 3": 3} {
		_, status, err := Run([]string{"sh", "-c", text})
		require.NoError(t, err)
		assert.Equal(t, want, status, text)
	}
	_, _, err := Run([]string{"/nowhere"})
	require.ErrorContains(t, err, "/nowhere")
}

// One thread can have one tracer. So a tracer that is traced is refused, as in
// a container that forbids it; the program has to run all the same.
func TestRefused(t *testing.T) {
	dir := folder(t)
	t.Chdir(dir)
	self, err := os.Executable()
	require.NoError(t, err)
	_, status, err := Run([]string{"sh", "-c", `"$0" trace record sh -c 'echo done >file; exit 4' 2>said`, self})
	require.NoError(t, err)
	assert.Equal(t, 4, status)
	said, err := os.ReadFile("said")
	require.NoError(t, err)
	assert.Contains(t, string(said), "not observed: everything: ptrace is refused here (operation not permitted)")
	assert.FileExists(t, "file")
	data, err := os.ReadFile("record")
	require.NoError(t, err)
	record, err := ReadRecord(bytes.NewReader(data))
	require.NoError(t, err)
	assert.NotEmpty(t, record.Unknown)
}

func TestRecordIsReadAsWritten(t *testing.T) {
	want := &Record{
		Version: Version, Peers: []string{"10.0.0.1:80"}, Unknown: []string{"a <b> & c"},
		Paths: []Path{{"/a b\n\"", Read | Attributes, File, File}, {"/c", Absent | Created | Renamed, Nothing, Directory}},
	}
	var text bytes.Buffer
	require.NoError(t, want.Write(&text))
	got, err := ReadRecord(bytes.NewReader(text.Bytes()))
	require.NoError(t, err)
	assert.Equal(t, want, got)

	for _, bad := range []string{"", "{}", `{"version":1}` + `{"did":"eaten"}`, `{"version":1}` + `x`} {
		_, err := ReadRecord(strings.NewReader(bad))
		assert.Error(t, err, bad)
	}
}
