package graph

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/spec"
)

func TestLinksAreNoWayAcrossTheBoundary(t *testing.T) {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(to)} }
	for name, input := range map[string]string{"file": "setup/file", "directory": "setup/directory", "in a directory": "setup/directory/entrypoint.sh"} {
		t.Run(name, func(t *testing.T) {
			context := fstest.MapFS{
				"setup/scripts/01-a.sh":      {Data: []byte("#!/bin/sh\n")},
				"entrypoint.d/entrypoint.sh": {Data: []byte("#!/bin/sh\n")},
				"setup/file":                 link("../entrypoint.d/entrypoint.sh"),
				"setup/directory":            link("../entrypoint.d"),
			}
			file, err := spec.Load("Dockerfile", []byte("base: a\nsetup: {scripts: [{path: setup/scripts/01-a.sh, inputs: ["+input+"]}]}\n"), spec.Options{})
			require.NoError(t, err)
			require.NoError(t, file.Discover(context))
			_, err = New(file, context, Options{Platform: "linux/amd64"})
			assert.ErrorContains(t, err, "SetupReadsEntrypoint: setup script setup/scripts/01-a.sh reads entrypoint.d/entrypoint.sh")
		})
	}
}
