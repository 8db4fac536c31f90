package replay

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/terminal"
)

// resolve makes the graph of a build file and scripts.
func resolve(t *testing.T, file string, scripts map[string]string) *graph.Graph {
	t.Helper()
	context := fstest.MapFS{}
	for name, text := range scripts {
		context["setup/scripts/"+name] = &fstest.MapFile{Data: []byte("#!/bin/sh\n" + text + "\n"), Mode: 0o755}
	}
	f, err := spec.Load("Dockerfile", []byte(file), spec.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Discover(context))
	g, err := graph.New(f, context, graph.Options{Platform: "linux/amd64", Now: time.Unix(1_800_000_000, 0)})
	require.NoError(t, err)
	return g
}

// Scripts keep their order where they say so, and where they name one place.
func TestNewChain(t *testing.T) {
	file := `base: debian:bookworm-slim
setup:
  scripts:
    - setup/scripts/01-user.sh
    - {path: setup/scripts/02-tool.sh, outputs: [/opt/tool], needs: [01-user]}
    - setup/scripts/03-data.sh
    - setup/scripts/04-free.sh
    - {path: setup/scripts/05-late.sh, needs: [02-tool]}
    - {path: setup/scripts/06-said.sh, needs: [setup/scripts/04-free.sh]}
    - setup/scripts/07-packages.sh
    - setup/scripts/08-owner.sh
    - setup/scripts/09-account.sh
    - setup/scripts/10-last.sh
`
	g := resolve(t, file, map[string]string{
		"01-user.sh": "mkdir -p /var/lib/postgresql /usr/local/bin",
		"02-tool.sh": "make install",
		"03-data.sh": "touch /var/lib/postgresql/data/here",
		"04-free.sh": "cp x /usr/local/bin/x; rm -rf /var/lib/apt/lists /tmp/x; /usr/bin/env true",
		"05-late.sh": "/opt/tool/run /usr/bin/env",
		"06-said.sh": "true",

		"07-packages.sh": "apt-get install -y postgresql",
		"08-owner.sh":    "install -d -o postgres /opt/data", // which 07 has made
		"09-account.sh":  "useradd backup",
		"10-last.sh":     "true",
	})
	needs := map[string][]string{"setup/scripts/06-said.sh": {"setup/scripts/04-free.sh"}}
	took := map[string]time.Duration{"setup/01-user": time.Second, "setup/03-data": time.Minute, "setup/04-free": time.Second, "setup/05-late": time.Second}
	after := func(chain Chain) map[string]string {
		out := map[string]string{}
		for _, l := range chain {
			var list []string
			for _, path := range l.After {
				list = append(list, strings.TrimPrefix(path, "setup/scripts/"))
			}
			out[strings.TrimPrefix(l.Path, "setup/scripts/")] = strings.Join(list, " ")
		}
		return out
	}
	chain := NewChain(g, needs, took)
	assert.Equal(t, map[string]string{
		"01-user.sh": "",
		"03-data.sh": "01-user.sh", // the same directory
		"04-free.sh": "",           // where anything may be put
		"05-late.sh": "01-user.sh", // by the one that it needs
		"06-said.sh": "04-free.sh",

		"07-packages.sh": "",
		"08-owner.sh":    "07-packages.sh",
		"09-account.sh":  "07-packages.sh",
		"10-last.sh":     "07-packages.sh 09-account.sh",
	}, after(chain))
	assert.Equal(t, int64(1), chain[1].Weight, "one of them was never measured, so they are counted")
	for _, name := range []string{"06-said", "07-packages", "08-owner", "09-account", "10-last"} {
		took["setup/"+name] = time.Second
	}
	assert.Equal(t, int64(60_000), NewChain(g, needs, took)[1].Weight)
}

// commitsOf are commits that changed these files.
func commitsOf(times int, files ...string) []Commit {
	var out []Commit
	for range times {
		out = append(out, Commit{Changed: files})
	}
	return out
}

func TestReclass(t *testing.T) {
	file := func(name string) plan.Part { return plan.Part{Kind: "file", Name: name} }
	record := &plan.Record{Nodes: []plan.Node{
		{ID: "entrypoint/utilities", Parts: []plan.Part{file("log.sh"), file("busy.sh")}},
		{ID: "entrypoint/runtime", Parts: []plan.Part{file("start.sh"), file("stop.sh")}},
	}}
	together := append(commitsOf(10, "busy.sh", "start.sh"), commitsOf(5, "stop.sh")...)
	assert.Equal(t, []Advice{{
		Kind: "class", Saves: 10, Of: 25,
		Text: "move busy.sh to runtime_scripts: the layer of the utilities was made again each time that it changed",
	}}, reclass(together, record))
	assert.Empty(t, reclass(commitsOf(10, "busy.sh"), record), "alone it makes one layer wherever it is")
	assert.Empty(t, reclass(commitsOf(1, "busy.sh", "start.sh"), record), "once is no evidence")
	assert.Empty(t, reclass(together, &plan.Record{}))
}

// Times count where all scripts were measured.
func TestAdviceInTime(t *testing.T) {
	chain := Chain{{Path: "slow.sh", Node: "setup/slow", Weight: 300_000}, {Path: "quick.sh", Node: "setup/quick", Weight: 1000}}
	var outcomes []Outcome
	for range 10 {
		outcomes = append(outcomes, Outcome{Scripts: []string{"slow.sh"}, present: []string{"slow.sh", "quick.sh"}})
	}
	r := &Report{Contenders: []*Contender{{Ran: 1, Outcomes: outcomes}}}
	r.Advise(chain, &plan.Record{})
	assert.Empty(t, r.Advice, "ten seconds of fifty minutes are not worth a word")

	for range 30 {
		outcomes = append(outcomes, Outcome{Scripts: []string{"quick.sh"}, present: []string{"slow.sh", "quick.sh"}})
	}
	chain[0], chain[1] = chain[1], chain[0]
	r = &Report{Contenders: []*Contender{{Ran: 1, Outcomes: outcomes}}}
	r.Advise(chain, &plan.Record{})
	require.NotEmpty(t, r.Advice)
	assert.Equal(t, "run quick.sh after slow.sh", r.Advice[0].Text)
	assert.Equal(t, []string{"slow.sh", "quick.sh"}, r.Advice[0].Order)
	assert.InDelta(t, 30*300-10, r.Advice[0].Seconds, 1e-9)
	var text strings.Builder
	require.NoError(t, r.Write(&text, terminal.Style{}))
	assert.Contains(t, text.String(), "1. run quick.sh after slow.sh\n   saves 2.5 h, 20 of 70 runs of scripts\n")
}

// A history of two ways to build has a column for each.
func TestContenders(t *testing.T) {
	record := func(script, key string) *plan.Record {
		return &plan.Record{Platform: "linux/amd64", Nodes: []plan.Node{{
			ID: "setup/a", State: "setup", Kind: plan.KindScript, Title: "a.sh", Vertex: "a.sh", Key: key, Loose: key,
			Parts: []plan.Part{{Kind: "file", Name: "a.sh", Value: script}},
		}}}
	}
	commits := []Commit{{ID: "1"}, {ID: "2"}}
	steady := Series{"build file", []Snapshot{{Record: record("x", "1")}, {Record: record("x", "1")}, {Record: record("y", "2")}}}
	busy := Series{"Dockerfile", []Snapshot{{Record: record("x", "1")}, {Record: record("y", "2")}, {Record: record("z", "3")}}}
	r := New(commits, steady, busy)
	require.Len(t, r.Contenders, 2)
	assert.Equal(t, 1, r.Contenders[0].None)
	assert.Equal(t, 0, r.Contenders[1].None)
	var text strings.Builder
	require.NoError(t, r.Write(&text, terminal.Style{}))
	assert.Contains(t, text.String(), `
                                              build file   Dockerfile
commits that changed nothing of the context   0            0
commits that could be compared                2            2
  needed no step of setup                     1 (50.0 %)   0 (0.0 %)
  changed one setup script                    1 (50.0 %)   2 (100.0 %)
`)
}

// Steps of one line share what it counts, and a squash is none of them.
func TestShares(t *testing.T) {
	share := shares(&plan.Record{Nodes: []plan.Node{
		{ID: "a", State: graph.SetupState, Kind: plan.KindScript, Vertex: "RUN a", Line: 2},
		{ID: "b", State: graph.SetupState, Kind: plan.KindScript, Vertex: "RUN b", Line: 2},
		{ID: "squash", State: graph.SetupState, Kind: plan.KindSquash, Vertex: "flatten", Line: 2},
		{ID: "c", State: graph.SetupState, Kind: plan.KindScript, Vertex: "RUN c", Line: 3},
		{ID: "script", State: graph.SetupState, Kind: plan.KindScript, Vertex: "01.sh"},
	}})
	for node, want := range map[string]float64{"a": 0.5, "b": 0.5, "squash": 0, "c": 1, "script": 1} {
		assert.InDelta(t, want, share(node), 0, node)
	}
}
