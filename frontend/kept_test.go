package frontend

import (
	"errors"
	"testing"

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
