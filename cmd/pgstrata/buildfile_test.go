package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The build file is the one that is named, or the first with a usual name; else
// the error says what there is.
func TestFindBuildFile(t *testing.T) {
	for name, tc := range map[string]struct {
		files       []string
		given, want string
		err         string
	}{
		"usual":        {files: []string{"Dockerfile", "pgstrata.yaml"}, want: "Dockerfile"},
		"yaml":         {files: []string{"pgstrata.yaml", "Containerfile"}, want: "pgstrata.yaml"},
		"podman's":     {files: []string{"Containerfile"}, want: "Containerfile"},
		"given":        {files: []string{"Dockerfile", "b/Dockerfile.debian"}, given: "b/Dockerfile.debian", want: "b/Dockerfile.debian"},
		"none":         {files: []string{"README"}, err: "there is no Dockerfile, pgstrata.yaml or Containerfile in"},
		"what to do":   {files: []string{"README"}, err: "name the build file with -f"},
		"another name": {files: []string{"Dockerfile.debian", "Dockerfile.dockerignore"}, err: "; there is Dockerfile.debian"},
		"given none":   {files: []string{"Dockerfile"}, given: "Dockerfil", err: "; there is Dockerfile"},
		"a folder":     {files: []string{"Dockerfile/x"}, given: "Dockerfile", err: "is a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range tc.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, f), nil, 0o600))
			}
			given := tc.given
			if given != "" {
				given = filepath.Join(dir, given)
			}
			got, err := findBuildFile(dir, given)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, filepath.Join(dir, tc.want), got)
		})
	}
	_, err := findBuildFile(filepath.Join(t.TempDir(), "no"), "")
	require.ErrorContains(t, err, "there is no folder")
}

// What becomes of the result is checked before anything is built.
// migrate reads a Dockerfile, or that of a folder, whatever pgstrata wrote there.
func TestFindDockerfile(t *testing.T) {
	for name, row := range map[string]struct {
		files         []string
		argument, err string
		found         string
	}{
		"the folder's":     {files: []string{"Dockerfile", "pgstrata.yaml", "Containerfile"}, argument: ".", found: "Dockerfile"},
		"Podman's":         {files: []string{"pgstrata.yaml", "Containerfile"}, argument: ".", found: "Containerfile"},
		"by name":          {files: []string{"Dockerfile.prod"}, argument: "Dockerfile.prod", found: "Dockerfile.prod"},
		"other name":       {files: []string{"Dockerfile.prod"}, argument: ".", err: "name the Dockerfile; there is Dockerfile.prod"},
		"none":             {argument: ".", err: "there is no Dockerfile or Containerfile in ."},
		"missing":          {argument: "Dockerfile", err: "there is no Dockerfile"},
		"missing, another": {files: []string{"Dockerfile.prod"}, argument: "Dockerfile", err: "; there is Dockerfile.prod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, file := range row.files {
				require.NoError(t, os.WriteFile(file, nil, 0o600))
			}
			file, err := findDockerfile(row.argument)
			if row.err != "" {
				require.ErrorContains(t, err, row.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.found, file)
		})
	}
}

func TestExports(t *testing.T) {
	for name, tc := range map[string]struct {
		exports exports
		want    []string
		err     string
	}{
		"nothing":             {},
		"a folder":            {exports: exports{outputs: []string{"out"}}, want: []string{"local"}},
		"a tag":               {exports: exports{tags: []string{"a:1"}}, want: []string{"image"}},
		"push":                {exports: exports{tags: []string{"a:1"}, push: true}, want: []string{"image"}},
		"load":                {exports: exports{tags: []string{"a:1"}, load: true}, want: []string{"docker"}},
		"load and push":       {exports: exports{tags: []string{"a:1"}, load: true, push: true}, want: []string{"image", "docker"}},
		"push of nothing":     {exports: exports{push: true}, err: "add --tag REGISTRY/NAME:TAG"},
		"push of an output":   {exports: exports{push: true, outputs: []string{"type=image,name=a:1"}}, want: []string{"image"}},
		"push of no name":     {exports: exports{push: true, outputs: []string{"type=image"}}, err: "add --tag"},
		"capitals":            {exports: exports{tags: []string{"Postgres:1"}}, err: "--tag Postgres:1: "},
		"an empty tag":        {exports: exports{tags: []string{"a:"}}, err: "--tag a:: "},
		"no registry's name":  {exports: exports{tags: []string{"https://a/b"}}, err: "--tag https://a/b: "},
		"an unknown exporter": {exports: exports{outputs: []string{"nonsense=1"}}, err: "--output"},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := tc.exports.entries(map[string]string{})
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			var got []string
			for _, e := range entries {
				got = append(got, e.Type)
				assert.Equal(t, tc.exports.push && e.Type == "image", e.Attrs["push"] == "true")
			}
			assert.Equal(t, tc.want, got)
		})
	}
}
