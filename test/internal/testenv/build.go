package testenv

import (
	"context"
	"maps"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil"
	"golang.org/x/sync/errgroup"
)

// Request is one build. What is built is said by Syntax, Func or State, one of them.
type Request struct {
	Syntax string            // a frontend image, as in a build file's first line
	Func   gateway.BuildFunc // a frontend in this process
	State  *llb.State        // plain LLB

	Context string            // the folder that is sent as build context, build file included
	Options map[string]string // the frontend's options: "target", "build-arg:NAME", …
	Image   string            // the name under which the result is pushed to the registry, if any

	Watch func(*Trace) // is called, if it is there, after each thing that the daemon tells

	client.SolveOpt // everything else, such as caches, secrets and other exports
}

// Result is what came of a build; for one that failed it has the trace alone.
type Result struct {
	Trace    *Trace
	Digest   string            // of the image that was exported
	Response map[string]string // all that the exporters told
}

// Build runs a build and follows it to its end. It returns a result, with the trace so far, even beside an error.
func (d *Daemon) Build(ctx context.Context, r Request) (*Result, error) {
	opt := r.SolveOpt
	opt.FrontendAttrs = maps.Clone(opt.FrontendAttrs)
	if opt.FrontendAttrs == nil {
		opt.FrontendAttrs = make(map[string]string)
	}
	maps.Copy(opt.FrontendAttrs, r.Options)
	if r.Syntax != "" {
		opt.Frontend = "gateway.v0"
		opt.FrontendAttrs["source"] = r.Syntax
	}
	if r.Context != "" {
		files, err := fsutil.NewFS(r.Context)
		if err != nil {
			return nil, err
		}
		opt.LocalMounts = maps.Clone(opt.LocalMounts)
		if opt.LocalMounts == nil {
			opt.LocalMounts = make(map[string]fsutil.FS)
		}
		opt.LocalMounts["context"], opt.LocalMounts["dockerfile"] = files, files
	}
	if r.Image != "" {
		opt.Exports = append(opt.Exports[:len(opt.Exports):len(opt.Exports)], client.ExportEntry{
			Type:  client.ExporterImage,
			Attrs: map[string]string{"name": d.registry.Ref(r.Image), "push": "true"},
		})
	}

	result := &Result{Trace: &Trace{since: time.Now()}}
	statuses := make(chan *client.SolveStatus)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for status := range statuses {
			result.Trace.add(status)
			if r.Watch != nil {
				r.Watch(result.Trace)
			}
		}
		return nil
	})
	group.Go(func() error {
		response, err := d.solve(ctx, r, opt, statuses)
		if err != nil {
			return err
		}
		result.Response = response.ExporterResponse
		result.Digest = result.Response[exptypes.ExporterImageDigestKey]
		return nil
	})
	return result, group.Wait()
}

// solve closes the channel when it returns.
func (d *Daemon) solve(ctx context.Context, r Request, opt client.SolveOpt, statuses chan *client.SolveStatus) (*client.SolveResponse, error) {
	switch {
	case r.Func != nil:
		return d.Client.Build(ctx, opt, "", r.Func, statuses)
	case r.State != nil:
		definition, err := r.State.Marshal(ctx)
		if err != nil {
			close(statuses)
			return nil, err
		}
		return d.Client.Solve(ctx, definition, opt, statuses)
	default:
		return d.Client.Solve(ctx, nil, opt, statuses)
	}
}
