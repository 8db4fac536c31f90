package bench

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// sample is what one build took.
type sample struct {
	seconds float64
	trace   *testenv.Trace
	sent    int64
	layers  []v1.Descriptor
}

// run runs a build as its user would, `docker buildx build --push`, and measures the call as a whole. What was pushed is
// looked at afterwards.
func run(tb testing.TB, cmd *exec.Cmd, registry *testenv.Registry, image string) (*sample, error) {
	tb.Helper()
	start := time.Now()
	out := testenv.Finish(tb, cmd)
	s := &sample{seconds: time.Since(start).Seconds()}
	if out.Code != 0 {
		lines := strings.Split(strings.TrimSpace(out.Stderr), "\n")
		return nil, fmt.Errorf("%s: %s", cmd, strings.Join(lines[max(0, len(lines)-3):], "\n"))
	}
	s.trace = out.Trace(tb)
	s.sent = sent(out.Stderr)
	img, err := registry.Get(image)
	if err != nil {
		return nil, err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	s.layers = manifest.Layers
	return s, nil
}

// sent is how many bytes the client has sent to the daemon, by what the daemon told of it.
func sent(statuses string) int64 {
	type transfer struct{ vertex, id string }
	last := map[transfer]int64{}
	for line := range strings.Lines(statuses) {
		status := new(client.SolveStatus)
		if json.Unmarshal([]byte(line), status) != nil {
			continue // a message of the command's own
		}
		for _, s := range status.Statuses {
			if strings.HasPrefix(s.ID, "transferring ") {
				t := transfer{s.Vertex.String(), s.ID}
				last[t] = max(last[t], s.Current)
			}
		}
	}
	var sum int64
	for _, bytes := range last {
		sum += bytes
	}
	return sum
}

// count tells how many vertices ran and how many came from the cache: steps, copies and merges, not sources and exports.
func (s *sample) count() (ran, cached int) {
	for _, v := range s.trace.Vertices {
		switch {
		case len(v.Inputs) == 0:
		case v.Ran:
			ran++
		case v.Cached:
			cached++
		}
	}
	return ran, cached
}

// add takes a build into a cell. Known are the layers that the registry has, which it adds to.
func (c *Cell) add(s *sample, known map[v1.Hash]bool) {
	c.Seconds = append(c.Seconds, s.seconds)
	c.Ran, c.Cached = s.count()
	c.Sent, c.Layers = s.sent, len(s.layers)
	c.Pushed, c.New, c.Size = 0, 0, 0
	for _, layer := range s.layers {
		c.Size += layer.Size
		if !known[layer.Digest] {
			c.Pushed += layer.Size
			c.New++
			known[layer.Digest] = true
		}
	}
}
