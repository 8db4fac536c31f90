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
		{Path: "setup/tool.sh", Sources: []string{"lib+x", "vector", "exporter", "bouncer"}},
	}
	g := &graph.Graph{File: "Dockerfile", Platform: "linux/amd64", Scripts: scripts, Sources: []*graph.Source{
		{Name: "postgresql", URL: "https://ftp.postgresql.org/pub/a.tar.bz2", Pin: "sha256:82ef", Version: "17.2", License: "PostgreSQL", Patches: []string{"setup/a.patch"}},
		{Name: "lib+x", Git: "git@example.com:team/lib.git", Ref: "v1.0", Pin: "d3f1e99480101e8e054f958250cbe59591d4b17e", Subdir: "src"},
		{Name: "vector", Git: "https://github.com/pgvector/pgvector.git", Ref: "v0.8.0", Pin: "b2f85cbb242a001ff7911e1b9dec3d8885edc14d"},
		{Name: "exporter", Image: "quay.io/community/exporter:v0.16.0", Pin: "sha256:aa"},
		{Name: "bouncer", URL: "https://example.com/b.tar", Version: "1.24.1", PURL: "pkg:deb/debian/bouncer@1.24.1-1+deb13u2?arch=source&a=b+c"},
		{Name: "unused", URL: "https://example.com/x"},
	}}
	g.Toolchain.Repositories = []graph.Repository{{Name: "pgdg", PURL: "pkg:deb/pgdg"}}
	packages := []Installed{{
		Repository: "pgdg", Name: "libstdc++-17", Version: "1:17.2-1.pgdg120+1", Architecture: "amd64", SHA256: "bb",
		URI: "https://apt.example.org/pub", File: "pool/main/l/x.deb",
	}}
	d := Sources(g, scripts, packages, time.Unix(1_800_000_000, 0), "pgstrata development")
	data, err := d.JSON()
	require.NoError(t, err)
	golden.File(t, "testdata/sources.spdx.json", string(data))
	again, err := Sources(g, scripts, packages, time.Unix(1_800_000_000, 0), "pgstrata development").JSON()
	require.NoError(t, err)
	assert.Equal(t, string(data), string(again))
}
