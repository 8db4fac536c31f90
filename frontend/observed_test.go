package frontend

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/trace"
)

// A plan knows the record: an edit of what no step read runs none of them.
func TestPlanOfObservedSteps(t *testing.T) {
	d := newDockerfileTree("FROM debian:bookworm-slim\nCOPY . /app/\nRUN one\nRUN two\n")
	d.last = &plan.Record{Bases: map[string]plan.Base{"docker.io/library/debian:bookworm-slim": {Digest: "sha256:" + strings.Repeat("1", 64)}}}
	resolve := func() Resolved {
		builds, err := Offline{
			Name: "Dockerfile", Data: d.files["Dockerfile"].Data, Observed: d.observed, Options: d.options, Now: time.Unix(0, 0),
			Context: func(_, _ []string) (fs.FS, error) { return d.files, nil },
			Last:    func(string) *plan.Record { return d.last },
		}.Resolve()
		require.NoError(t, err)
		return builds[0]
	}
	def := resolve().Build.Definition
	tool, err := llb.Local("tool").Marshal(context.Background())
	require.NoError(t, err)
	o, err := narrow.Observe(def, narrow.Options{Context: d.files, Source: "local://context"}, narrow.Tracer{Program: tool.ToPB()})
	require.NoError(t, err)
	for i, read := range []string{"/app/run.sh", "/app/config/x.conf"} {
		require.NoError(t, o.Learn(o.Names()[i], "linux/amd64", &trace.Record{Paths: []trace.Path{{Name: read, Did: trace.Read, Was: trace.File}}}))
	}
	d.observed = (&narrow.Record{Steps: o.Learnt()}).Format()
	record := func() *plan.Record {
		built := resolve()
		r, err := built.Record()
		require.NoError(t, err)
		return r
	}
	was := record()
	ids := map[string]bool{}
	for _, n := range was.Nodes {
		ids[n.ID] = true
	}
	assert.True(t, ids["stage-0/RUN one"] && ids["stage-0/RUN two"], "%v", ids)
	for name, tc := range map[string]struct{ file, want string }{
		"what no step reads":    {"config/y.conf", ""},
		"what the second reads": {"config/x.conf", "RUN two"},
		"what the first reads":  {"run.sh", "RUN one RUN two"},
	} {
		t.Run(name, func(t *testing.T) {
			before := d.files[tc.file]
			d.write(tc.file, "edited")
			var ran []string
			for _, n := range plan.Compare(was, record()).Steps {
				if n.Cache != plan.Hit && strings.HasPrefix(n.Title, "RUN ") {
					ran = append(ran, n.Title)
				}
			}
			assert.Equal(t, tc.want, strings.Join(ran, " "))
			d.files[tc.file] = before
		})
	}
}
