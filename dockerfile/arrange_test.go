package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// TestArrange tells a layout as data: its stages, what is copied in front of which
// step, and what the steps mount.
func TestArrange(t *testing.T) {
	script := func(text string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("#!/bin/sh\n" + text + "\n"), Mode: 0o755}
	}
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM debian:bookworm\nCOPY s /s\nRUN /s/all.sh\nRUN echo end\n"))
	require.NoError(t, err)
	l, err := dockerfile.Arrange(f, dockerfile.Options{Platform: "linux/amd64", Context: fstest.MapFS{
		"s/all.sh": script("set -e\n/s/1.sh\n/s/2.sh"), "s/1.sh": script("apt-get update && apt-get install -y x"), "s/2.sh": script("echo 2"), "s/x.conf": {},
	}})
	require.NoError(t, err)
	assert.True(t, l.Changed)
	assert.Equal(t, "pgstrata-files", l.Files, "a step has apt's archives in a mount")
	require.Len(t, l.Squashes, 1)
	assert.Equal(t, 3, l.Squashes[0].Line)
	var got []string
	chains := l.Chains()
	for _, s := range l.Stages {
		assert.Equal(t, "debian:bookworm", s.Root)
		for _, it := range s.Items {
			var mounts []string
			for _, m := range it.Mounts {
				mounts = append(mounts, m.Source)
			}
			for _, m := range it.Caches {
				mounts = append(mounts, m.Target)
			}
			kind := "COPY"
			if _, ok := it.In.Command.(*instructions.RunCommand); ok {
				kind = "RUN"
			}
			got = append(got, fmt.Sprintf("%d %d %s %v", chains[s], it.In.Start, kind, append(it.Sources(), mounts...)))
		}
	}
	assert.Equal(t, []string{
		"1 3 RUN [s/1.sh /var/cache/apt/archives]",
		"1 3 RUN [s/2.sh]",
		"1 2 COPY [s]",
		"1 4 RUN []",
	}, got)
}

// A stage that is named by its number gets a name of its own, also beside one
// whose number begins with the same digit.
func TestNumbersOfStages(t *testing.T) {
	text := "FROM debian AS a\n"
	for range 10 {
		text += "FROM debian\n"
	}
	text += "FROM debian\nCOPY --from=1 /x /y\nRUN --mount=from=1,target=/a --mount=type=bind,target=/b,from=10 cp /a/x /b/x /z\n"
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	require.NoError(t, err)
	r, err := dockerfile.Rewrite(f, dockerfile.Options{Context: fstest.MapFS{}})
	require.NoError(t, err)
	for _, want := range []string{"COPY --from=stage-1 /x", "--mount=from=stage-1,target=/a", "--mount=type=bind,target=/b,from=stage-10 "} {
		assert.True(t, strings.Contains(string(r.Text), want), "%s in %s", want, r.Text)
	}
}
