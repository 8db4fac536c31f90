package frontend

import (
	"context"
	"maps"

	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/client"
)

// serveDockerfile answers a request whose build file is a Dockerfile: BuildKit's
// own frontend does.
func (r *request) serveDockerfile(ctx context.Context) (*client.Result, error) {
	return builder.Build(ctx, &dockerfileGateway{Client: r.gateway})
}

// dockerfileGateway is what BuildKit's Dockerfile frontend sees of a request.
type dockerfileGateway struct {
	client.Client
}

// BuildOpts implements client.Client. The syntax line, or the build arg in its
// place, has had its effect: it is why this code runs.
func (g *dockerfileGateway) BuildOpts() client.BuildOpts {
	opts := g.Client.BuildOpts()
	opts.Opts = maps.Clone(opts.Opts)
	if opts.Opts == nil {
		opts.Opts = map[string]string{}
	}
	if _, ok := opts.Opts["cmdline"]; !ok {
		opts.Opts["cmdline"] = "pgstrata"
	}
	return opts
}
