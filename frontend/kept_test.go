package frontend

import (
	"errors"
	"io/fs"
	"maps"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

func told(platform, file string) Resolved {
	return Resolved{Build: plan.Build{File: file, Platform: platform, Definition: &pb.Definition{}}}
}

// kept are the records that a build's history would have.
func kept(t *testing.T, k *keeper) []*plan.Record {
	t.Helper()
	res := client.NewResult()
	k.keep(res)
	metadata := map[string]string{}
	for key, value := range res.Metadata {
		metadata[key] = string(value)
	}
	out, err := KeptRecords(metadata)
	require.NoError(t, err)
	return out
}

// The daemon is handed a record of each platform: what was told last.
func TestKept(t *testing.T) {
	k := newKeeper()
	k.tell(told("linux/arm64", "a"))
	k.tell(told("linux/amd64", "first"))
	k.tell(told("linux/amd64", "second"))
	list := kept(t, k)
	require.Len(t, list, 2)
	assert.Equal(t, "second", list[0].File)
	assert.Equal(t, "linux/arm64", list[1].Platform)

	assert.Empty(t, kept(t, newKeeper()))
	assert.Empty(t, kept(t, nil))
}

// What goes wrong with a record leaves none, and the build as it is.
func TestKeptOrNothing(t *testing.T) {
	k := newKeeper()
	k.tell(told("linux/amd64", "a"))
	k.beside(func() error { return errors.New("the daemon does not answer") })
	assert.Empty(t, kept(t, k))

	k = newKeeper()
	k.tell(told("linux/amd64", "a"))
	k.beside(func() error { panic("a mistake") })
	assert.Empty(t, kept(t, k))

	for _, text := range []string{"?", "YQ=="} {
		_, err := KeptRecords(map[string]string{keptRecords: text})
		require.Error(t, err)
	}
}

// A record is not made of more than a build takes the time to read.
func TestBriefly(t *testing.T) {
	b := &briefly{}
	for range mostQuestions {
		require.NoError(t, b.ask(10))
	}
	require.Error(t, b.ask(10))
	require.Error(t, (&briefly{}).ask(mostBytes+1))
}

// Every build hands the daemon what a plan of the same tree is compared with, and
// answers to questions hand it nothing.
func TestBuildsAreKept(t *testing.T) {
	script := &fstest.MapFile{Data: []byte("#!/bin/sh\nset -eu\necho \"$A\" >/a\n"), Mode: 0o755}
	for name, text := range map[string]string{
		"a build file":            "base: debian:bookworm-slim\nargs: {A: \"1\"}\nsetup:\n  scripts: [s/01-a.sh, s/02-b.sh]\n",
		"a Dockerfile, rewritten": "FROM debian:bookworm-slim\nARG A=1\nCOPY s /s\nRUN /s/01-a.sh && /s/02-b.sh\n",
		"a Dockerfile as it is":   "FROM debian:bookworm-slim\nCOPY s/01-a.sh /a\n",
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{"s/01-a.sh": script, "s/02-b.sh": script, "Dockerfile": {Data: []byte(text)}}
			of := Offline{
				Name: "Dockerfile", Data: []byte(text), Options: map[string]string{"build-arg:A": "2", "platform": "linux/amd64"},
				Context: func(_, _ []string) (fs.FS, error) { return tree, nil },
			}
			options := maps.Clone(of.Options)
			options["filename"] = of.Name
			build := func() *client.Result {
				res, err := Build(t.Context(), &offlineClient{of: &of, options: options, built: fstest.MapFS{}})
				require.NoError(t, err)
				return res
			}
			records, err := KeptRecords(map[string]string{keptRecords: string(build().Metadata[keptRecords])})
			require.NoError(t, err)
			require.Len(t, records, 1)
			builds, err := of.Resolve()
			require.NoError(t, err)
			now, err := builds[0].Record()
			require.NoError(t, err)
			assert.Empty(t, plan.Compare(records[0], now).Runs())
			require.NotEmpty(t, now.Nodes)

			of.Options["build-arg:A"] = "3"
			options["requestid"] = PlanRequest
			assert.Empty(t, build().Metadata[keptRecords])
		})
	}
}
