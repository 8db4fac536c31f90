package trace

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Random scripts, against two oracles: the tree before and after, of which the
// record has to tell each change; and the same script in a tree that holds only
// what the record says it read, which has to say and leave the same.
func TestRandomScripts(t *testing.T) {
	for seed := range uint64(25) {
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a family of tests
		before, text := folder(t), "ulimit -f 1000\n"+statements(r)+"\n:"
		require.NoError(t, command(before, "sh", "-c", tree(r)).Run())
		was := snapshot(t, before)

		whole := filepath.Join(folder(t), "work")
		require.NoError(t, command("/", "cp", "-a", before, whole).Run())
		t.Chdir(whole)
		record, _, err := Run([]string{"sh", "-c", text})
		require.NoError(t, err)
		left := snapshot(t, whole)
		assertTold(t, record, whole, was, left, text)

		narrow := filepath.Join(folder(t), "work")
		copyRead(t, record, whole, before, narrow)
		require.NoError(t, command(narrow, "sh", "-c", text).Run())
		assertSame(t, record, whole, left, snapshot(t, narrow), text)
	}
}

func pick(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

func place(r *rand.Rand) string {
	return pick(r, "", "", "d/", "e/", "d/f/", "l/", "d/../", "./") + pick(r, "a", "b", "c", "d", "e", "f", "l", "x")
}

func tree(r *rand.Rand) string {
	return "mkdir -p d/f e; ln -s " + pick(r, "d", "e", "d/f", "../none") + " l; for f in a b d/a d/b d/f/c e/x; do echo $f >$f; done\n:"
}

// statements are what a random script does. None of them opens a file for writing
// while another of its processes may still read it: such a script has no one result.
func statements(r *rand.Rand) string {
	var out []string
	for range 3 + r.IntN(8) {
		form := pick(r, "cat %s >out", "echo x >%s", "echo y >>%s", "mv %s %s", "cp %s %s", "rm -f %s", "rm -rf %s", "mkdir -p %s",
			"ln -s %s %s", "ln %s %s", "ls %s >out", "chmod 700 %s", "test -e %s && echo there >%s", `found=$(find %s | sort); echo "$found" >out`, "touch %s", "cd %s && cat * >>out",
			"rmdir %s", "cp -a %s %s", "(cat %s >out) & wait", "sed -i s/a/z/ %s", `found=$(tar cf - %s | tar tf - | sort); echo "$found" >%s`, "readlink %s >out")
		args := make([]any, strings.Count(form, "%s"))
		for i := range args {
			args[i] = place(r)
		}
		out = append(out, "{ "+fmt.Sprintf(form, args...)+"; } 2>/dev/null")
	}
	return strings.Join(out, "\n")
}

// snapshot describes each file of a tree.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text += " " + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			text += " " + target
		}
		out[strings.TrimPrefix(name, dir)] = text
		return nil
	}))
	return out
}

// assertTold checks that a record has each change.
func assertTold(t *testing.T, r *Record, dir string, was, left map[string]string, text string) {
	t.Helper()
	changed := map[string]bool{}
	for _, p := range r.Paths {
		if name, is := strings.CutPrefix(p.Name, dir); is && p.Did&Changes != 0 {
			changed[name] = true
			assert.Equal(t, p.Was == Nothing, was[name] == "", "%s was %s\n%s", name, p.Was, text)
			assert.Equal(t, p.Left == Nothing, left[name] == "", "%s is %s\n%s", name, p.Left, text)
		}
	}
	for name := range was {
		if was[name] != left[name] {
			assert.True(t, changed[name], "%s changed unseen\n%s", name, text)
		}
	}
	for name := range left {
		if was[name] == "" {
			assert.True(t, changed[name], "%s came unseen\n%s", name, text)
		}
	}
}

// copyRead makes a tree of what a program touched in another.
func copyRead(t *testing.T, r *Record, dir, from, to string) {
	t.Helper()
	require.NoError(t, os.Mkdir(to, 0o755))
	for _, p := range r.Paths { // directories come before what is in them
		name, is := strings.CutPrefix(p.Name, dir+"/")
		if !is || p.Was == Nothing {
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755))
		if p.Was == Directory {
			require.NoError(t, os.MkdirAll(filepath.Join(to, name), 0o755))
		} else {
			require.NoError(t, command("/", "cp", "-a", filepath.Join(from, name), filepath.Join(to, name)).Run())
		}
		if p.Did&Listed == 0 {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(from, name))
		require.NoError(t, err)
		for _, e := range entries { // a listing tells names and kinds
			full := filepath.Join(name, e.Name())
			if e.IsDir() {
				require.NoError(t, os.MkdirAll(filepath.Join(to, full), 0o755))
			} else if _, err := os.Lstat(filepath.Join(to, full)); err != nil {
				require.NoError(t, command("/", "cp", "-a", filepath.Join(from, full), filepath.Join(to, full)).Run())
			}
		}
	}
}

// assertSame checks that what a program left is the same in both trees.
func assertSame(t *testing.T, r *Record, dir string, whole, narrow map[string]string, text string) {
	t.Helper()
	for _, p := range r.Paths {
		if name, is := strings.CutPrefix(p.Name, dir); is && p.Did&(Changes&^Attributes) != 0 {
			assert.Equal(t, whole[name], narrow[name], "%s\n%s", name, text)
		}
	}
}
