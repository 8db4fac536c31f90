package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/picture"
	"github.com/pgstrata/pgstrata/plan"
)

// report collects what --report shows of a build; nil collects nothing.
type report struct {
	file    string
	started time.Time
	began   began
	mu      sync.Mutex
	order   []*reported
	byID    map[digest.Digest]*reported
}

// reported is one vertex of the daemon's, with times by the daemon's clock.
type reported struct {
	picture.Vertex
	started, ended time.Time
}

// newReport returns nil where no report is wanted. What would keep it from
// being written is said before the build, not after it.
func newReport(file string) (*report, error) {
	if file == "" {
		return nil, nil
	}
	if ext := strings.ToLower(filepath.Ext(file)); ext != ".html" && ext != ".htm" {
		return nil, fmt.Errorf("--report %s: must end in .html", file)
	}
	if err := hasFolder("report", file); err != nil {
		return nil, err
	}
	return &report{file: file, started: time.Now(), byID: map[digest.Digest]*reported{}}, nil
}

// watch returns a function that takes in the daemon's messages, and hands them on.
func (r *report) watch(next func(*client.SolveStatus)) func(*client.SolveStatus) {
	if r == nil {
		return next
	}
	return func(status *client.SolveStatus) {
		r.see(status)
		next(status)
	}
}

func (r *report) see(status *client.SolveStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, update := range status.Vertexes {
		r.began.see(update)
		v := r.vertex(update.Digest)
		v.Name = update.Name
		if update.Started != nil && (v.started.IsZero() || update.Started.Before(v.started)) {
			v.started = r.began.since(*update.Started)
		}
		if update.Completed == nil {
			continue
		}
		v.ended = *update.Completed
		v.Error = update.Error
		// As observer.see has it.
		v.Ran = !update.Cached || v.Ran && len(update.Inputs) > 0
		v.Cached = !v.Ran
	}
	for _, log := range status.Logs {
		const most = 4000 // the end of it, of what failed, is shown
		v := r.vertex(log.Vertex)
		v.Log += string(log.Data)
		v.Log = v.Log[max(0, len(v.Log)-most):]
	}
}

func (r *report) vertex(d digest.Digest) *reported {
	v := r.byID[d]
	if v == nil {
		v = &reported{}
		r.byID[d] = v
		r.order = append(r.order, v)
	}
	return v
}

// failed writes the report of a build that failed. What else goes wrong here
// is told, but is not why the build failed.
func (r *report) failed(ctx context.Context, seen *observer, opts *options, dir string, err error) {
	if r == nil {
		return
	}
	if _, err := seen.look(ctx, opts, dir, plan.Outcome{Failed: true}, nil); err != nil {
		seen.builds = nil // of a build file that cannot be read there is nothing to draw
	}
	if err := r.write(title(dir), seen.builds, err); err != nil {
		fmt.Fprintln(os.Stderr, "pgstrata:", err)
	}
}

// write writes the report of a build that ended with err.
func (r *report) write(title string, builds []picture.Build, err error) error {
	if r == nil {
		return nil
	}
	run := &picture.Run{Started: r.started, Took: time.Since(r.started), Vertices: r.vertices(builds, err == nil)}
	if err != nil {
		var text bytes.Buffer
		for _, s := range errdefs.Sources(err) {
			_ = s.Print(&text) // as in the terminal
		}
		text.WriteString(err.Error())
		run.Error = text.String()
	}
	page := picture.Page{Title: title, Builds: builds, Run: run}
	var data bytes.Buffer
	if err = picture.HTML(&data, page); err == nil {
		err = os.WriteFile(r.file, data.Bytes(), 0o644) //nolint:gosec // it is there to be shown
	}
	if err != nil {
		return fmt.Errorf("the report of the build is not written: %w", err)
	}
	return nil
}

// vertices are those that the build came to, by their start. What has no end in
// a build that succeeded was another build's.
func (r *report) vertices(builds []picture.Build, succeeded bool) []picture.Vertex {
	r.mu.Lock()
	defer r.mu.Unlock()
	order := slices.DeleteFunc(slices.Clone(r.order), func(v *reported) bool { return v.started.IsZero() || succeeded && v.ended.IsZero() })
	slices.SortStableFunc(order, func(a, b *reported) int { return a.started.Compare(b.started) })
	var out []picture.Vertex
	for _, v := range order {
		one := v.Vertex
		one.Start = v.started.Sub(order[0].started)
		one.End = max(one.Start, v.ended.Sub(order[0].started))
		one.Node, one.Platform = node(builds, v.Name)
		if strings.HasSuffix(one.Error, "context canceled") { // another one's failure ended it
			one.Error, one.Ran, one.Stopped = "", false, true
		}
		if v.ended.IsZero() {
			one.Ran, one.Stopped = false, true
		}
		out = append(out, one)
	}
	return out
}

// node finds the node that a vertex stands for, and its platform, by the
// vertex's name: `[state] text`, with the platform in front of the state where
// there are several.
func node(builds []picture.Build, name string) (id, platform string) {
	for _, b := range builds {
		if found := b.Record.Named(name); len(found) > 0 {
			return found[0].ID, b.Record.Platform
		}
	}
	return "", ""
}
