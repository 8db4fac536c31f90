package proof

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
	"github.com/pgstrata/pgstrata/worktree"
)

// prover builds models on the daemon and holds the predictions against what
// was run.
type prover struct {
	env   *testenv.Env
	bases []string
	// known is what the bases are, once a build has resolved them: without a
	// daemon, a plan takes them from the last record.
	known map[string]map[string]plan.Base
	mu    *sync.Mutex
	// without makes the daemon one that can neither merge nor diff.
	without bool
}

// tally counts what a run has shown.
type tally struct {
	builds, ran, cached, conditional, stopped int
}

func (a *tally) add(b tally) {
	a.builds += b.builds
	a.ran += b.ran
	a.cached += b.cached
	a.conditional += b.conditional
	a.stopped += b.stopped
}

// state is one run's memory.
type state struct {
	record *plan.Record
	truth  map[string]bool
	dir    string
}

// build writes a model's files, predicts, builds and compares. Its error is a
// mismatch, or a build that failed.
func (p *prover) build(ctx context.Context, m *model, s *state) (tally, error) {
	if err := writeTree(s.dir, m.tree()); err != nil {
		return tally{}, err
	}
	predicted, record, err := p.predict(m, s)
	if err != nil {
		return tally{}, fmt.Errorf("predict: %w", err)
	}
	built, trace, err := p.run(ctx, m, s.dir)
	if err != nil {
		return tally{}, fmt.Errorf("build: %w\n%s", err, trace)
	}
	if err := same(record, built); err != nil {
		return tally{}, err
	}
	t, err := compare(m, s, predicted, record, trace)
	if err != nil {
		return t, fmt.Errorf("%w\n%s", err, trace)
	}
	record.Carry(s.record)
	s.record = record
	return t, nil
}

// predict asks the plan, as the command line does: without a daemon.
func (p *prover) predict(m *model, s *state) (*plan.Plan, *plan.Record, error) {
	source, err := worktree.Dir(s.dir)
	if err != nil {
		return nil, nil, err
	}
	exclude, err := worktree.Ignored(source, source, "Dockerfile")
	if err != nil {
		return nil, nil, err
	}
	last := &plan.Record{}
	if last.Bases, err = p.resolved(m); err != nil {
		return nil, nil, err
	}
	if p.without {
		last.Lacks = lacking()
	}
	builds, err := frontend.Offline{
		Name: "Dockerfile", Data: []byte(m.buildFile()), Options: m.options(p.bases), Now: time.Now(),
		Last: func(string) *plan.Record { return last },
		Context: func(globs, paths []string) (fs.FS, error) {
			return worktree.New(source, worktree.Filter{Exclude: exclude, Globs: globs, Paths: paths})
		},
	}.Resolve()
	if err != nil {
		return nil, nil, err
	}
	record, err := builds[0].Record()
	if err != nil {
		return nil, nil, err
	}
	return plan.Compare(s.record, record), record, nil
}

// The references of the model's base images.
const (
	mainBase   = "docker.io/library/debian:bookworm-slim"
	pinnedBase = "docker.io/company/pinned:1"
)

// resolved is what the base images of a model are.
func (p *prover) resolved(m *model) (map[string]plan.Base, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]plan.Base{}
	for name, base := range map[string]string{mainBase: p.bases[m.base], pinnedBase: p.bases[0]} {
		if p.known[base] == nil {
			return nil, fmt.Errorf("base %s was never resolved", base)
		}
		out[name] = p.known[base]["base"]
	}
	if !m.pinned {
		delete(out, pinnedBase)
	}
	return out, nil
}

// learn resolves all base images with builds of nothing.
func (p *prover) learn(t *testing.T) {
	t.Helper()
	for i, base := range p.bases {
		m := newModel("learn")
		m.base, m.scripts, m.cleanup = i, nil, false
		dir := t.TempDir()
		if err := writeTree(dir, map[string]file{"Dockerfile": {text: "base: debian:bookworm-slim\n", mode: 0o644}}); err != nil {
			t.Fatal(err)
		}
		record, trace, err := p.run(t.Context(), m, dir)
		if err != nil {
			t.Fatal(err, trace)
		}
		p.known[base] = map[string]plan.Base{"base": record.Bases[mainBase]}
	}
}

// run builds, reads what was built through the frontend's own reference, and
// returns the record that the frontend itself would make.
func (p *prover) run(ctx context.Context, m *model, dir string) (*plan.Record, *testenv.Trace, error) {
	var record *plan.Record
	var broken error
	fn := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		if p.without {
			c = lesser{c}
		}
		res, err := frontend.Telling(func(r frontend.Resolved) {
			record, broken = r.Record()
		})(ctx, c)
		if err := errors.Join(err, broken); err != nil {
			return nil, err
		}
		return res, verify(ctx, m, res)
	}
	result, err := p.env.Daemon.Build(ctx, testenv.Request{Func: fn, Context: dir, Options: m.options(p.bases)})
	return record, result.Trace, err
}

// verify compares the image's files with what the model says they must be: no
// stale result, whatever was taken from the cache.
func verify(ctx context.Context, m *model, res *gateway.Result) error {
	ref, err := res.SingleRef()
	if err != nil || len(m.scripts) == 0 {
		return err
	}
	for name, want := range m.expected() {
		got, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: name})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if string(got) != want {
			return fmt.Errorf("stale: %s is\n%s\nand must be\n%s", name, got, want)
		}
	}
	for name, want := range m.modes() {
		st, err := ref.StatFile(ctx, gateway.StatRequest{Path: name})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if got := fmt.Sprintf("%04o %d:%d", st.Mode&0o7777, st.Uid, st.Gid); got != want {
			return fmt.Errorf("stale: %s is %s and must be %s", name, got, want)
		}
	}
	return nil
}

// same compares the record that was made without a daemon with the one that
// the frontend makes of what it was sent.
func same(offline, built *plan.Record) error {
	if len(offline.Nodes) != len(built.Nodes) {
		return fmt.Errorf("offline there are %d nodes, in the frontend %d", len(offline.Nodes), len(built.Nodes))
	}
	for i := range offline.Nodes {
		if a, b := offline.Nodes[i], built.Nodes[i]; a.Key != b.Key {
			return fmt.Errorf("the frontend sees another %s:\n%+v\n%+v", a.ID, a, b)
		}
	}
	return nil
}

// group is the steps whose vertices have one name: in most cases one step. Two
// are the user on the image's base and on that of isolated scripts, and the
// outputs of a script for several roots: where their directories are the same,
// the daemon copies them once, for whichever comes first.
type group struct {
	steps            []plan.Step
	ran              int
	must             int // by the contents, so many run
	certain, perhaps int // by the prediction
}

// compare holds the prediction against the trace.
func compare(m *model, s *state, predicted *plan.Plan, record *plan.Record, trace *testenv.Trace) (tally, error) {
	t := tally{builds: 1}
	groups := map[string]*group{}
	truth := m.truth(record)
	news, loose := map[string]bool{}, map[string]bool{} // of this build
	for _, step := range predicted.Steps {
		if step.Vertex == "" {
			continue
		}
		name := grouped(step.Vertex)
		g := groups[name]
		if g == nil {
			g = &group{}
			groups[name] = g
		}
		g.steps = append(g.steps, step)
		if key := truth[step.Node]; !s.truth[key] && !news[key] {
			g.must++
			news[key] = true
		}
		key := record.Node(step.Node).Loose
		switch {
		case step.Cache == plan.Hit:
		case step.Cache == plan.Conditional || loose[key]:
			g.perhaps++
		default:
			g.certain++
		}
		loose[key] = true
	}
	var wrong []string
	for _, v := range trace.Vertices {
		label, name, _ := strings.Cut(v.Name, "] ")
		kind, _, _ := strings.Cut(strings.TrimPrefix(label, "["), " ")
		if !v.Ran || !slices.Contains([]string{"toolchain", "setup", "entrypoint"}, kind) {
			continue
		}
		if g := groups[grouped(name)]; g != nil {
			g.ran++
		} else {
			wrong = append(wrong, "no node stands for what ran: "+name)
		}
	}
	for name, g := range groups {
		if g.ran != g.must || g.ran < g.certain || g.ran > g.certain+g.perhaps {
			wrong = append(wrong, fmt.Sprintf("%s: %d ran, %d had to by the contents, predicted %+v", name, g.ran, g.must, g.steps))
		}
		t.ran += g.ran
		t.cached += len(g.steps) - g.ran
		t.conditional += g.perhaps
		t.stopped += g.certain + g.perhaps - g.ran
	}
	for _, key := range truth {
		s.truth[key] = true
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return t, fmt.Errorf("mispredicted:\n%s", strings.Join(wrong, "\n"))
	}
	return t, nil
}

// grouped is the name of a vertex's group.
func grouped(vertex string) string {
	name, _, _ := strings.Cut(vertex, " for ")
	return name
}

// writeTree replaces a folder's content. All files get new times.
func writeTree(dir string, files map[string]file) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a build context
		return err
	}
	for name, f := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil { //nolint:gosec // a build context
			return err
		}
		var err error
		switch {
		case f.link != "":
			err = os.Symlink(f.link, full)
		case f.dir:
			err = os.MkdirAll(full, 0o755) //nolint:gosec // a build context
		default:
			err = os.WriteFile(full, []byte(f.text), 0o600)
		}
		if err != nil {
			return err
		}
	}
	for name, f := range files {
		if f.link == "" {
			if err := os.Chmod(filepath.Join(dir, name), os.FileMode(f.mode)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lacking are the capabilities of a daemon that can neither merge nor diff.
func lacking() []string { return []string{string(pb.CapMergeOp), string(pb.CapDiffOp)} }

// lesser is a client of a daemon that can neither merge nor diff.
type lesser struct{ gateway.Client }

// BuildOpts implements gateway.Client.
func (c lesser) BuildOpts() gateway.BuildOpts {
	opts := c.Client.BuildOpts()
	caps := pb.Caps.All()
	for i := range caps {
		if slices.Contains(lacking(), caps[i].ID) {
			caps[i].Enabled = false
		}
	}
	opts.LLBCaps = pb.Caps.CapSet(caps)
	return opts
}
