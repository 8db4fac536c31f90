package frontend

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/image-spec/identity"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/spec"
)

// resolve compiles the build of each platform.
func (d *dockerfileBuild) resolve(ctx context.Context) ([]Resolved, error) {
	if d.file.Target(d.client.Target) == nil {
		return nil, d.file.NoTarget(d.client.Target)
	}
	var out []Resolved
	for idx := range d.targets() {
		res, def, err := d.compiler(idx).compile(ctx)
		if err != nil {
			return nil, err
		}
		seen, _, err := d.narrow(ctx, def)
		if err != nil {
			return nil, err
		}
		out = append(out, d.resolved(idx, res, seen.Definition))
	}
	return out, nil
}

// resolved is one platform's build as it was compiled.
func (d *dockerfileBuild) resolved(idx int, res *dockerfile2llb.Result, def *pb.Definition) Resolved {
	target := d.targets()[idx]
	out := Resolved{
		Build: plan.Build{
			File:       path.Base(d.source.Filename),
			Platform:   platforms.Format(target),
			Target:     d.client.Target,
			Definition: def,
			Image:      res.Image,
			Args:       d.file.ArgNames(),
			Stages:     d.stages(),
			Context:    d.origin,
			Bases:      d.gateway.bases(target),
			Names:      contextNames(d.client.BuildOpts().Opts),
			Lacks:      d.lacks(),
		},
		Context:    oneFile{}, // of a Dockerfile that copies nothing
		Decisions:  d.decisions(idx),
		Undeclared: spec.Unconsumed(d.file.ArgNames(), d.client.BuildArgs, OwnArgs(d.client.BuildArgs)),
	}
	if d.tree != nil {
		out.Context = d.tree
	}
	return out
}

// stages are where the Dockerfile's stages begin.
func (d *dockerfileBuild) stages() []plan.Stage {
	var out []plan.Stage
	for _, s := range d.file.Stages {
		out = append(out, plan.Stage{Line: s.From.Start, Name: cmp.Or(s.Name, fmt.Sprintf("stage-%d", s.Index))})
	}
	return out
}

// tellWhole hands on what is known of a build that BuildKit's own frontend is
// going to do.
func (d *dockerfileBuild) tellWhole(ctx context.Context) error {
	if d.tell == nil {
		return nil
	}
	list, err := d.resolve(ctx)
	if err != nil {
		return err
	}
	for _, r := range list {
		d.tell(r)
	}
	return nil
}

// answerPlan answers what a build would run again.
func (d *dockerfileBuild) answerPlan(ctx context.Context) (*client.Result, error) {
	before, err := earlier(d.client.BuildOpts().Opts)
	if err != nil {
		return nil, err
	}
	if err := d.read(ctx, d.splitOff()); err != nil {
		return nil, err
	}
	list, err := d.resolve(ctx)
	if err != nil {
		return nil, err
	}
	return answerPlan(before, list)
}

// dockerfileDefinition is Definition for a Dockerfile.
func (r *request) dockerfileDefinition(ctx context.Context) (*pb.Definition, error) {
	f, err := dockerfile.Parse(r.source.Filename, r.source.Data)
	if err != nil {
		return nil, r.located(err)
	}
	d := &dockerfileBuild{request: r, file: f}
	return d.portable(ctx)
}

// portable returns the definition of the first platform's build, with a build
// context that names no session.
func (d *dockerfileBuild) portable(ctx context.Context) (*pb.Definition, error) {
	if err := d.read(ctx, d.splitOff()); err != nil {
		return nil, err
	}
	if d.askStages(ctx) != nil { // a step fails that others depend on: whoever builds it will see
		if err := d.unask(); err != nil {
			return nil, err
		}
	}
	opts, _ := d.followed()
	excludes, err := d.client.DockerIgnorePatterns(ctx)
	if err != nil {
		return nil, err
	}
	if len(excludes) > 0 {
		opts = append(opts, llb.ExcludePatterns(excludes))
	}
	d.source.SourceMap = llb.NewSourceMap(nil, d.source.Filename, d.source.Language, d.source.Data)
	c := d.compiler(0)
	c.contexts.inputs[dockerui.DefaultLocalNameContext] = *dockerui.DefaultMainContext(opts...)
	_, def, err := c.compile(ctx, llb.LocalUniqueID(dockerui.DefaultLocalNameContext))
	return def, err
}

// origin is the source that a state is, "" where it is more than that.
func origin(ctx context.Context, st llb.State) string {
	def, err := st.Marshal(ctx)
	if err != nil || len(def.Def) == 0 {
		return ""
	}
	op := &pb.Op{}
	if op.UnmarshalVT(def.Def[0]) != nil {
		return ""
	}
	return op.GetSource().GetIdentifier()
}

// bases are the images that were resolved so far, by their names in the
// Dockerfile. One for the target platform counts before those for others.
func (g *gateway) bases(target ocispecs.Platform) map[string]plan.Base {
	names := contextNames(g.BuildOpts().Opts)
	out := map[string]plan.Base{}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(g.images)) {
		ref, rest, _ := strings.Cut(key, "\x00")
		base, ok := g.images[key].base()
		own := names[ref]
		if len(own) == 0 {
			own = []string{ref}
		}
		for _, name := range own {
			_, known := out[name]
			if ok && (!known || strings.Contains(rest+"/", "\x00"+target.OS+"/"+target.Architecture+"/"+target.Variant+"/")) {
				out[name] = base
			}
		}
	}
	return out
}

// contextNames are the names that named contexts have in a build file, by the
// images that take their places.
func contextNames(opts map[string]string) map[string][]string {
	out := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(opts)) {
		value := opts[key]
		name, ok := strings.CutPrefix(key, "context:")
		image, is := strings.CutPrefix(value, "docker-image:")
		if !ok || !is {
			continue
		}
		name, _, _ = strings.Cut(name, "::")
		from, err := normalized(strings.TrimPrefix(image, "//"))
		to, err2 := normalized(name)
		if err == nil && err2 == nil {
			out[from] = append(out[from], to)
		}
	}
	return out
}

func normalized(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	return reference.TagNameOnly(named).String(), nil
}

// base is what a record keeps of an image; ok is false where it was not
// resolved.
func (c *imageConfig) base() (base plan.Base, ok bool) {
	var img dockerspec.DockerOCIImage
	if !c.known || c.err != nil || json.Unmarshal(c.config, &img) != nil {
		return base, false
	}
	base.Digest = c.digest.String()
	if len(img.RootFS.DiffIDs) > 0 {
		base.Layers = identity.ChainID(slices.Clone(img.RootFS.DiffIDs)).String()
	}
	config, err := json.Marshal(img.Config)
	base.Config = config
	return base, err == nil
}
