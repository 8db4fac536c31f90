package sbom

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/internal/golden"
)

func TestSources(t *testing.T) {
	scripts := []*graph.Script{
		{Path: "setup/pg.sh", Sources: []string{"postgresql", "lib+x"}, Outputs: []graph.Output{{Path: "/usr/local/pgsql"}, {Path: "/etc/pg"}}},
		{Path: "setup/tool.sh", Sources: []string{"lib+x", "vector", "exporter"}},
	}
	g := &graph.Graph{File: "Dockerfile", Platform: "linux/amd64", Scripts: scripts, Sources: []*graph.Source{
		{Name: "postgresql", URL: "https://ftp.postgresql.org/pub/a.tar.bz2", Pin: "sha256:82ef", Version: "17.2", License: "PostgreSQL", Patches: []string{"setup/a.patch"}},
		{Name: "lib+x", Git: "git@example.com:team/lib.git", Ref: "v1.0", Pin: "d3f1e99480101e8e054f958250cbe59591d4b17e", Subdir: "src"},
		{Name: "vector", Git: "https://github.com/pgvector/pgvector.git", Ref: "v0.8.0", Pin: "b2f85cbb242a001ff7911e1b9dec3d8885edc14d"},
		{Name: "exporter", Image: "quay.io/community/exporter:v0.16.0", Pin: "sha256:aa"},
		{Name: "unused", URL: "https://example.com/x"},
	}}
	d := Sources(g, scripts, time.Unix(1_800_000_000, 0), "pgstrata development")
	data, err := d.JSON()
	require.NoError(t, err)
	golden.File(t, "testdata/sources.spdx.json", string(data))
	again, err := Sources(g, scripts, time.Unix(1_800_000_000, 0), "pgstrata development").JSON()
	require.NoError(t, err)
	assert.Equal(t, string(data), string(again))
}
