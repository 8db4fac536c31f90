package frontend

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/dockerfile"
)

// compiler compiles a Dockerfile for one platform, by BuildKit's own compiler.
// Platforms are compiled at once, so each has a compiler of its own.
type compiler struct {
	*dockerfileBuild
	// platform is nil where the client asks for none.
	platform *ocispecs.Platform
	// rewritten is what is compiled; nil for the Dockerfile as it is written.
	rewritten *dockerfile.Rewritten
	// contexts is what BuildKit's compiler asks.
	contexts contexts
}

// compiler returns the compiler of the platform with an index.
func (d *dockerfileBuild) compiler(idx int) *compiler {
	c := &compiler{dockerfileBuild: d, contexts: contexts{
		Client:  d.gateway,
		options: map[string]string{},
		inputs:  map[string]llb.State{},
	}}
	if list := d.client.TargetPlatforms; len(list) > 0 {
		c.platform = &list[idx]
	}
	if d.rewrites() {
		c.rewritten = d.platforms[idx]
		c.contexts.stages = c.rewritten.Became
	}
	if d.context != nil && (d.rewrites() || d.observed != nil) {
		c.contexts.inputs[dockerui.DefaultLocalNameContext] = *d.context // is sent once
	}
	return c
}

// compile returns the platform's build, and its definition. The definition's
// vertices point at the lines of the Dockerfile as it is written.
func (c *compiler) compile(ctx context.Context, opts ...llb.ConstraintsOpt) (*dockerfile2llb.Result, *pb.Definition, error) {
	res, err := c.result(ctx)
	if err != nil {
		return nil, nil, err
	}
	def, err := res.State.Marshal(ctx, opts...)
	if err != nil {
		return nil, nil, errors.Wrap(err, "cannot write the LLB definition")
	}
	out := def.ToPB()
	if c.rewritten != nil {
		relate(out, c.rewritten)
	}
	return res, out, nil
}

func (c *compiler) result(ctx context.Context) (*dockerfile2llb.Result, error) {
	if c.rewritten == nil {
		res, err := c.convert(ctx, c.source.Data, c.client.Target)
		return res, c.located(err)
	}
	for _, s := range c.rewritten.Squashes {
		if err := c.squash(ctx, s); err != nil {
			return nil, err
		}
	}
	return c.convert(ctx, c.rewritten.Text, c.client.Target)
}

// convert turns the text of a Dockerfile into LLB.
func (c *compiler) convert(ctx context.Context, text []byte, target string) (*dockerfile2llb.Result, error) {
	bc, err := dockerui.NewClient(c.contexts)
	if err != nil {
		return nil, err
	}
	config := bc.Config
	config.Target = target
	return dockerfile2llb.Dockerfile2LLB(ctx, text, dockerfile2llb.ConvertOpt{
		Config: config, Client: bc, SourceMap: c.source.SourceMap, MetaResolver: c.gateway, TargetPlatform: c.platform,
	})
}

// squash makes a named context of a stage whose steps become one layer.
func (c *compiler) squash(ctx context.Context, s dockerfile.Squash) error {
	lower, err := c.convert(ctx, c.rewritten.Text, s.Lower)
	if err != nil {
		return err
	}
	upper, err := c.convert(ctx, c.rewritten.Text, s.Upper)
	if err != nil {
		return err
	}
	caps := c.client.BuildOpts().LLBCaps
	target := platforms.DefaultSpec()
	if c.platform != nil {
		target = *c.platform
	}
	label := s.Upper
	if c.client.MultiPlatformRequested {
		label = platforms.Format(target) + " " + label
	}
	below := compile.State{State: lower.State, Layers: lower.Image.History}
	st := compile.Squash(below, upper.State, []compile.Change{{Before: lower.State, After: upper.State}}, s.CreatedBy, &caps, compile.SquashOptions{
		Compare: llb.WithCustomName("[internal] " + compile.Comparison), Remove: llb.WithCustomName("[internal] " + compile.Removal),
		Copy:  llb.WithCustomName("[" + label + "] " + compile.Squashed),
		Tools: lower.State, Shell: interpreter(lower.Image.Config.Shell), Options: []llb.ConstraintsOpt{llb.Platform(target)},
	})

	img := *upper.Image
	img.History = st.Layers
	config, err := json.Marshal(img)
	if err != nil {
		return err
	}
	return c.contexts.add(s.Name, target, st.State, config)
}

// interpreter is what runs a script, of a SHELL that runs a command line.
func interpreter(shell []string) []string {
	if len(shell) < 2 {
		return []string{"/bin/sh"}
	}
	return shell[:len(shell)-1]
}

// relate makes a definition's vertices point at the lines of the Dockerfile as
// it is written, and names them without the mounts that were added.
func relate(def *pb.Definition, rw *dockerfile.Rewritten) {
	for _, locations := range def.GetSource().GetLocations() {
		for _, l := range locations.Locations {
			for _, r := range l.Ranges {
				rw.Locate(r)
			}
		}
	}
	for _, meta := range def.Metadata {
		if name, ok := meta.Description[compile.NameKey]; ok {
			for _, flags := range rw.Flags {
				name = strings.ReplaceAll(name, flags, "")
			}
			meta.Description[compile.NameKey] = name
		}
	}
}

// contexts is a client in which states take the place of the build context, of
// named contexts and of stages.
type contexts struct {
	client.Client
	options map[string]string
	inputs  map[string]llb.State
	// stages are the stages that one stage became.
	stages map[string][]string
}

// add makes a state with an image's configuration the context of a name.
func (c contexts) add(name string, p ocispecs.Platform, st llb.State, config []byte) error {
	metadata, err := json.Marshal(map[string][]byte{exptypes.ExporterImageConfigKey: config})
	if err != nil {
		return err
	}
	platform := platforms.FormatAll(platforms.Normalize(p))
	key := name + "-" + strings.ReplaceAll(platform, "/", "-")
	c.inputs[key] = st
	c.options["context:"+name+"::"+platform] = "input:" + key
	c.options["input-metadata:"+key] = string(metadata)
	return nil
}

// BuildOpts implements client.Client. Where a stage is to be built without
// cache, so are the stages that it became.
func (c contexts) BuildOpts() client.BuildOpts {
	opts := c.Client.BuildOpts()
	opts.Opts = maps.Clone(opts.Opts)
	maps.Copy(opts.Opts, c.options)
	if names := opts.Opts["no-cache"]; names != "" {
		for name := range strings.SplitSeq(names, ",") {
			for stage, parts := range c.stages {
				if strings.EqualFold(stage, name) {
					opts.Opts["no-cache"] += "," + strings.Join(parts, ",")
				}
			}
		}
	}
	return opts
}

// Inputs implements client.Client.
func (c contexts) Inputs(ctx context.Context) (map[string]llb.State, error) {
	inputs, err := c.Client.Inputs(ctx)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(c.inputs)
	for name, st := range inputs {
		if _, taken := out[name]; !taken {
			out[name] = st
		}
	}
	return out, nil
}
