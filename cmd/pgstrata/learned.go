package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/docker/buildx/builder"
	"github.com/docker/buildx/localstate"
	"github.com/docker/cli/cli/config"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"

	"github.com/pgstrata/pgstrata/frontend"
)

// lastBuild returns what is known of the last build of a context and build file, by
// this program or by docker buildx: nil where that is nothing. What was learned of
// docker buildx is recorded, so that nobody is asked for it again. The notes are
// builds that nothing could be learned of.
func lastBuild(ctx context.Context, dir, file string) (last *history, notes []string, err error) {
	last, err = readHistory(dir, file)
	if err != nil {
		return nil, nil, err
	}
	var since time.Time
	if last != nil {
		since = last.Built
	}
	const most = 5 // builds that failed, or that another frontend made, have no records
	list := buildxBuilds(dir, file, since)
	for _, b := range list[:min(len(list), most)] {
		learned, err := b.learn(ctx)
		if err != nil {
			notes = append(notes, fmt.Sprintf("docker buildx has begun a build on builder %s on %s, of which that cannot be asked: %v",
				b.builder, b.began.Local().Format(minutes), err))
			break
		}
		if learned != nil {
			learned.carry(last)
			if err := learned.write(dir, file); err != nil {
				notes = append(notes, fmt.Sprintf("what docker buildx has built is asked for each time, since it cannot be recorded: %v", err))
			}
			return learned, notes, nil
		}
	}
	return last, notes, nil
}

// carry takes over what stays true of the build before.
func (h *history) carry(before *history) {
	for _, r := range h.Records {
		r.Carry(before.record(r.Platform))
	}
	if before == nil {
		return
	}
	for _, r := range before.Records { // platforms that were built another time
		if h.record(r.Platform) == nil {
			h.Records = append(h.Records, r)
		}
	}
}

// buildxBuild is a build that docker buildx has begun.
type buildxBuild struct {
	builder, ref string
	began        time.Time
	// nodes are those that it was begun on: one for each platform, it may be.
	nodes []string
}

// buildxBuilds are the builds of a context and build file that docker buildx has begun
// since a time, the newest first. It notes each in a file of its own, for each node.
func buildxBuilds(dir, file string, since time.Time) []buildxBuild {
	refs := filepath.Join(cmp.Or(os.Getenv("BUILDX_CONFIG"), filepath.Join(config.Dir(), "buildx")), "refs")
	names, err := filepath.Glob(filepath.Join(refs, "*", "*", "*"))
	if err != nil {
		return nil
	}
	type note struct {
		path  string
		began time.Time
	}
	var notes []note
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(since) {
			notes = append(notes, note{name, info.ModTime()})
		}
	}
	slices.SortFunc(notes, func(a, b note) int { return b.began.Compare(a.began) })
	const most = 1000 // each is a file to read
	var out []buildxBuild
	for _, n := range notes[:min(len(notes), most)] {
		if !isOf(n.path, dir, file) {
			continue
		}
		node := filepath.Dir(n.path)
		b := buildxBuild{builder: filepath.Base(filepath.Dir(node)), ref: filepath.Base(n.path), began: n.began}
		i := slices.IndexFunc(out, func(o buildxBuild) bool { return o.builder == b.builder && o.ref == b.ref })
		if i < 0 {
			i = len(out)
			out = append(out, b)
		}
		out[i].nodes = append(out[i].nodes, filepath.Base(node))
	}
	return out
}

// isOf tells whether a note of docker buildx is on a build of a context and build
// file.
func isOf(note, dir, file string) bool {
	data, err := os.ReadFile(note)
	var state localstate.State
	if err != nil || json.Unmarshal(data, &state) != nil || !filepath.IsAbs(state.LocalPath) {
		return false
	}
	same := func(a, b string) bool {
		a, errA := absolute(a)
		b, errB := absolute(b)
		return errA == nil && errB == nil && a == b
	}
	return same(state.LocalPath, dir) && same(cmp.Or(state.DockerfilePath, filepath.Join(state.LocalPath, buildFiles()[0])), file)
}

// minutes is how times of builds are told.
const minutes = "2006-01-02 15:04"

// learn asks the builder for the records of the build, nil where it has none.
func (b *buildxBuild) learn(ctx context.Context) (*history, error) {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, nodes, err := buildxNodes(ctx, b.builder) // their clients end with ctx
	if err != nil {
		return nil, err
	}
	out := &history{Built: b.began, By: "docker buildx on builder " + b.builder}
	for _, node := range b.nodes {
		if err := b.ask(ctx, nodes, node, out); err != nil {
			return nil, err
		}
	}
	if len(out.Records) == 0 {
		return nil, nil
	}
	return out, nil
}

// ask adds what a node knows of the build.
func (b *buildxBuild) ask(ctx context.Context, nodes []builder.Node, node string, to *history) error {
	c, err := asIs(ctx, nodes, node)
	if err != nil {
		return err
	}
	defer c.Close()
	record, err := ended(ctx, c, b.ref)
	if record == nil || err != nil {
		return err
	}
	records, err := frontend.KeptRecords(record.ExporterResponse)
	to.Records = append(to.Records, records...)
	took := record.CompletedAt.AsTime().Sub(record.CreatedAt.AsTime()) // by the daemon's clock, which may be another one
	if end := b.began.Add(took); end.After(to.Built) {
		to.Built = end
	}
	return err
}

// ended is what a daemon keeps of a build, nil where it does not know it, or the
// build has not ended well.
func ended(ctx context.Context, c *client.Client, ref string) (*controlapi.BuildHistoryRecord, error) {
	events, err := c.ControlClient().ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{Ref: ref, EarlyExit: true})
	if err != nil {
		return nil, err
	}
	for {
		event, err := events.Recv()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if r := event.Record; event.Type == controlapi.BuildHistoryEventType_COMPLETE && r != nil && r.Ref == ref && r.Error == nil {
			return r, nil
		}
	}
}
