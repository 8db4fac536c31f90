package testenv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Trace is what a daemon told of one build: which vertices it looked at, and which it ran. This, not time, is the evidence
// that something was or was not rebuilt.
//
// Vertices are asked for by part of their name: "02-install" finds "[setup 2/5] 02-install-postgresql.sh". A vertex above
// one that came from the cache is neither run nor cached; the daemon had no need to look at it.
type Trace struct {
	Vertices []*Vertex // in the order in which the daemon first told of them
	Warnings []*client.VertexWarning

	since    time.Time // when the build began; the daemon's clock is the same
	byDigest map[digest.Digest]*Vertex
}

// Vertex is one step of a build.
type Vertex struct {
	client.Vertex        // as it was last told
	Ran           bool   // it was executed; of a vertex without inputs: it was not known from the cache
	Log           string // what it printed, standard output and error as they came
	Statuses      []string

	loaded, completed bool // told as completed from the cache, and otherwise
}

// add takes in one message of the daemon.
func (t *Trace) add(status *client.SolveStatus) {
	for _, update := range status.Vertexes {
		v := t.vertex(update.Digest)
		v.Vertex = *update
		// A vertex that has inputs is started uncached only to be executed. One that has none is started so to compute
		// its key, and told again as cached when its result was there. A cached one may be told as uncached when its
		// layers are pulled from a remote cache.
		v.loaded = v.loaded || (update.Completed != nil && update.Cached && update.Error == "")
		// A build that comes right after one that was canceled is told of that one's steps as they went.
		v.completed = v.completed || (update.Completed != nil && !update.Cached && !update.Completed.Before(t.since))
		v.Ran = v.completed && !v.loaded
	}
	for _, update := range status.Statuses {
		v := t.vertex(update.Vertex)
		if text := update.ID; !slices.Contains(v.Statuses, text) {
			v.Statuses = append(v.Statuses, text)
		}
	}
	for _, update := range status.Logs {
		t.vertex(update.Vertex).Log += string(update.Data)
	}
	t.Warnings = append(t.Warnings, status.Warnings...)
}

func (t *Trace) vertex(d digest.Digest) *Vertex {
	if v := t.byDigest[d]; v != nil {
		return v
	}
	if t.byDigest == nil {
		t.byDigest = make(map[digest.Digest]*Vertex)
	}
	v := &Vertex{Vertex: client.Vertex{Digest: d}}
	t.byDigest[d] = v
	t.Vertices = append(t.Vertices, v)
	return v
}

// Trace reads what `docker buildx build --progress=rawjson` wrote to its standard error.
func (o Output) Trace(tb testing.TB) *Trace {
	tb.Helper()
	trace := new(Trace)
	for line := range strings.Lines(o.Stderr) {
		if !strings.HasPrefix(line, "{") {
			continue // an error message of the command's own, after the last status
		}
		status := new(client.SolveStatus)
		if err := json.Unmarshal([]byte(line), status); err != nil {
			tb.Fatalf("%v: %s", err, line)
		}
		trace.add(status)
	}
	return trace
}

// Find returns the vertices whose names contain the text.
func (t *Trace) Find(name string) []*Vertex {
	var found []*Vertex
	for _, v := range t.Vertices {
		if strings.Contains(v.Name, name) {
			found = append(found, v)
		}
	}
	return found
}

// Ran tells whether a vertex of that name was executed.
func (t *Trace) Ran(name string) bool {
	return slices.ContainsFunc(t.Find(name), func(v *Vertex) bool { return v.Ran })
}

// Cached tells whether a vertex of that name came from the cache.
func (t *Trace) Cached(name string) bool {
	return slices.ContainsFunc(t.Find(name), func(v *Vertex) bool { return v.Cached && !v.Ran })
}

// Logs returns what the vertices of that name printed.
func (t *Trace) Logs(name string) string {
	var logs strings.Builder
	for _, v := range t.Find(name) {
		logs.WriteString(v.Log)
	}
	return logs.String()
}

// Names lists all vertices.
func (t *Trace) Names() []string { return t.names(func(*Vertex) bool { return true }) }

// RanNames lists the vertices that were executed.
func (t *Trace) RanNames() []string { return t.names(func(v *Vertex) bool { return v.Ran }) }

func (t *Trace) names(keep func(*Vertex) bool) []string {
	var names []string
	for _, v := range t.Vertices {
		if keep(v) {
			names = append(names, v.Name)
		}
	}
	return names
}

// String draws the trace for the message of a failed test, with the end of what a failed vertex printed.
func (t *Trace) String() string {
	var text strings.Builder
	for _, v := range t.Vertices {
		what := "      "
		switch {
		case v.Error != "":
			what = "FAILED"
		case v.Ran:
			what = "ran   "
		case v.Cached:
			what = "cached"
		}
		var took time.Duration
		if v.Started != nil && v.Completed != nil {
			took = v.Completed.Sub(*v.Started)
		}
		fmt.Fprintf(&text, "%s %7.2fs %s\n", what, took.Seconds(), v.Name)
		if v.Error != "" {
			lines := strings.SplitAfter(v.Log, "\n")
			text.WriteString(strings.Join(lines[max(0, len(lines)-40):], ""))
		}
	}
	return text.String()
}
