package programs_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/spec"
)

// TestBuildFileAndDockerfileAgree tells for each variable of the lists, and for
// those that some programs read, that a script has it from a build file exactly
// if it has it from a Dockerfile.
func TestBuildFileAndDockerfileAgree(t *testing.T) {
	type test struct {
		variable, script string
		want             bool
	}
	var tests []test
	for _, v := range append(programs.EveryProgramReads(), "LC_MESSAGES", "LD_AUDIT", "MALLOC_ARENA_MAX", "LS_COLORS") {
		tests = append(tests, test{v, "tar cJf /x.tar.xz /etc", true})
	}
	tests = append(tests, []test{
		{"PIP_INDEX_URL", "pip install x", true},
		{"PIP_INDEX_URL", "apt-get update", false},
		{"DEBIAN_FRONTEND", "apt-get update", true},
		{"DEB_BUILD_OPTIONS", "dpkg -i x.deb", true},
		{"https_proxy", "curl -fsS https://example.com", true},
		{"CURL_HOME", "cat /etc/passwd", true},
		{"PG_MAJOR", "cat /etc/passwd", false},
		{"PG_MAJOR", "echo $PG_MAJOR", true},
		{"PG_MAJOR", "env", true},
		{"PG_MAJOR", "# PG_MAJOR", false},
	}...)
	for _, c := range tests {
		t.Run(c.variable+" "+c.script, func(t *testing.T) {
			assert.Equal(t, c.want, fromBuildFile(t, c.variable, c.script), "build file")
			assert.Equal(t, c.want, fromDockerfile(t, c.variable, c.script), "Dockerfile")
		})
	}
}

// script is a script of the tree with one command.
func script(text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("#!/bin/sh\n" + text + "\n"), Mode: 0o755}
}

func fromBuildFile(t *testing.T, variable, text string) bool {
	t.Helper()
	tree := fstest.MapFS{"setup/scripts/1.sh": script(text)}
	f, err := spec.Load("pgstrata.yaml", []byte("base: debian:bookworm\nargs: {"+variable+": x}\n"), spec.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Discover(tree))
	g, err := graph.New(f, tree, graph.Options{Platform: "linux/amd64"})
	require.NoError(t, err)
	return slices.Contains(g.Scripts[0].Env, graph.Var{Name: variable, Value: "x"})
}

// fromDockerfile tells whether an ARG stands above the step of the script. The
// last script speaks of it, so that it is in the Dockerfile at all.
func fromDockerfile(t *testing.T, variable, text string) bool {
	t.Helper()
	tree := fstest.MapFS{
		"s/all.sh": script("set -e\nsh /s/1.sh\nsh /s/2.sh"),
		"s/1.sh":   script(text),
		"s/2.sh":   script("echo $" + variable),
	}
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM debian\nARG "+variable+"=x\nCOPY s /s\nRUN /s/all.sh\n"))
	require.NoError(t, err)
	r, err := dockerfile.Rewrite(f, dockerfile.Options{Context: tree, Platform: "linux/amd64"})
	require.NoError(t, err)
	above, _, found := strings.Cut(string(r.Text), "sh /s/1.sh")
	return !found || strings.Contains(above, "ARG "+variable+"=x")
}
