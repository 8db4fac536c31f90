package scaffold

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/examples"
	"github.com/pgstrata/pgstrata/spec"
)

// all returns every tree that there can be, by what it is.
func all(t *testing.T) map[Options][]File {
	t.Helper()
	out := map[Options][]File{}
	for _, from := range []string{Packages, Source} {
		for _, release := range Releases() {
			for _, patroni := range []bool{true, false} {
				o := Options{Name: "Dockerfile", Syntax: "localhost:5000/pgstrata:dev", Release: release, From: from, Patroni: patroni}
				files, err := Tree(o)
				require.NoError(t, err, o)
				out[o] = files
			}
		}
	}
	return out
}

func text(t *testing.T, files []File, name string) string {
	t.Helper()
	for _, f := range files {
		if f.Name == name {
			return f.Text
		}
	}
	require.Fail(t, "no "+name)
	return ""
}

// With Patroni, on the examples' own release, a tree is its example but for the
// lines around the build file's middle, and for what names a file that stays behind.
func TestTreeIsTheExample(t *testing.T) {
	words := strings.NewReplacer(
		"README.md explains each\n# variable. Sourced", "Each variable is explained in\n# "+readme+".\n#\n# Sourced",
		" and stop as README.md says.", " and stop.",
	)
	for from, folder := range map[string]string{Packages: "postgresql", Source: "postgresql-source"} {
		files, err := Tree(Options{Name: "Dockerfile", Syntax: "x", Release: "bookworm", From: from, Patroni: true})
		require.NoError(t, err)
		for _, f := range files {
			if f.Name == SchemaFile {
				continue
			}
			data, err := fs.ReadFile(examples.Files(), folder+"/"+f.Name)
			require.NoError(t, err)
			want := words.Replace(string(data))
			if f.Name == "Dockerfile" {
				_, f.Text, _ = strings.Cut(f.Text, "\nbase:")
				_, want, _ = strings.Cut(want, "\nbase:")
				before, after, ok := strings.Cut(want, "    org.opencontainers.image.source:")
				require.True(t, ok)
				_, after, _ = strings.Cut(after, "\n")
				want = before + after
			}
			assert.Equal(t, want, f.Text, "%s: the example and its template in scaffold/templates", f.Name)
		}
	}
}

// Build files load, are what an editor takes for good, and have the versions
// of the release.
func TestBuildFiles(t *testing.T) {
	for o, files := range all(t) {
		build := text(t, files, o.Name)
		f, err := spec.Load(o.Name, []byte(build), spec.Options{})
		require.NoError(t, err, o)
		assert.Equal(t, "debian:"+o.Release+"-slim", f.Base.Value)
		r, err := releaseOf(o.Release)
		require.NoError(t, err)
		args := map[string]string{}
		for _, a := range f.Args {
			args[a.Name.Value] = a.Value.Value
		}
		switch {
		case o.From == Source:
			assert.Equal(t, "15", args["POSTGRESQL_VERSION"])
		case o.Patroni:
			assert.Equal(t, r.patroni, args["PATRONI_VERSION"])
			fallthrough
		default:
			assert.Equal(t, r.postgresql, args["POSTGRESQL_VERSION"])
		}

		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text(t, files, SchemaFile)))
		require.NoError(t, err)
		c := jsonschema.NewCompiler()
		require.NoError(t, c.AddResource(SchemaFile, parsed))
		compiled, err := c.Compile(SchemaFile)
		require.NoError(t, err)
		var value any
		require.NoError(t, yaml.Unmarshal([]byte(build), &value))
		assert.NoError(t, compiled.Validate(value), o)
	}
}

// Nothing of Patroni is left: no name, no function that nobody calls anymore.
func TestWithoutPatroni(t *testing.T) {
	for o, files := range all(t) {
		if o.Patroni {
			continue
		}
		var scripts strings.Builder
		for _, f := range files {
			if f.Name == SchemaFile {
				continue
			}
			assert.NotContains(t, f.Name, "patroni")
			without := strings.ReplaceAll(f.Text, readme, "")
			for _, word := range []string{"atroni", "PATRONI", "etcd", "ETCD", "8008", "README"} {
				assert.NotContains(t, without, word, f.Name)
			}
			assert.NotContains(t, f.Text, "\n\n\n", f.Name)
			assert.True(t, strings.HasSuffix(f.Text, "\n") && !strings.HasSuffix(f.Text, "\n\n"), f.Name)
			if strings.HasSuffix(f.Name, ".sh") {
				scripts.WriteString(f.Text)
			}
		}
		for line := range strings.Lines(scripts.String()) {
			if name, _, ok := strings.Cut(line, "() {"); ok && !strings.Contains(name, " ") && !strings.HasPrefix(name, "log_") {
				called := strings.Count(scripts.String(), name) - strings.Count(scripts.String(), "# "+name)
				assert.Greater(t, called, 1, "nobody calls %s", name)
			}
		}
	}
}

// PostgreSQL's own repository has each version for each release.
func TestPGDG(t *testing.T) {
	files, err := Tree(Options{Name: "Dockerfile", Syntax: "x", Release: "trixie", From: PGDG, Major: "16"})
	require.NoError(t, err)
	f, err := spec.Load("Dockerfile", []byte(text(t, files, "Dockerfile")), spec.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Discover(tree(files)))
	require.Len(t, f.Setup.Repositories, 1)
	assert.Equal(t, "trixie-pgdg", f.Setup.Repositories[0].Suites[0].Value)
	assert.Equal(t, "16", f.Args[1].Value.Value)

	files, err = Tree(Options{Name: "Dockerfile", Syntax: "x", Release: "trixie", From: Packages})
	require.NoError(t, err)
	f, err = spec.Load("Dockerfile", []byte(text(t, files, "Dockerfile")), spec.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Discover(tree(files)))
	assert.Empty(t, f.Setup.Repositories, "Debian's own packages")

	for major, want := range map[string]string{"12": "has 13, 14", "x": "has 13, 14"} {
		_, err := Tree(Options{Name: "Dockerfile", Release: "bookworm", From: PGDG, Major: major})
		assert.ErrorContains(t, err, want)
	}
	_, err = Tree(Options{Name: "Dockerfile", Release: "bookworm", From: Packages, Major: "17"})
	assert.ErrorContains(t, err, "--from pgdg")
}

// tree is a context of files.
func tree(files []File) fstest.MapFS {
	out := fstest.MapFS{}
	for _, f := range files {
		out[f.Name] = &fstest.MapFile{Data: []byte(f.Text)}
	}
	return out
}
