package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A display shows one line for all that nobody asked for; what watches the build sees
// everything as it was.
func TestFolded(t *testing.T) {
	names := []string{
		"[internal] load build definition from Dockerfile, by pgstrata", "[internal] load .dockerignore",
		"[internal] load metadata for docker.io/library/debian:bookworm-slim", "[setup 1/1] 01-first.sh", "[internal] settle",
	}
	status := &client.SolveStatus{}
	for i, name := range names {
		at := time.Unix(int64(i), 0)
		status.Vertexes = append(status.Vertexes, &client.Vertex{Digest: digest.FromString(name), Name: name, Started: &at, Completed: &at})
	}
	var shown bytes.Buffer
	display, err := progressui.NewDisplay(&shown, progressui.PlainMode)
	require.NoError(t, err)
	messages := make(chan *client.SolveStatus, 1)
	messages <- folded(status)
	close(messages)
	_, err = display.UpdateFrom(t.Context(), messages)
	require.NoError(t, err)

	var lines []string
	for line := range strings.Lines(shown.String()) {
		if _, name, ok := strings.Cut(line, " ["); ok {
			lines = append(lines, "["+strings.TrimSpace(name))
		}
	}
	assert.ElementsMatch(t, []string{names[0], names[3], "[internal] context, image metadata, and the like"}, lines)
	for i, v := range status.Vertexes {
		assert.Equal(t, names[i], v.Name)
		assert.Nil(t, v.ProgressGroup)
	}
}
