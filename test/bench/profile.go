package bench

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/content/proxy"
	"github.com/docker/buildx/util/otelutil"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"go.opentelemetry.io/otel/attribute"
)

// Phase is what a build waits for, in the order of a build.
type Phase string

// The phases of a build.
const (
	Starting   Phase = "the client starts"
	Definition Phase = "build file sent"
	Image      Phase = "frontend image looked up"
	Container  Phase = "its container starts"
	Resolving  Phase = "base images looked up"
	Context    Phase = "context sent"
	Frontend   Phase = "the frontend works"
	Solving    Phase = "steps found in the cache, or run"
	Exporting  Phase = "exported and pushed"
	Recording  Phase = "provenance, and the daemon's record"
	Ending     Phase = "the client ends"
)

// Phases are all of them.
func Phases() []Phase {
	return []Phase{Starting, Definition, Image, Container, Resolving, Context, Frontend, Solving, Exporting, Recording, Ending}
}

// solve is the call that makes a build.
const solve = "moby.buildkit.v1.Control/Solve"

// profile tells for how many seconds a build waited for what, by what client and daemon have told by OpenTelemetry. Where
// several things went on, the one that began last counts. While nothing is told, the frontend works, or its container
// starts; before and after the build's call the client does.
func profile(spans otelutil.Spans) map[Phase]float64 {
	if len(spans) == 0 {
		return nil
	}
	begin := slices.MinFunc(spans, func(a, b otelutil.Span) int { return a.StartTime.Compare(b.StartTime) }).StartTime
	end := slices.MaxFunc(spans, func(a, b otelutil.Span) int { return a.EndTime.Compare(b.EndTime) }).EndTime
	var call, image otelutil.Span // the longest call is the build's: others ask what the daemon can do
	var told []otelutil.Span
	moments := []time.Time{begin, end}
	for _, s := range spans {
		if s.Name == solve && s.EndTime.Sub(s.StartTime) > call.EndTime.Sub(call.StartTime) {
			call = s
		}
		if phase(s) != "" {
			told = append(told, s)
			moments = append(moments, s.StartTime, s.EndTime)
		}
		if phase(s) == Image {
			image = s
		}
	}
	moments = append(moments, call.StartTime, call.EndTime)
	slices.SortFunc(moments, time.Time.Compare)
	slices.SortStableFunc(told, func(a, b otelutil.Span) int { return a.StartTime.Compare(b.StartTime) })

	out := map[Phase]float64{}
	var last Phase // that was told
	for i, at := range moments[1:] {
		from := moments[i]
		now := Phase("")
		for _, s := range told {
			if !s.StartTime.After(from) && s.EndTime.After(from) {
				now = phase(s)
			}
		}
		switch {
		case now != "":
			last = now
		case from.Before(call.StartTime):
			now = Starting
		case !from.Before(call.EndTime):
			now = Ending
		case last == Image && !from.Before(image.EndTime):
			now = Container
		case last == Exporting || last == Recording:
			now = last
		default:
			now = Frontend
		}
		out[now] += at.Sub(from).Seconds()
	}
	return out
}

// phase is what a span tells of; "" for one that is around others, or inside of one.
func phase(s otelutil.Span) Phase {
	name := s.Name
	isVertex := slices.ContainsFunc(s.Attributes, func(a attribute.KeyValue) bool { return a.Key == "vertex" })
	switch {
	case strings.HasPrefix(name, "[internal] load build definition"):
		return Definition
	case strings.HasPrefix(name, "[internal] load "):
		return Context
	case strings.HasPrefix(name, "resolving ") && !isFrontend(name):
		return Resolving
	case strings.HasPrefix(name, "resolving "), strings.HasPrefix(name, "cache request: docker-image://"), strings.HasPrefix(name, "load cache: docker-image://"):
		return Image
	case isVertex:
		return Solving
	case name == "exporting to image", name == "HTTP HEAD", name == "HTTP PUT", name == "HTTP POST":
		return Exporting
	case name == "create provenance attestation", name == "create history record":
		return Recording
	}
	return ""
}

// isFrontend tells whether an image that is looked up is a frontend's.
func isFrontend(name string) bool {
	return strings.Contains(name, frontendImage) || strings.Contains(name, rivalImage)
}

// median is the median of each phase over several builds.
func median(builds []map[Phase]float64) map[Phase]float64 {
	out := map[Phase]float64{}
	for _, p := range Phases() {
		var all []float64
		for _, b := range builds {
			all = append(all, b[p])
		}
		out[p] = Median(all)
	}
	return out
}

// lastTrace returns what the daemon and the client have told of the newest build, by OpenTelemetry: BuildKit keeps it with
// the build's record.
func lastTrace(ctx context.Context, c *client.Client) (otelutil.Spans, error) {
	newest, err := newestRecord(ctx, c, "")
	if err != nil {
		return nil, err
	}
	if newest.Trace == nil { // it is written a while after the build's end, or when it is asked for
		if _, err := c.ControlClient().UpdateBuildHistory(ctx, &controlapi.UpdateBuildHistoryRequest{Ref: newest.Ref, Finalize: true}); err != nil {
			return nil, err
		}
		if newest, err = newestRecord(ctx, c, newest.Ref); err != nil {
			return nil, err
		}
	}
	if newest.Trace == nil {
		return nil, errors.New("the build has no trace")
	}
	reader, err := proxy.NewContentStore(c.ContentClient()).ReaderAt(ctx, ocispecs.Descriptor{
		MediaType: newest.Trace.MediaType, Digest: digest.Digest(newest.Trace.Digest), Size: newest.Trace.Size,
	})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return otelutil.ParseSpanStubs(io.NewSectionReader(reader, 0, reader.Size()))
}

// newestRecord returns the record of a build, or of the newest where ref is "".
func newestRecord(ctx context.Context, c *client.Client, ref string) (*controlapi.BuildHistoryRecord, error) {
	stream, err := c.ControlClient().ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{Ref: ref, EarlyExit: true})
	if err != nil {
		return nil, err
	}
	var newest *controlapi.BuildHistoryRecord
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if newest == nil || event.Record.CreatedAt.AsTime().After(newest.CreatedAt.AsTime()) {
			newest = event.Record
		}
	}
	if newest == nil {
		return nil, errors.New("the daemon has no record of a build")
	}
	return newest, nil
}
