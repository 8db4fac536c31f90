package bench

import (
	"testing"
	"time"

	"github.com/docker/buildx/util/otelutil"
	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
)

// What a build waits for is told by spans, and by the time between them.
func TestProfile(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	span := func(name string, from, to int, attributes ...attribute.KeyValue) otelutil.Span {
		at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
		return otelutil.Span{Name: name, StartTime: at(from), EndTime: at(to), Attributes: attributes}
	}
	vertex := attribute.String("vertex", "sha256:0a")
	got := profile(otelutil.Spans{
		span("build .", 0, 500),
		span(solve, 10, 12), // asks what the daemon can do
		span(solve, 50, 450),
		span("[internal] load build definition from Dockerfile", 50, 60, vertex),
		span("moby.filesync.v1.FileSync/DiffCopy", 52, 58),
		span("resolving "+frontendImage, 60, 80),
		span("load cache: docker-image://"+frontendImage+"@sha256:0a", 80, 90, vertex),
		span("resolving docker.io/library/debian:bookworm-slim", 200, 210),
		span("[internal] load build context", 205, 230, vertex),
		span("cache request: [setup 1/2] a.sh", 300, 310, vertex),
		span("exporting to image", 320, 350),
		span("HTTP HEAD", 360, 370),
		span("create history record", 400, 440),
	})
	want := map[Phase]float64{
		Starting: 50, Definition: 10, Image: 30, Container: 110, Resolving: 5, Context: 25, Frontend: 70 + 10,
		Solving: 10, Exporting: 30 + 10 + 10 + 30, Recording: 40 + 10, Ending: 50,
	}
	for phase, ms := range want {
		assert.InDelta(t, ms/1e3, got[phase], 1e-9, phase)
	}
	assert.Len(t, got, len(want))
	assert.Empty(t, profile(nil))
}
