package corpus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// TestObserved draws trees of the shapes that public ones have, with programs that
// read what real ones read (see standins), observes the Dockerfile, and edits the
// tree. After each edit pgstrata builds with the record and all that is in its cache,
// and BuildKit's frontend without cache: what is stale is a difference.
func TestObserved(t *testing.T) {
	p := newProver(testenv.Shared(t))
	p.standins(t)
	program := testenv.Program(t, "pgstrata")
	usual := usualObserved()
	seed, count := setting(t, "PGSTRATA_CORPUS_SEED", usual.seed), setting(t, "PGSTRATA_CORPUS_COUNT", usual.count)
	var all tally
	var mu sync.Mutex
	t.Run("seeds", func(t *testing.T) {
		for i := range count {
			t.Run(fmt.Sprint(seed+i), func(t *testing.T) {
				t.Parallel()
				n := p.observed(t, program, seed+i)
				t.Log(n)
				mu.Lock()
				defer mu.Unlock()
				all.add(n)
			})
		}
	})
	t.Logf("PGSTRATA_CORPUS_SEED=%d: %d trees, %s", seed, count, all)
}

// standins pushes the image localhost:5000/corpus/standins: Debian, and the program by
// each name that the trees call.
func (p *prover) standins(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("standins/standin.sh")
	require.NoError(t, err)
	dir := testenv.Tree(t, map[string]string{
		"standin": string(text),
		"Dockerfile": "FROM debian:bookworm-slim\nCOPY standin /usr/bin/standin\n" +
			"RUN for name in npm make pip cargo apt-get apt-mark apk dnf microdnf curl wget python3; do ln -sf standin /usr/bin/$name; done && useradd -m app && mkdir -p /opt && chmod 777 /opt\n",
	})
	require.NoError(t, p.prebuild(t.Context(), dir, prebuilt{"standins", "Dockerfile"}))
}

// tally counts edits.
type tally struct {
	edits, failing int
	// fewer are those after which fewer steps ran than BuildKit's frontend runs, none
	// those after which none did.
	fewer, none int
	// ran and buildkit are how many steps ran.
	ran, buildkit int
	// observing is the time that it took, lines and bytes what was written down.
	observing    time.Duration
	lines, bytes int
}

func (t *tally) add(o tally) {
	t.edits, t.failing, t.fewer, t.none = t.edits+o.edits, t.failing+o.failing, t.fewer+o.fewer, t.none+o.none
	t.ran, t.buildkit = t.ran+o.ran, t.buildkit+o.buildkit
	t.observing, t.lines, t.bytes = t.observing+o.observing, t.lines+o.lines, t.bytes+o.bytes
}

func (t tally) String() string {
	return fmt.Sprintf("%d edits (%d of builds that fail): %d ran fewer steps than BuildKit's frontend, %d of these none; %d steps ran, by BuildKit's frontend %d; records of %d lines, %d bytes; observing took %v",
		t.edits, t.failing, t.fewer, t.none, t.ran, t.buildkit, t.lines, t.bytes, t.observing.Round(time.Second))
}

// observed edits one tree, as often as a family says.
func (p *prover) observed(t *testing.T, program string, seed uint64) tally {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	tree := p.buildable(t, r, dir)
	var n tally
	record := filepath.Join(dir, "Dockerfile"+narrow.Suffix)
	observe := func() {
		start := time.Now()
		out := p.env.Run(t, program, "observe", "--write", "--progress=plain", dir)
		n.observing += time.Since(start)
		if out.Code != 0 {
			t.Fatalf("seed %d: %s\n%s%s", seed, tree.dockerfile(), out.Stdout, out.Stderr)
		}
		text, err := os.ReadFile(record)
		require.NoError(t, err)
		n.lines, n.bytes = n.lines+strings.Count(string(text), "\n"), n.bytes+len(text)
	}
	observe()
	for i := range editsOfTree {
		if i == editsOfTree/2 {
			observe()
		}
		before := tree.clone()
		told := tree.edit(r)
		require.NoError(t, tree.write(dir))
		failed, more, err := p.stale(t.Context(), dir, &n, before, tree)
		if more != "" {
			t.Errorf("PGSTRATA_CORPUS_SEED=%d PGSTRATA_CORPUS_COUNT=1, edit %d (%s): %s\n%s", seed, i, told, more, tree.dockerfile())
		}
		if err != nil {
			kept, _ := os.ReadFile(record)
			t.Errorf("PGSTRATA_CORPUS_SEED=%d PGSTRATA_CORPUS_COUNT=1, edit %d (%s): %v\n%s\n%s", seed, i, told, err, tree.dockerfile(), kept)
			return n
		}
		if failed {
			tree = before
			require.NoError(t, tree.write(dir))
		}
	}
	return n
}

// buildable draws trees until one can be built, and writes that: some steps are not for
// all shapes.
func (p *prover) buildable(t *testing.T, r *rand.Rand, dir string) *project {
	t.Helper()
	for {
		tree := drawProject(r)
		require.NoError(t, tree.write(dir))
		built, err := p.build(t.Context(), &specimen{name: "observed", free: true}, dir, "dockerfile.v0")
		require.NoError(t, err)
		if built.err == nil {
			return tree
		}
	}
}

// stale builds a tree both ways, and compares. It tells of a build that fails, both
// ways, and of more steps than BuildKit's frontend would run.
func (p *prover) stale(ctx context.Context, dir string, n *tally, before, after *project) (failed bool, more string, err error) {
	s := &specimen{name: "observed", free: true}
	got, err := p.build(ctx, s, dir, "")
	if err != nil {
		return false, "", err
	}
	plain := &specimen{name: "observed", free: true, options: map[string]string{"no-cache": ""}}
	want, err := p.build(ctx, plain, dir, "dockerfile.v0")
	if err != nil {
		return false, "", err
	}
	n.edits++
	if (want.err == nil) != (got.err == nil) {
		return false, "", fmt.Errorf("BuildKit's frontend: %w; pgstrata: %w", want.err, got.err)
	}
	if want.err != nil {
		n.failing++
		return true, "", nil //nolint:nilerr // both failed, as they should
	}
	if found := plain.judge(want, got); len(found) > 0 {
		return false, "", errors.New(strings.Join(found, "\n") + "\n" + strings.Join(decisions(got.trace), "\n"))
	}
	ran := after.ran(got.trace.RanNames())
	would := after.reruns(before)
	if ran > would {
		more = fmt.Sprintf("%d steps ran, BuildKit's frontend runs %d:\n%s\n%s", ran, would, strings.Join(got.trace.RanNames(), "\n"), strings.Join(decisions(got.trace), "\n"))
	}
	n.ran, n.buildkit = n.ran+ran, n.buildkit+would
	if ran < would {
		n.fewer++
		if ran == 0 {
			n.none++
		}
	}
	return false, more, nil
}

// project is a tree with its Dockerfile, of which tests know more than the text.
type project struct {
	files map[string]projectFile
	// lines are the Dockerfile's, without names of the tree's own.
	lines []string
	next  int
}

type projectFile struct {
	text, link string
	mode       os.FileMode
}

func (f *project) clone() *project {
	return &project{maps.Clone(f.files), append([]string(nil), f.lines...), f.next}
}

func (f *project) dockerfile() string { return strings.Join(f.lines, "\n") + "\n" }

// write makes a folder be the tree. The record stays. All files are new, as after a
// checkout.
func (f *project) write(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "Dockerfile"+narrow.Suffix {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(f.dockerfile()), 0o600); err != nil {
		return err
	}
	for _, name := range sortedKeys(f.files) {
		file, at := f.files[name], filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil { //nolint:gosec // of an image
			return err
		}
		switch {
		case file.link != "":
			err = os.Symlink(file.link, at)
		default:
			err = errors.Join(os.WriteFile(at, []byte(file.text), 0o600), os.Chmod(at, file.mode))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ran counts the RUN instructions of which anything ran, by the names of what did: one
// that was divided is several steps. Of a driver that was split no line has the steps;
// they are a stage.
func (f *project) ran(names []string) int {
	counted := map[int]bool{}
	split := map[string]bool{}
	for _, name := range names {
		_, text, ok := strings.Cut(name, "] ")
		if !ok || !strings.HasPrefix(name, "[") || !strings.HasPrefix(text, "RUN ") {
			continue
		}
		at := slices.IndexFunc(f.lines, func(line string) bool { return line == text })
		for i, line := range f.lines {
			if line == text && !counted[i] {
				at = i
			}
		}
		if at < 0 {
			at = slices.IndexFunc(f.lines, func(line string) bool {
				return strings.HasPrefix(line, "RUN ") && strings.Contains(line, strings.TrimPrefix(text, "RUN "))
			})
		}
		if at < 0 {
			split[strings.Fields(name)[0]] = true
			continue
		}
		counted[at] = true
	}
	return len(counted) + len(split)
}

// reruns counts the steps that BuildKit's frontend runs: those below the first copy
// of which anything has changed, in each stage.
func (f *project) reruns(before *project) int {
	changed := func(name string) bool { return f.files[name] != before.files[name] }
	n, from := 0, false
	for i, line := range f.lines {
		words := strings.Fields(line)
		switch {
		case words[0] == "FROM" && !strings.Contains(words[1], "builder"):
			from = false
		case words[0] == "COPY" && strings.Contains(line, "--from="):
			from = from || n > 0
		case words[0] == "COPY":
			for _, source := range words[1 : len(words)-1] {
				if strings.HasPrefix(source, "--") {
					continue
				}
				for name := range f.union(before) {
					ok, _ := filepath.Match(source, name)
					if changed(name) && (source == "." || ok || strings.HasPrefix(name, source+"/")) {
						from = true
					}
				}
			}
		}
		from = from || i >= len(before.lines) || line != before.lines[i]
		if words[0] == "RUN" && from {
			n++
		}
	}
	return n
}

func (f *project) union(o *project) map[string]projectFile {
	all := maps.Clone(f.files)
	maps.Copy(all, o.files)
	return all
}
