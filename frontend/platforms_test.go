package frontend

import (
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A Dockerfile is built for eight platforms at once, each of which copies a file
// of its own: as it is, and split, with its steps made one layer.
func TestPlatformsAtOnce(t *testing.T) {
	files := fstest.MapFS{
		"Dockerfile": {Data: []byte(`FROM debian
COPY setup /setup
ARG TARGETARCH TARGETVARIANT
COPY conf-$TARGETARCH$TARGETVARIANT /etc/conf
RUN /setup/setup.sh
`)},
		"setup/setup.sh": {Data: []byte("#!/bin/sh\nset -e\n/setup/a.sh\n/setup/b.sh\nrm -rf /work\n"), Mode: 0o755},
		"setup/a.sh":     {Data: []byte("#!/bin/sh\nmkdir -p /work\n"), Mode: 0o755},
		"setup/b.sh":     {Data: []byte("#!/bin/sh\necho b\n"), Mode: 0o755},
	}
	var platforms, copied []string
	for _, arch := range []string{"amd64", "arm64", "386", "arm/v7", "ppc64le", "riscv64", "s390x", "loong64"} {
		platforms = append(platforms, "linux/"+arch)
		copied = append(copied, "conf-"+strings.ReplaceAll(arch, "/", ""))
		files[copied[len(copied)-1]] = &fstest.MapFile{}
	}
	for split, steps := range map[string]int{"on": 3, "off": 1} {
		t.Run("split "+split, func(t *testing.T) {
			d := newDaemon(map[string]string{"platform": strings.Join(platforms, ","), "build-arg:PGSTRATA_SPLIT": split}, files)
			var followed []string
			d.of.Context = func(_, paths []string) (fs.FS, error) {
				followed = paths
				return files, nil
			}
			var mu sync.Mutex
			ran := map[string]int{}
			_, err := build(t.Context(), d, func(r Resolved) {
				mu.Lock()
				defer mu.Unlock()
				for _, meta := range r.Build.Definition.Metadata {
					if strings.Contains(meta.Description["llb.customname"], "] RUN ") {
						ran[r.Build.Platform]++
					}
				}
			})
			require.NoError(t, err)
			assert.Subset(t, followed, copied, "what any platform copies is sent")
			for _, p := range platforms {
				assert.Equal(t, steps, ran[p], p)
			}
		})
	}
}
