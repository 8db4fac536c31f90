package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/picture"
	"github.com/pgstrata/pgstrata/plan"
)

// observer watches a build: what was resolved before it, and which vertices
// ran for how long.
type observer struct {
	mu       sync.Mutex
	resolved []frontend.Resolved
	vertices map[digest.Digest]*vertex
	began    began
	// builds is what it came to, on each platform, once it has ended.
	builds []picture.Build
}

// vertex is one step of the daemon's.
type vertex struct {
	name string
	ran  bool
	took time.Duration
}

func newObserver() *observer { return &observer{vertices: map[digest.Digest]*vertex{}} }

// tell takes in what a platform's build comes down to.
func (o *observer) tell(r frontend.Resolved) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.resolved {
		if o.resolved[i].Platform() == r.Platform() {
			o.resolved[i] = r
			return
		}
	}
	o.resolved = append(o.resolved, r)
}

// see takes in one message of the daemon.
func (o *observer) see(status *client.SolveStatus) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, update := range status.Vertexes {
		o.began.see(update)
		v := o.vertices[update.Digest]
		if v == nil {
			v = &vertex{}
			o.vertices[update.Digest] = v
		}
		v.name = update.Name
		// What has inputs is started uncached only to be executed; what has
		// none, also to compute its key.
		executed := update.Completed != nil && !update.Cached
		v.ran = executed || v.ran && len(update.Inputs) > 0
		if executed && update.Started != nil {
			v.took = max(v.took, update.Completed.Sub(o.began.since(*update.Started)))
		}
	}
}

// ran returns how long the nodes of a record took that ran, by their ids.
func (o *observer) ran(r *plan.Record) map[string]time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	byName := map[string]time.Duration{}
	for _, v := range o.vertices {
		if v.ran {
			byName[v.name] = v.took
		}
	}
	out := map[string]time.Duration{}
	for name, took := range byName {
		for _, n := range r.Named(name) {
			out[n.ID] = took
		}
	}
	return out
}

// finish records what was built, for the next plan, and says it in a line for
// each platform. No error of it is one of the build, which has succeeded.
func (o *observer) finish(ctx context.Context, opts *options, dir string, response map[string]string, pushed bool) {
	if err := o.record(ctx, opts, dir, response, pushed); err != nil {
		fmt.Fprintln(os.Stderr, "pgstrata: this build is not recorded for `pgstrata plan`:", err)
	}
}

// layers are those of the exported image, by platform.
func (o *observer) layers(ctx context.Context, opts *options, response map[string]string) map[string][]plan.Layer {
	c, err := opts.connect(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	return exportedLayers(ctx, c, response, o.resolved[0].Platform())
}

func (o *observer) record(ctx context.Context, opts *options, dir string, response map[string]string, pushed bool) error {
	if len(o.resolved) == 0 {
		return nil
	}
	last, err := o.look(ctx, opts, dir, plan.Outcome{Pushed: pushed}, o.layers(ctx, opts, response))
	if err != nil {
		return err
	}
	h := &history{Built: time.Now()}
	for _, b := range o.builds {
		if opts.loud() {
			fmt.Fprintln(os.Stderr, b.Summary)
		}
		kept := *b.Record
		h.Records = append(h.Records, &kept)
	}
	h.carry(last)
	return h.write(dir, opts.file)
}

// look works out what the build came to, and returns what was known before it.
func (o *observer) look(ctx context.Context, opts *options, dir string, outcome plan.Outcome, layers map[string][]plan.Layer) (*history, error) {
	file := opts.file
	last, _, err := lastBuild(ctx, dir, file)
	if err != nil {
		return nil, err
	}
	files, beside, err := sources(dir, file)
	if err != nil {
		return nil, err
	}
	// The files are hashed here, not asked of the daemon: some are large.
	builds, err := last.after(opts, files, beside, file, time.Now())
	if err != nil {
		return nil, err
	}
	for _, r := range o.resolved {
		for i := range builds {
			if builds[i].Platform() == r.Platform() {
				r.Context = builds[i].Context
			}
		}
		record, err := r.Record()
		if err != nil {
			return nil, err
		}
		outcome.Ran, outcome.Layers = o.ran(record), layers[record.Platform]
		record.Took, record.Layers = outcome.Ran, outcome.Layers
		before := last.record(record.Platform)
		planned := plan.Compare(before, record)
		b := picture.Build{Record: record, Plan: planned.WithOutcome(record, outcome), Before: before}
		if !outcome.Failed {
			b.Summary = planned.Summary(before, outcome)
			if len(o.resolved) > 1 {
				b.Summary = record.Platform + ": " + b.Summary
			}
		}
		if before != nil {
			b.Plan.Since = last.String()
		}
		o.builds = append(o.builds, b)
	}
	return last, nil
}
