package corpus

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/txtar"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// TestRandom builds random Dockerfiles both ways, as many as
// PGSTRATA_CORPUS_COUNT says. Each has a seed of its own: the first that of
// PGSTRATA_CORPUS_SEED, the others those that follow. One that goes wrong is
// printed as small as it can be made, ready to be kept in testdata.
func TestRandom(t *testing.T) {
	newProver(testenv.Shared(t)).random(t, usualRandom(), draw, asDrawn)
}

// number says how many builds of a family are drawn, and the seed of the first.
type number struct{ seed, count uint64 }

// asDrawn keeps a sketch as it is.
func asDrawn(_ context.Context, _ *prover, s sketch) (sketch, error) { return s, nil }

// random proves random sketches of one family, two at a time, each after it was prepared.
func (p *prover) random(t *testing.T, usual number, draw func(*rand.Rand) sketch, prepare func(context.Context, *prover, sketch) (sketch, error)) {
	t.Helper()
	seed, count := setting(t, "PGSTRATA_CORPUS_SEED", usual.seed), setting(t, "PGSTRATA_CORPUS_COUNT", usual.count)
	var group errgroup.Group
	group.SetLimit(2)
	for i := range count {
		group.Go(func() error {
			p := p
			s := draw(rand.New(rand.NewPCG(seed+i, 1)))
			if (seed+i)%4 == 3 {
				p, s = p.withoutMerge(), s.withoutLink()
			}
			s, err := prepare(t.Context(), p, s)
			if err != nil {
				return fmt.Errorf("seed %d: %w", seed+i, err)
			}
			v, err := p.prove(t.Context(), s.specimen())
			if err == nil && len(v.mismatches) > 0 {
				s, v, err = p.shrink(t.Context(), s, v)
				t.Errorf("PGSTRATA_CORPUS_SEED=%d PGSTRATA_CORPUS_COUNT=1: %v\n%s\n%s\nas small as it gets:\n%s",
					seed+i, v.decisions, strings.Join(v.mismatches, "\n"), v.traces, s)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	t.Logf("PGSTRATA_CORPUS_SEED=%d: %d random Dockerfiles", seed, count)
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

// atom is a part of a sketch that can be left out: an instruction of the
// Dockerfile, a line of a file, a build arg.
type atom struct{ file, line string }

const argsFile = "build args" // no file of the tree

// sketch is a random build, in order: what is of one file lies together.
type sketch []atom

func (s sketch) specimen() *specimen {
	out := &specimen{name: "random", about: "Found by a random test.", free: true, options: map[string]string{}}
	texts := map[string]*strings.Builder{}
	var names []string
	for _, a := range s {
		switch a.file {
		case argsFile:
			name, value, _ := strings.Cut(a.line, "=")
			out.options["build-arg:"+name] = value
			continue
		case editsFile:
			out.edits = append(out.edits, a.line)
			continue
		}
		if texts[a.file] == nil {
			texts[a.file] = new(strings.Builder)
			names = append(names, a.file)
		}
		fmt.Fprintln(texts[a.file], a.line)
	}
	for _, name := range names {
		out.files = append(out.files, txtar.File{Name: name, Data: []byte(texts[name].String())})
	}
	return out
}

// withoutLink is a sketch without COPY --link, which BuildKit itself takes for
// a plain COPY where it cannot merge.
func (s sketch) withoutLink() sketch {
	out := slices.Clone(s)
	for i := range out {
		out[i].line = strings.ReplaceAll(out[i].line, "--link ", "")
	}
	return out
}

// shrink leaves out atoms for as long as the rest goes wrong in the same way:
// both builds end as they did, and there are mismatches.
func (p *prover) shrink(ctx context.Context, s sketch, v *verdict) (sketch, *verdict, error) {
	deadline := time.Now().Add(3 * time.Minute)
	for size := len(s) / 2; size > 0; {
		smaller := false
		for at := 1; at < len(s) && time.Now().Before(deadline); { // the first is FROM
			c := slices.Concat(s[:at], s[min(at+size, len(s)):])
			got, err := p.prove(ctx, c.specimen())
			if err != nil {
				return s, v, err
			}
			if len(got.mismatches) > 0 && got.ends == v.ends {
				s, v, smaller = c, got, true
			} else {
				at += size
			}
		}
		if size > 1 || !smaller {
			size /= 2
		}
	}
	return s, v, nil
}

// String is the sketch as a file of testdata.
func (s sketch) String() string {
	drawn := s.specimen()
	a := &txtar.Archive{Comment: []byte(drawn.about + "\n\n"), Files: drawn.files}
	for _, name := range sortedKeys(drawn.options) {
		a.Comment = fmt.Appendf(a.Comment, "option: %s=%s\n", name, drawn.options[name])
	}
	for _, edit := range drawn.edits {
		a.Comment = fmt.Appendf(a.Comment, "edit: %s\n", edit)
	}
	return string(txtar.Format(a))
}
