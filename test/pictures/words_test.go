package pictures

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/picture"
	"github.com/pgstrata/pgstrata/plan"
)

// The longest words stay in their boxes, in every state that there is.
func TestLongestWords(t *testing.T) {
	needsBrowser(t)
	record, p := &plan.Record{Platform: "linux/arm64/v8"}, &plan.Plan{}
	run := &picture.Run{Took: 2 * time.Hour, Error: "exit code: 1", Started: time.Unix(0, 0).UTC()}
	add := func(cache plan.Cache, v picture.Vertex) {
		id := string(cache) + "-" + string(rune('a'+len(record.Nodes)))
		n := plan.Node{ID: id, State: "setup", Kind: plan.KindScript, Vertex: id, Title: "WWWWWWWWWW-mmmmmmmm_statements-and-more.sh"}
		if len(record.Nodes) > 0 {
			n.Edges = []plan.Edge{{Node: record.Nodes[len(record.Nodes)-1].ID, How: plan.On}}
		}
		record.Nodes = append(record.Nodes, n)
		p.Steps = append(p.Steps, plan.Step{Node: n.ID, State: n.State, Kind: n.Kind, Title: n.Title, Cache: cache, Seconds: 98 * 60})
		v.Node, v.Name, v.Platform = id, "[setup 22/22] "+n.Title, record.Platform
		if v.Ran || v.Cached || v.Error != "" {
			run.Vertices = append(run.Vertices, v)
		}
	}
	long := picture.Vertex{Ran: true, End: 98 * time.Minute}
	for _, cache := range []plan.Cache{plan.Unknown, plan.Hit, plan.Miss, plan.Invalidated, plan.Conditional} {
		add(cache, long)
	}
	add(plan.Invalidated, picture.Vertex{Error: "exit code: 1", Start: 98 * time.Minute, End: 2 * time.Hour})
	add(plan.Conditional, picture.Vertex{})
	for name, run := range map[string]*picture.Run{"planned": nil, "ran": run} {
		t.Run(name, func(t *testing.T) {
			var page bytes.Buffer
			require.NoError(t, picture.HTML(&page, picture.Page{Title: "words", Builds: []picture.Build{{Record: record, Plan: p}}, Run: run}))
			file := filepath.Join(t.TempDir(), "page.html")
			require.NoError(t, os.WriteFile(file, page.Bytes(), 0o600))
			tab := open(t, file, 1280, 900)
			for _, scheme := range []string{"light", "dark"} {
				tab.scheme(scheme)
				tab.readable(scheme)
			}
		})
	}
}
