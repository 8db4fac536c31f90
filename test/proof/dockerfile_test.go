package proof

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
	"github.com/pgstrata/pgstrata/worktree"
)

const usualDockerfileChanges = 25

// TestDockerfilePlanAgainstDaemon edits a tree with a Dockerfile at random and
// predicts, without a daemon, what a build runs again: exactly that runs, no
// more than has to by the contents, and every file of the image is what it must
// be.
func TestDockerfilePlanAgainstDaemon(t *testing.T) {
	env := testenv.Shared(t)
	p := &dockerfileProver{env: env, dir: t.TempDir(), bases: bases(t, env)[:2], known: map[string]plan.Base{}, built: map[string]bool{}}
	seed := setting(t, "PGSTRATA_PROOF_SEED", usualSeed())
	count := int(setting(t, "PGSTRATA_PROOF_DOCKERFILE_CHANGES", usualDockerfileChanges))
	t.Logf("PGSTRATA_PROOF_SEED=%d", seed)
	for _, base := range p.bases {
		require.NoError(t, os.WriteFile(filepath.Join(p.dir, "Dockerfile"), []byte("FROM "+base+"\n"), 0o600))
		record, trace, err := p.run(t.Context(), nil, map[string]string{})
		require.NoError(t, err, "%s", trace)
		maps.Copy(p.known, record.Bases)
	}
	require.Len(t, p.known, 2)

	r := rand.New(rand.NewPCG(seed, 3))
	m := newDockerfileModel(fmt.Sprintf("salt-%d", rand.Uint64()))
	first := m.clone()
	require.NoError(t, p.build(t.Context(), m))
	var done []string
	names := append(slices.Sorted(maps.Keys(dockerfileChanges())), "take back")
	for range count {
		name := pick(r, names)
		done = append(done, name)
		if name == "take back" {
			m = first.clone()
		} else {
			dockerfileChanges()[name](m, r)
		}
		require.NoError(t, p.build(t.Context(), m), "PGSTRATA_PROOF_SEED=%d after %s", seed, strings.Join(done, "; "))
	}
	t.Logf("%d changes: %s; %d steps ran and %d were cached, each as predicted; %d of the predictions were conditional", count, strings.Join(done, "; "), p.ran, p.cached, p.perhaps)
	assert.Positive(t, p.ran)
	assert.Positive(t, p.perhaps)
}

// dockerfileProver builds models, and holds predictions against what was run.
type dockerfileProver struct {
	env   *testenv.Env
	dir   string
	bases []string
	// known is what the bases are, record what was built last.
	known  map[string]plan.Base
	record *plan.Record
	// built are the keys of all steps that were ever built, by the model.
	built                map[string]bool
	ran, cached, perhaps int
}

func (p *dockerfileProver) build(ctx context.Context, m *dockerfileModel) error {
	tree := m.tree(p.bases[m.base])
	if err := writeTree(p.dir, tree); err != nil {
		return err
	}
	options := m.options(p.bases[m.base])
	record, err := p.predict(tree["Dockerfile"].text, options)
	if err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	predicted := plan.Compare(p.record, record)
	built, trace, err := p.run(ctx, m, options)
	if err != nil {
		return fmt.Errorf("build: %w\n%s", err, trace)
	}
	if err := same(record, built); err != nil {
		return err
	}
	if err := p.compare(m, predicted, record, trace); err != nil {
		return fmt.Errorf("%w\n%s", err, trace)
	}
	record.Carry(p.record)
	p.record = record
	return nil
}

// predict makes the record as the command line does: without a daemon.
func (p *dockerfileProver) predict(text string, options map[string]string) (*plan.Record, error) {
	source, err := worktree.Dir(p.dir)
	if err != nil {
		return nil, err
	}
	exclude, err := worktree.Ignored(source, source, "Dockerfile")
	if err != nil {
		return nil, err
	}
	last := &plan.Record{Bases: p.known}
	builds, err := frontend.Offline{
		Name: "Dockerfile", Data: []byte(text), Options: options, Now: time.Now(), Exclude: exclude,
		Last: func(string) *plan.Record { return last },
		Context: func(globs, paths []string) (fs.FS, error) {
			return worktree.New(source, worktree.Filter{Exclude: exclude, Globs: globs, Paths: paths})
		},
	}.Resolve()
	if err != nil {
		return nil, err
	}
	return builds[0].Record()
}

// run builds, reads the image's files through the frontend's own reference, and
// returns the record that the frontend itself makes.
func (p *dockerfileProver) run(ctx context.Context, m *dockerfileModel, options map[string]string) (*plan.Record, *testenv.Trace, error) {
	var record *plan.Record
	var broken error
	fn := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := frontend.Telling(func(r frontend.Resolved) { record, broken = r.Record() })(ctx, c)
		if err := errors.Join(err, broken); err != nil || m == nil {
			return res, err
		}
		ref, err := res.SingleRef()
		if err != nil {
			return nil, err
		}
		for name, want := range m.expected() {
			got, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: name})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if string(got) != want {
				return nil, fmt.Errorf("stale: %s is\n%s\nand must be\n%s", name, got, want)
			}
		}
		for name, want := range m.modes() {
			st, err := ref.StatFile(ctx, gateway.StatRequest{Path: name})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if got := fmt.Sprintf("%04o", st.Mode&0o7777); got != want {
				return nil, fmt.Errorf("stale: %s is %s and must be %s", name, got, want)
			}
		}
		return res, nil
	}
	result, err := p.env.Daemon.Build(ctx, testenv.Request{Func: fn, Context: p.dir, Options: options})
	return record, result.Trace, err
}

// compare holds the prediction, and what had to run, against the trace.
func (p *dockerfileProver) compare(m *dockerfileModel, predicted *plan.Plan, record *plan.Record, trace *testenv.Trace) error {
	truth := m.truth()
	ran := map[string]bool{}
	var wrong []string
	for _, v := range trace.Vertices {
		label, text, _ := strings.Cut(v.Name, "] ")
		own := strings.HasPrefix(label, "[tools") || strings.HasPrefix(label, "[stage-")
		if !v.Ran || !own || strings.HasPrefix(text, "FROM ") {
			continue
		}
		nodes := record.Named(v.Name)
		if len(nodes) != 1 {
			wrong = append(wrong, fmt.Sprintf("%d nodes stand for what ran: %s", len(nodes), v.Name))
			continue
		}
		ran[nodes[0].ID] = true
	}
	for _, s := range predicted.Steps {
		if s.Vertex == "" {
			continue
		}
		key, ok := truth[s.Title]
		must := !p.built[key]
		certain := s.Cache != plan.Hit && s.Cache != plan.Conditional
		switch {
		case !ok:
			wrong = append(wrong, "the model knows nothing of "+s.Title)
		case ran[s.Node] != must:
			wrong = append(wrong, fmt.Sprintf("%s: ran %v, had to by the contents %v", s.Title, ran[s.Node], must))
		case certain && !ran[s.Node], s.Cache == plan.Hit && ran[s.Node]:
			wrong = append(wrong, fmt.Sprintf("%s: ran %v, predicted %s: %s", s.Title, ran[s.Node], s.Cache, s.Why()))
		}
		delete(truth, s.Title)
		p.built[key] = true
		switch {
		case ran[s.Node]:
			p.ran++
		default:
			p.cached++
		}
		if s.Cache == plan.Conditional {
			p.perhaps++
		}
	}
	for title := range truth {
		wrong = append(wrong, "no step is planned for "+title)
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("mispredicted:\n%s", strings.Join(wrong, "\n"))
	}
	return nil
}
