package migrate

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/spec"
)

// tree reads the files of a case. What begins with #! is executable, and a
// .tar.gz is compressed.
func tree(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	out := fstest.MapFS{}
	for _, f := range txtar.Parse(data).Files {
		mode := fs.FileMode(0o644)
		if bytes.HasPrefix(f.Data, []byte("#!")) {
			mode = 0o755
		}
		if strings.HasSuffix(f.Name, ".tar.gz") {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, err := w.Write(f.Data)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			f.Data = b.Bytes()
		}
		out[f.Name] = &fstest.MapFile{Data: f.Data, Mode: mode}
	}
	return out
}

func options(context fs.FS, args map[string]string) Options {
	return Options{
		Name: "pgstrata.yaml", Syntax: "localhost:5000/pgstrata:dev", Schema: ".pgstrata.schema.json",
		Dockerfile: dockerfile.Options{
			Context: context, Args: args, Base: bases.Known, Platform: "linux/amd64",
			Predefined: map[string]string{"TARGETARCH": "amd64", "TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux"},
		},
	}
}

func migrated(t *testing.T, context fstest.MapFS) *Result {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", context["Dockerfile"].Data)
	require.NoError(t, err)
	r, err := Migrate(f, options(context, nil))
	require.NoError(t, err)
	return r
}

// resolved is what pgstrata makes of the result.
func resolved(t *testing.T, context fstest.MapFS, r *Result, args map[string]string) *graph.Graph {
	t.Helper()
	all := fstest.MapFS{}
	for name, f := range context {
		all[name] = f
	}
	for _, f := range r.Files {
		require.NotContains(t, all, f.Path, "a file of the context is overwritten")
		all[f.Path] = &fstest.MapFile{Data: f.Data, Mode: f.Mode}
	}
	opt := options(all, args).Dockerfile
	f, err := spec.Load("pgstrata.yaml", r.BuildFile, spec.Options{BuildArgs: args, Predefined: opt.Predefined})
	require.NoError(t, err, "%s", r.BuildFile)
	require.NoError(t, f.Discover(all), "%s", r.BuildFile)
	g, err := graph.New(f, all, graph.Options{Platform: "linux/amd64", Predefined: opt.Predefined})
	require.NoError(t, err, "%s", r.BuildFile)
	return g
}

// Each case of testdata becomes what stands beside it: the build file, generated
// files, the report.
func TestMigrate(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			context := tree(t, name)
			r := migrated(t, context)
			out := &txtar.Archive{Files: []txtar.File{{Name: "pgstrata.yaml", Data: r.BuildFile}}}
			for _, f := range r.Files {
				out.Files = append(out.Files, txtar.File{Name: f.Path, Data: f.Data})
			}
			var report bytes.Buffer
			require.NoError(t, r.Report.WriteText(&report))
			out.Files = append(out.Files, txtar.File{Name: "report", Data: report.Bytes()})
			golden.File(t, strings.TrimSuffix(name, ".txtar")+".want", string(txtar.Format(out)))

			resolved(t, context, r, nil)
			assertComplete(t, string(context["Dockerfile"].Data), r.Report)
		})
	}
}

// assertComplete fails unless the report speaks of each line, and says where it
// went.
func assertComplete(t *testing.T, dockerfile string, r *report.Report) {
	t.Helper()
	told := map[int]bool{}
	for _, l := range r.Lines {
		assert.NotEmpty(t, l.Fate, l.Text)
		assert.NotEmpty(t, l.Went, l.Text)
		for n := l.Start; n <= l.End; n++ {
			assert.False(t, told[n], "line %d is told of twice", n)
			told[n] = true
		}
	}
	for i, line := range strings.Split(dockerfile, "\n") {
		if strings.TrimSpace(line) != "" {
			assert.True(t, told[i+1], "nothing is told of line %d: %s", i+1, line)
		}
	}
}
