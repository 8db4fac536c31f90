package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGraph(t *testing.T) {
	r := newRepository(t)
	r.write("Dockerfile", "base: debian:bookworm-slim\n")
	r.write("setup/scripts/01-first.sh", "#!/bin/sh\n")
	r.write("entrypoint.sh", "#!/bin/sh\n")
	r.commit("import")
	r.edit(1, "entrypoint.sh")

	out, err := r.run("graph", "--since", "HEAD~1", "--output", "-", r.dir)
	require.NoError(t, err)
	assert.Contains(t, out, `<svg xmlns="http://www.w3.org/2000/svg"`)
	assert.Contains(t, out, "compared with HEAD~1: 1 step built again, 1 cached")
	assert.Contains(t, out, `data-node="entrypoint/entrypoint" data-box="b0-n2" data-state="invalidated"`)
	assert.NotContains(t, out, r.dir, "nobody's business")

	page := filepath.Join(t.TempDir(), "graph.html")
	_, err = r.run("graph", "--platform", "linux/amd64,linux/arm64", "-o", page, r.dir)
	require.NoError(t, err)
	data, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, text := range []string{"linux/amd64", "linux/arm64", `id="b0-n1"`, `id="b1-n1"`, "no build of this context and build file is known"} {
		assert.Contains(t, string(data), text)
	}

	image := filepath.Join(t.TempDir(), "graph.svg")
	_, err = r.run("graph", "--platform", "linux/amd64,linux/arm64", "-o", image, r.dir)
	require.ErrorContains(t, err, "an SVG image shows one platform, not 2: name one with --platform, or write an .html")
	assert.NoFileExists(t, image)
	_, err = r.run("graph", "-o", "graph.png", r.dir)
	require.ErrorContains(t, err, "--output graph.png: must end in .svg or .html")
}

// The boxes of a picture have names by which they can be told apart.
func TestGraphNames(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for name, some := range map[string]string{"postgresql": "runtime packages", "postgresql-source": "runtime packages", "dockerfile": "04-filesystem.sh"} {
		var out bytes.Buffer
		require.Zero(t, run([]string{"graph", "-o", "-", filepath.Join("../../examples", name)}, &out, os.Stderr))
		names := boxes(t, &out)
		assert.Contains(t, names, some)
		for box, times := range names {
			assert.Equal(t, 1, times, "%s: %s", name, box)
		}
	}
}

// boxes counts the boxes of an image by what is written in them.
func boxes(t *testing.T, image io.Reader) map[string]int {
	t.Helper()
	out := map[string]int{}
	name, inName := "", false
	for d := xml.NewDecoder(image); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			out[name]++
			delete(out, "") // of tabs
			return out
		}
		require.NoError(t, err)
		switch x := token.(type) {
		case xml.StartElement:
			class := ""
			for _, a := range x.Attr {
				if a.Name.Local == "class" {
					class = a.Value
				}
			}
			inName = class == "name"
			if strings.HasPrefix(class, "node ") {
				out[name]++
				name = ""
			}
		case xml.CharData:
			if inName {
				name += string(x)
			}
		case xml.EndElement:
			inName = false
		}
	}
}
