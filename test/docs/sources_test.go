package docs

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/sbom"
)

const compiledExample = "../../examples/postgresql-source"

// resolved is the compiled example, as a daemon would be asked for it.
func resolved(t *testing.T, edits ...string) frontend.Resolved {
	t.Helper()
	text, err := os.ReadFile(compiledExample + "/Dockerfile")
	require.NoError(t, err)
	for i := 0; i < len(edits); i += 2 {
		require.Contains(t, string(text), edits[i])
	}
	builds, err := frontend.Offline{
		Name: "Dockerfile", Data: []byte(strings.NewReplacer(edits...).Replace(string(text))), Now: time.Unix(1_800_000_000, 0),
		Context: func(_, _ []string) (fs.FS, error) { return os.DirFS(compiledExample), nil },
	}.Resolve()
	require.NoError(t, err)
	return builds[0]
}

// What the example compiles is declared with checksums, and no script but Patroni's, which installs packages, has a
// network. Its SBOM lists all of it, as the documentation shows.
func TestCompiledExampleDeclaresItsSources(t *testing.T) {
	g := resolved(t).Graph
	for _, s := range g.Scripts {
		assert.Equal(t, s.Name != "patroni", s.Network == "none", s.Name)
	}
	d := sbom.Sources(g, g.Scripts, nil, time.Unix(1_800_000_000, 0), "pgstrata development")
	var table strings.Builder
	table.WriteString("| component | version | license | SHA-256 | package URL |\n|---|---|---|---|---|\n")
	listed := map[string]bool{}
	for _, p := range d.Packages[1:] {
		listed[p.Name] = true
		purl := p.ExternalRefs[0].Locator
		require.Len(t, p.Checksums, 1, p.Name)
		assert.Len(t, p.Checksums[0].Value, 64, p.Name)
		assert.True(t, strings.HasPrefix(purl, "pkg:") && !strings.Contains(purl, "+"), purl)
		short, _, cut := strings.Cut(purl, "?checksum=")
		if cut {
			short += "?…"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | `%.12s…` | `%s` |\n", p.Name, p.Version, p.LicenseDeclared, p.Checksums[0].Value, short)
	}
	for _, name := range []string{"postgresql", "pgbackrest", "pgbouncer", "pgbadger", "pgvector"} {
		assert.True(t, listed[name], name)
	}
	golden.Region(t, "../../docs/supply-chain.md", "sources of examples/postgresql-source", table.String())
}

// Another version of one source runs one script again; a new checksum of PostgreSQL's, its script and the extensions, which
// are compiled from the same archive.
func TestBumpedSourceRunsOneScript(t *testing.T) {
	before := record(t, resolved(t))
	for _, tc := range []struct {
		name  string
		edits []string
		want  []string
	}{
		{"PgBouncer", []string{"1.24.1-1+deb13u2", "1.24.2-1", "da72a3ab", "00000000", "2325bcaa", "00000000"}, []string{"setup/pgbouncer"}},
		{"PgBouncer's patches", []string{"2325bcaa", "00000000"}, []string{"setup/pgbouncer"}},
		{"pgBackRest", []string{`"2.45"`, `"2.46"`, "1f0a51de", "00000000"}, []string{"setup/pgbackrest"}},
		{"pgBadger", []string{`"12.0"`, `"12.4"`, "aaac57a5", "00000000"}, []string{"setup/pgbadger"}},
		{"pgvector", []string{"default: 0.8.0", "default: 0.8.1", "867a2c32", "00000000"}, []string{"setup/pgvector"}},
		{"PostgreSQL", []string{"15.18-0+deb12u1", "15.19-0+deb12u1", "11df0df9", "00000000", "efe6fc20", "00000000"}, []string{
			"setup/postgresql", "setup/btree_gist", "setup/citext", "setup/contrib", "setup/hstore", "setup/pg_stat_statements", "setup/pg_trgm", "setup/pgcrypto",
			"setup/pgvector", "setup/postgres_fdw",
		}},
	} {
		var ran []string
		for _, s := range plan.Compare(before, record(t, resolved(t, tc.edits...))).Runs() {
			if s.Kind == plan.KindScript {
				ran = append(ran, s.Node)
			}
		}
		assert.ElementsMatch(t, tc.want, ran, tc.name)
	}
}

func record(t *testing.T, b frontend.Resolved) *plan.Record {
	t.Helper()
	r, err := b.Record()
	require.NoError(t, err)
	return r
}
