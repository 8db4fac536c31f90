// Package proof makes random changes to a build context, predicts what a build
// runs again, builds on a real daemon, and compares: no stale result, no
// needless run, no wrong prediction.
//
// A failure prints the shortest sequence of changes that shows it, and how to
// run that sequence alone:
//
//	PGSTRATA_PROOF_REPLAY='copies|base:1,arg given:7;script order:3' go test ./test/proof
//
// PGSTRATA_PROOF_SEED repeats a whole run, PGSTRATA_PROOF_CHANGES sets how
// many changes it makes.
package proof

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	usualChanges = 210
	perBuild     = 3  // at most
	perRun       = 35 // changes from one tree
)

// edit is one change, replayable.
type edit struct {
	name string
	seed uint64
}

// sequence is the edits of each build of one run.
type sequence struct {
	without bool
	builds  [][]edit
}

func TestPlanAgainstDaemon(t *testing.T) {
	env := testenv.Shared(t)
	p := &prover{env: env, bases: bases(t, env), known: map[string]map[string]plan.Base{}, mu: &sync.Mutex{}}
	p.learn(t)

	if text := os.Getenv("PGSTRATA_PROOF_REPLAY"); text != "" {
		s, err := parse(text)
		require.NoError(t, err)
		_, err = p.prove(t, s)
		require.NoError(t, err)
		return
	}
	seed := setting(t, "PGSTRATA_PROOF_SEED", usualSeed())
	want := int(setting(t, "PGSTRATA_PROOF_CHANGES", usualChanges))
	t.Logf("PGSTRATA_PROOF_SEED=%d", seed)
	sequences := generate(rand.New(rand.NewPCG(seed, 1)), want)
	for _, text := range remembered() {
		s, err := parse(text)
		require.NoError(t, err)
		sequences = append(sequences, s)
	}
	var (
		mu    sync.Mutex
		total tally
		group errgroup.Group
	)
	group.SetLimit(2)
	for _, s := range sequences {
		group.Go(func() error {
			did, err := p.prove(t, s)
			if err != nil {
				short, why := p.shrink(t, s, err)
				t.Errorf("PGSTRATA_PROOF_SEED=%d: %v\n\nthe shortest way there: PGSTRATA_PROOF_REPLAY='%s'", seed, why, short)
				return why
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(did)
			return nil
		})
	}
	if group.Wait() != nil {
		return // each failure has been told when it was found
	}
	t.Logf("%d changes in %d builds; %d steps ran and %d were cached, each as predicted; of %d that were predicted as conditional %d were cut off",
		want, total.builds, total.ran, total.cached, total.conditional, total.stopped)
	assert.Positive(t, total.stopped)
}

// remembered are sequences that a daemon was once found to build in another way than was foretold.
func remembered() []string {
	return []string{
		// The linker's step looked at the content of the whole root, and took the result of another root with the same.
		"merge|script delete:923416;script delete:902197;script order:961347;cleanup:211166",
	}
}

func setting(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// generate draws changes until there are as many as wanted.
func generate(r *rand.Rand, want int) []sequence {
	names := append(slices.Sorted(maps.Keys(changes())), "take back")
	var out []sequence
	for drawn := 0; drawn < want; {
		s := sequence{without: len(out)%4 == 3}
		for in := 0; in < perRun && drawn < want; {
			var edits []edit
			for range min(1+r.IntN(perBuild), want-drawn) {
				edits = append(edits, edit{names[r.IntN(len(names))], r.Uint64N(1 << 20)})
			}
			s.builds = append(s.builds, edits)
			in, drawn = in+len(edits), drawn+len(edits)
		}
		out = append(out, s)
	}
	return out
}

// prove builds the first tree, then after each build's edits, and now and then
// a tree of before: what was built once must come from the cache.
func (p *prover) prove(t *testing.T, s sequence) (tally, error) {
	t.Helper()
	own := *p
	own.without = s.without
	m := newModel(fmt.Sprintf("salt-%d", rand.Uint64()))
	st := &state{truth: map[string]bool{}, dir: t.TempDir()}
	total, err := own.build(t.Context(), m, st)
	if err != nil {
		return total, fmt.Errorf("the first build: %w", err)
	}
	first := m.clone()
	var done []string
	for _, edits := range s.builds {
		for _, e := range edits {
			if e.name == "take back" {
				m = first.clone()
			} else if what := changes()[e.name](m, rand.New(rand.NewPCG(e.seed, 2))); what != "" {
				done = append(done, e.name+": "+what)
			}
		}
		did, err := own.build(t.Context(), m, st)
		if err != nil {
			return total, fmt.Errorf("after %s: %w", strings.Join(done, "; "), err)
		}
		total.add(did)
	}
	return total, nil
}

// shrink drops edits for as long as the sequence goes wrong without them.
func (p *prover) shrink(t *testing.T, s sequence, why error) (sequence, error) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	fails := func(c sequence) bool {
		_, err := p.prove(t, c)
		if err != nil {
			why = err
		}
		return err != nil
	}
	for smaller := true; smaller && time.Now().Before(deadline); {
		smaller = false
		for _, c := range s.smaller() {
			if time.Now().After(deadline) {
				break
			}
			if fails(c) {
				s, smaller = c, true
				break
			}
		}
	}
	return s, why
}

// smaller are sequences with less in them, much less first.
func (s sequence) smaller() []sequence {
	var out []sequence
	for size := len(s.builds) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(s.builds); at += size {
			out = append(out, sequence{s.without, slices.Delete(slices.Clone(s.builds), at, at+size)})
		}
	}
	for i, edits := range s.builds {
		for j := range edits {
			if len(edits) > 1 {
				builds := slices.Clone(s.builds)
				builds[i] = slices.Delete(slices.Clone(edits), j, j+1)
				out = append(out, sequence{s.without, builds})
			}
		}
	}
	return out
}

// String is what parse reads.
func (s sequence) String() string {
	kind := "merge"
	if s.without {
		kind = "copies"
	}
	var builds []string
	for _, edits := range s.builds {
		var list []string
		for _, e := range edits {
			list = append(list, fmt.Sprintf("%s:%d", e.name, e.seed))
		}
		builds = append(builds, strings.Join(list, ","))
	}
	return kind + "|" + strings.Join(builds, ";")
}

func parse(text string) (sequence, error) {
	kind, rest, _ := strings.Cut(text, "|")
	s := sequence{without: kind == "copies"}
	for build := range strings.SplitSeq(rest, ";") {
		var edits []edit
		for one := range strings.SplitSeq(build, ",") {
			name, number, _ := strings.Cut(one, ":")
			seed, err := strconv.ParseUint(number, 10, 64)
			if err != nil || changes()[name] == nil && name != "take back" {
				return s, fmt.Errorf("%q is no edit: %w", one, err)
			}
			edits = append(edits, edit{name, seed})
		}
		s.builds = append(s.builds, edits)
	}
	return s, nil
}
