package frontend

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
)

// CachesContext is the named context that holds the content of cache mounts: an
// image or a folder, made by target caches.
const CachesContext = "pgstrata-caches"

// stepsLabel is a label of an image made by target caches: the keys of all
// steps of that build, as package plan has them, in JSON.
const stepsLabel = "pgstrata.steps"

// user is a step that uses cache mounts.
type user struct {
	name, key string
	caches    []graph.Cache
}

// prime fills cache mounts from the context [CachesContext] before a target is
// solved: those that are empty, if a step that uses them is going to run. It is
// a solve of its own, so it cannot enter a step's cache key. Caches make a
// build faster and nothing else, so what goes wrong is a warning.
func (r *request) prime(ctx context.Context, in input, t *target) {
	if r.client.Target == graph.CachesTarget {
		return
	}
	if err := r.tryPrime(ctx, in, t); err != nil {
		r.source.Warn(ctx, "Cache mounts are used as they are: "+err.Error(), client.WarnOpts{
			Detail: [][]byte{[]byte("They are filled from the context " + CachesContext + ", which target caches makes.")},
		})
	}
}

func (r *request) tryPrime(ctx context.Context, in input, t *target) error {
	seed, known, err := r.seed(ctx, in)
	if seed == nil || err != nil {
		return err
	}
	users, err := r.users(ctx, in, t)
	if err != nil {
		return err
	}
	if len(r.client.CacheImports) > 0 {
		// What the build that saved the mounts has built comes from its cache.
		users = slices.DeleteFunc(users, func(u user) bool { return slices.Contains(known, u.key) })
	}
	if len(users) == 0 {
		return nil
	}
	caches := compile.NewCaches(in.graph, t.options, r.client.BuildOpts().SessionID)
	run, err := r.running(ctx, caches, users)
	if len(run) == 0 || err != nil {
		return err
	}
	// To look into a mount is to wait for whoever has it locked. The steps that
	// are going to run would wait as well.
	empty, err := r.readFile(ctx, caches.Empty(cachesOf(run)), compile.EmptyCachesFile)
	if err != nil {
		return err
	}
	wanted := slices.DeleteFunc(cachesOf(run), func(c graph.Cache) bool {
		return !slices.Contains(strings.Fields(empty), compile.SavedName(c))
	})
	if len(wanted) == 0 {
		return nil
	}
	_, err = r.evaluate(ctx, caches.Prime(*seed, wanted))
	return err
}

// running are those of some steps that this daemon has not been asked for in an
// earlier build.
func (r *request) running(ctx context.Context, caches *compile.Caches, users []user) ([]user, error) {
	var asked []compile.AskedStep
	for _, u := range users {
		asked = append(asked, compile.AskedStep{Name: u.name, Key: u.key})
	}
	ref, err := r.evaluate(ctx, caches.FirstSeen(asked))
	if err != nil {
		return nil, err
	}
	var out []user
	for i, u := range users {
		first, err := ref.ReadFile(ctx, client.ReadRequest{Filename: compile.FirstSeenFile(i)})
		if err != nil {
			return nil, err
		}
		if string(first) == r.client.BuildOpts().SessionID {
			out = append(out, u)
		}
	}
	return out, nil
}

// seed loads the context that cache mounts are filled from, nil where there is
// none, and the keys of the steps that were built when it was saved.
func (r *request) seed(ctx context.Context, in input) (*llb.State, []string, error) {
	nc, err := r.client.NamedContext(CachesContext, dockerui.ContextOpt{Platform: &in.platform})
	if nc == nil || err != nil {
		return nil, nil, err
	}
	st, img, err := nc.Load(ctx)
	if st == nil || err != nil {
		return nil, nil, errors.Wrap(err, CachesContext)
	}
	var steps []string
	if img != nil && img.Config.Labels[stepsLabel] != "" {
		if err := json.Unmarshal([]byte(img.Config.Labels[stepsLabel]), &steps); err != nil {
			return nil, nil, errors.Wrapf(err, "label %s of %s", stepsLabel, CachesContext)
		}
	}
	return st, steps, nil
}

// users are the steps of a target that use cache mounts.
func (r *request) users(ctx context.Context, in input, t *target) ([]user, error) {
	record, err := r.record(ctx, in, t)
	if err != nil {
		return nil, err
	}
	var out []user
	for _, n := range record.Nodes {
		u := user{name: n.Title, key: n.Key}
		switch n.Kind {
		case plan.KindPackages, plan.KindVersions:
			u.caches = in.graph.Toolchain.Caches
		case plan.KindScript:
			for _, s := range slices.Concat(in.graph.Scripts, in.graph.Cleanup) {
				if s.Node() == n.ID {
					u.caches = s.Caches
				}
			}
		default:
		}
		if len(u.caches) > 0 {
			out = append(out, u)
		}
	}
	return out, nil
}

func (r *request) record(ctx context.Context, in input, t *target) (*plan.Record, error) {
	b := r.resolved(ctx, in, t)
	return b.Record()
}

// cachesOf are all mounts of some steps, each once.
func cachesOf(users []user) []graph.Cache {
	var out []graph.Cache
	for _, u := range users {
		for _, c := range u.caches {
			if !slices.ContainsFunc(out, func(o graph.Cache) bool { return o.ID == c.ID }) {
				out = append(out, c)
			}
		}
	}
	return out
}

// caches makes target caches: the content of all cache mounts as it is now.
func (r *request) caches(ctx context.Context, in input, t *target) error {
	all := in.graph.Caches()
	if len(all) == 0 {
		return errors.Errorf("target %s: no step of %s uses a cache mount", graph.CachesTarget, in.graph.File)
	}
	t.state = t.states.Image
	if err := r.marshal(ctx, t); err != nil {
		return err
	}
	record, err := r.record(ctx, in, t)
	if err != nil {
		return err
	}
	var keys []string
	for _, n := range record.Nodes {
		keys = append(keys, n.Key)
	}
	steps, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	t.state = compile.NewCaches(in.graph, t.options, r.client.BuildOpts().SessionID).Save(all)
	t.image, t.baseImage = compile.EmptyConfig(t.options, t.state), nil
	t.image.Config = dockerspec.DockerOCIImageConfig{}
	t.image.Config.Labels = map[string]string{stepsLabel: string(steps)}
	return nil
}

// evaluate solves a state of a step of this package's own, and waits for it.
func (r *request) evaluate(ctx context.Context, st llb.State) (client.Reference, error) {
	def, err := st.Marshal(ctx, llb.WithCaps(r.client.BuildOpts().LLBCaps))
	if err != nil {
		return nil, err
	}
	res, err := r.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

func (r *request) readFile(ctx context.Context, st llb.State, name string) (string, error) {
	ref, err := r.evaluate(ctx, st)
	if err != nil {
		return "", err
	}
	data, err := ref.ReadFile(ctx, client.ReadRequest{Filename: name})
	return string(data), err
}
