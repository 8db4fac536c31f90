package frontend

import (
	"context"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/suggest"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// Undeclared are the build args that do nothing, each with the name that may be
// meant, as a build warns of them. A build file that cannot be read has none:
// what is wrong with it is told in their place.
func (o Offline) Undeclared() []string {
	args := prefixed(o.Options, "build-arg:")
	p := platforms.DefaultSpec()
	opt := spec.Options{BuildArgs: args, Predefined: predefined(p, p, "", args)}
	kind, err := dockerfile.Detect(o.Name, o.Data)
	if err != nil {
		return nil
	}
	if kind == dockerfile.BuildFile {
		f, err := spec.Load(o.Name, o.Data, opt)
		if err != nil {
			return nil
		}
		return f.Undeclared(opt)
	}
	d, err := dockerfile.Parse(o.Name, o.Data)
	if err != nil {
		return nil
	}
	f := &spec.File{} // that declares the same
	all := slices.Clone(d.Args)
	for _, s := range d.Stages {
		all = append(all, s.Instructions...)
	}
	for _, in := range all {
		if c, ok := in.Command.(*instructions.ArgCommand); ok {
			for _, a := range c.Args {
				f.Args = append(f.Args, spec.Arg{Name: spec.Text{Value: a.Key}})
			}
		}
	}
	return f.Undeclared(opt)
}

// warnFilters warns of names in --no-cache-filter that are none of the build's.
func (r *request) warnFilters(ctx context.Context, g *graph.Graph) {
	known := g.Targets()
	for _, s := range slices.Concat(g.Scripts, g.Cleanup) {
		known = append(known, graph.SetupState+"/"+s.Name, s.Name)
	}
	known = append(known, graph.ToolchainState)
	var out []string
	for name := range strings.SplitSeq(r.client.BuildOpts().Opts["no-cache"], ",") {
		if name == "" || slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			continue
		}
		if s, ok := suggest.Search(name, known, true); ok {
			name += " (did you mean " + s + "?)"
		}
		out = append(out, name)
	}
	if len(out) > 0 {
		r.source.Warn(ctx, "--no-cache-filter names nothing that is built: "+strings.Join(out, ", "), client.WarnOpts{
			Detail: [][]byte{[]byte("It takes " + strings.Join(known, ", ") + ".")},
		})
	}
}
