package dockerfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// FuzzRewrite rewrites any Dockerfile with any driver script: it does not panic,
// says the same twice, and what it writes is a Dockerfile.
func FuzzRewrite(f *testing.F) {
	files, err := filepath.Glob("testdata/rewrite/*.txtar")
	require.NoError(f, err)
	for _, name := range files {
		data, err := os.ReadFile(name) //nolint:gosec // a test's own file
		require.NoError(f, err)
		var text, driver []byte
		for _, file := range txtar.Parse(data).Files {
			switch filepath.Base(file.Name) {
			case "Dockerfile":
				text = file.Data
			case "setup.sh":
				driver = file.Data
			}
		}
		f.Add(text, driver)
	}
	f.Fuzz(func(t *testing.T, text, driver []byte) {
		if _, err := dockerfile.Detect("Dockerfile", text); err != nil {
			return
		}
		file, err := dockerfile.Parse("Dockerfile", text)
		if err != nil {
			return
		}
		opt := dockerfile.Options{Platform: "linux/amd64", Context: fstest.MapFS{
			"setup/setup.sh":        {Data: driver, Mode: 0o755},
			"setup/scripts/01-a.sh": {Data: []byte("#!/bin/sh\necho a >/a\n"), Mode: 0o755},
			"setup/scripts/02-b.sh": {Data: []byte("#!/bin/sh\nrm -rf /setup\n"), Mode: 0o755},
			"run.sh":                {Data: []byte("#!/bin/sh\n"), Mode: 0o644},
		}}
		file.ContextPaths(opt)
		one, err := dockerfile.Rewrite(file, opt)
		if err != nil {
			return
		}
		if _, err := dockerfile.Parse("Dockerfile", one.Text); err != nil {
			t.Fatalf("%v\n%s", err, one.Text)
		}
		two, err := dockerfile.Rewrite(file, opt)
		require.NoError(t, err)
		require.True(t, bytes.Equal(one.Text, two.Text))
	})
}
