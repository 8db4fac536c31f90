package graph

import (
	"encoding/json"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/spec"
)

type files map[string]string

func (f files) fs() fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range f {
		out[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return out
}

func resolve(t *testing.T, f files, buildFile string, args map[string]string) (*Graph, error) {
	t.Helper()
	opt := spec.Options{BuildArgs: args, Predefined: map[string]string{"TARGETARCH": "amd64"}}
	file, err := spec.Load("build.yaml", []byte(buildFile), opt)
	require.NoError(t, err)
	if err := file.Discover(f.fs()); err != nil {
		return nil, err
	}
	return New(file, f.fs(), Options{
		Platform:   "linux/amd64",
		Predefined: opt.Predefined,
		Now:        time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC),
	})
}

func mustResolve(t *testing.T, f files, buildFile string, args map[string]string) *Graph {
	t.Helper()
	g, err := resolve(t, f, buildFile, args)
	require.NoError(t, err)
	return g
}

const sh = "#!/bin/sh\n"

// A new date in each build is no reason to run what does not ask for it.
func TestSourceDateEpochIsForScriptsThatNameIt(t *testing.T) {
	f := files{
		"setup/scripts/01-a.sh": sh + "tar cf /a.tar /etc; make\n",
		"setup/scripts/02-b.sh": sh + "touch -d @$SOURCE_DATE_EPOCH /b\n",
	}
	file, err := spec.Load("Dockerfile", []byte("base: debian:bookworm\n"), spec.Options{})
	require.NoError(t, err)
	require.NoError(t, file.Discover(f.fs()))
	g, err := New(file, f.fs(), Options{Predefined: map[string]string{"SOURCE_DATE_EPOCH": "1"}})
	require.NoError(t, err)
	assert.Empty(t, g.Scripts[0].Env)
	assert.Equal(t, []Var{{"SOURCE_DATE_EPOCH", "1"}}, g.Scripts[1].Env)
}

func TestScriptHoldsOnlyTheArgsThatItReads(t *testing.T) {
	g := mustResolve(t, files{
		"setup/scripts/01-a.sh": sh + "apt-get install postgresql-$PG # PATRONI\n",
		"setup/scripts/02-b.sh": sh + `python3 -c 'import os; print(os.environ["PATRONI"])'; uname $TARGETARCH` + "\n",
		"setup/scripts/03-c.sh": sh + "true\n",
		"setup/scripts/04-d.sh": sh + "eval \"$SOMETHING\"\n",
		"setup/scripts/05-e.sh": sh + "true\n",
		"setup/scripts/06-f.sh": sh + "./configure --prefix=/opt\n",
	}, `
base: debian:bookworm-slim
args: {PG: 15, PATRONI: 3, OTHER: x, CFLAGS: -O2}
setup:
  scripts:
    - setup/scripts/01-a.sh
    - setup/scripts/02-b.sh
    - setup/scripts/03-c.sh
    - setup/scripts/04-d.sh
    - {path: setup/scripts/05-e.sh, args: [OTHER]}
    - setup/scripts/06-f.sh
`, map[string]string{"PG": "16"})
	assert.Equal(t, []Var{{"PG", "16"}}, g.Scripts[0].Env, "a comment reads nothing")
	assert.Equal(t, []Var{{"CFLAGS", "-O2"}, {"PATRONI", "3"}, {"TARGETARCH", "amd64"}}, g.Scripts[1].Env, "Python may build an extension with CFLAGS")
	assert.Empty(t, g.Scripts[2].Env)
	assert.Equal(t, []Var{{"CFLAGS", "-O2"}, {"OTHER", "x"}, {"PATRONI", "3"}, {"PG", "16"}}, g.Scripts[3].Env, "eval may read any")
	assert.Equal(t, []Var{{"CFLAGS", "-O2"}}, g.Scripts[5].Env, "configure reads it")
	assert.Equal(t, []Var{{"OTHER", "x"}}, g.Scripts[4].Env, "as the build file says")
}

func TestScriptSeesItselfItsHelpersAndDeclaredInputs(t *testing.T) {
	g := mustResolve(t, files{
		"setup/scripts/01-a.sh":    "#!/bin/bash\nhere=$(dirname \"${BASH_SOURCE[0]}\")\n. \"$here/../lib/common.sh\"\n",
		"setup/lib/common.sh":      "echo $PG\n",
		"setup/patches/one.patch":  "",
		"setup/scripts/02-b.sh":    "true\n",
		"entrypoint.d/x.sh":        sh,
		"setup/lib/not-needed.txt": "",
	}, `
base: a
args: {PG: 15}
setup:
  scripts:
    - {path: setup/scripts/01-a.sh, inputs: [setup/patches]}
    - setup/scripts/02-b.sh
`, nil)
	assert.Equal(t, []Input{
		{Path: "setup/scripts/01-a.sh", Why: "script"},
		{Path: "setup/lib/common.sh", Why: "sourced"},
		{Path: "setup/patches", Dir: true, Why: "declared"},
	}, g.Scripts[0].Inputs)
	assert.Equal(t, []Var{{"PG", "15"}}, g.Scripts[0].Env, "its helper reads it")
	assert.Equal(t, []string{"/context/setup/scripts/01-a.sh"}, g.Scripts[0].Command)
	assert.Equal(t, []string{"/bin/sh", "/context/setup/scripts/02-b.sh"}, g.Scripts[1].Command, "no interpreter line")
}

func TestChainAndIsolatedScripts(t *testing.T) {
	f := files{}
	for _, n := range []string{"01-a", "02-icu", "03-pg", "04-ext", "05-b", "06-c"} {
		f["setup/scripts/"+n+".sh"] = sh
	}
	f["setup/scripts/99-cleanup.sh"] = sh
	g := mustResolve(t, f, `
base: a
setup:
  scripts:
    - setup/scripts/01-a.sh
    - {path: setup/scripts/02-icu.sh, outputs: [/opt/icu]}
    - {path: setup/scripts/03-pg.sh, outputs: [/opt/pg], needs: [02-icu, 01-a]}
    - {path: setup/scripts/04-ext.sh, outputs: [/opt/ext], needs: [setup/scripts/03-pg.sh]}
    - {path: setup/scripts/05-b.sh, needs: [04-ext]}
    - setup/scripts/06-c.sh
`, nil)
	type place struct {
		after string
		needs []string
	}
	got := map[string]place{}
	for _, s := range append(g.Scripts, g.Cleanup...) {
		got[s.Name] = place{s.After, s.Needs}
	}
	assert.Equal(t, map[string]place{
		"01-a":       {"", nil},
		"02-icu":     {"", nil},
		"03-pg":      {"01-a", []string{"02-icu"}},
		"04-ext":     {"", []string{"02-icu", "03-pg"}},
		"05-b":       {"01-a", []string{"02-icu", "03-pg", "04-ext"}},
		"06-c":       {"05-b", nil},
		"99-cleanup": {"06-c", nil},
	}, got)
	assert.Equal(t, []string{"setup", "entrypoint", "setup/02-icu", "setup/03-pg", "setup/04-ext", "image"}, g.Targets())
}

func TestCaches(t *testing.T) {
	g := mustResolve(t, files{
		"setup/scripts/01-a.sh": sh + "sudo apt-get update && apt-get -qq install y && pip3 install x\n",
		"setup/scripts/02-b.sh": sh + "apt-get update\n",
		"setup/scripts/03-c.sh": sh + "true\n",
	}, `
base: debian:bookworm-slim
setup:
  scripts:
    - setup/scripts/01-a.sh
    - {path: setup/scripts/02-b.sh, caches: none}
    - {path: setup/scripts/03-c.sh, caches: [ccache, /var/cache/mine]}
`, nil)
	assert.Equal(t, []Cache{
		{"pip", "/root/.cache/pip/http", "pip-http-bookworm-linux-amd64", Shared, g.Scripts[0].Caches[0].Places},
		{"pip", "/root/.cache/pip/http-v2", "pip-http-v2-bookworm-linux-amd64", Shared, g.Scripts[0].Caches[1].Places},
		{"apt", "/var/cache/apt/archives", "apt-archives-bookworm-linux-amd64", Locked, []string{"/var/cache/apt/archives"}},
	}, g.Scripts[0].Caches)
	assert.True(t, g.Scripts[0].Installs)
	assert.Empty(t, g.Scripts[1].Caches)
	assert.True(t, g.Scripts[1].Installs, "lists are no cache: without them nothing is found")
	assert.Equal(t, []Cache{
		{"ccache", "/root/.cache/ccache", "ccache-bookworm-linux-amd64", Shared, g.Scripts[2].Caches[0].Places},
		{"/var/cache/mine", "/var/cache/mine", "/var/cache/mine", Shared, nil},
	}, g.Scripts[2].Caches)
	assert.False(t, g.Scripts[2].Installs)
}

// A base image says where its tools keep what they have fetched.
func TestCachesMoveWithTheBase(t *testing.T) {
	g := mustResolve(t, files{
		"setup/scripts/01-a.sh": sh + "cargo build\n",
		"setup/scripts/02-b.sh": sh + "export CARGO_HOME=/opt/cargo\ncargo build\n",
		"setup/scripts/03-c.sh": sh + "cargo build\nrm -rf /usr/local/cargo\n",
	}, "base: rust:bookworm", nil)
	targets := func(i int) []string {
		var out []string
		for _, c := range g.CachesOn(g.Scripts[i], []string{"CARGO_HOME=/usr/local/cargo"}) {
			out = append(out, c.Target)
		}
		return out
	}
	assert.Equal(t, []string{"/usr/local/cargo/git/db", "/usr/local/cargo/registry/cache", "/usr/local/cargo/registry/index"}, targets(0))
	assert.Equal(t, []string{"/opt/cargo/git/db", "/opt/cargo/registry/cache", "/opt/cargo/registry/index"}, targets(1))
	assert.Empty(t, targets(2), "it removes them")
}

// Isolated scripts do not wait for each other's package manager.
func TestCachesOfIsolatedScripts(t *testing.T) {
	g := mustResolve(t, files{"setup/scripts/01-a.sh": sh + "apt-get install x\n"},
		"base: debian:bookworm\nsetup: {scripts: [{path: setup/scripts/01-a.sh, outputs: [/a]}]}", nil)
	require.Len(t, g.Scripts[0].Caches, 1)
	assert.Equal(t, Private, g.Scripts[0].Caches[0].Sharing)
	assert.Equal(t, Locked, g.Toolchain.Caches[0].Sharing)
	assert.NotEqual(t, g.Scripts[0].Caches[0].ID, g.Toolchain.Caches[0].ID, "a private mount may be one of several, and two locks of several hold nobody up")
}

func TestCachePrefix(t *testing.T) {
	g := mustResolve(t, files{"setup/scripts/01-a.sh": sh + "git clone x; curl y\n"},
		"base: debian:trixie\nsetup: {cache_prefix: s/42-}", nil)
	assert.Equal(t, []Cache{
		{"downloads", "/var/cache/downloads", "s/42-downloads-trixie-linux-amd64", Shared, []string{"/var/cache/downloads"}},
		{"git", "/var/cache/git", "s/42-git-trixie-linux-amd64", Shared, []string{"/var/cache/git"}},
	}, g.Scripts[0].Caches)
	assert.Equal(t, "s/42-apt-archives-trixie-linux-amd64", g.Toolchain.Caches[0].ID)
}

func TestRelease(t *testing.T) {
	for ref, want := range map[string]string{
		"debian:bookworm-slim":                    "bookworm",
		"debian:bookworm-20260101-slim@sha256:ab": "bookworm",
		"postgres:15-trixie":                      "trixie",
		"postgres:15":                             "postgres-15",
		"debian":                                  "debian-latest",
		"localhost:5000/team/base":                "base-latest",
		"localhost:5000/team/base:1.2":            "base-1.2",
	} {
		assert.Equal(t, want, release(ref), ref)
	}
}

func TestEntrypointClasses(t *testing.T) {
	g := mustResolve(t, files{
		"entrypoint.d/entrypoint.sh":            sh,
		"entrypoint.d/scripts/utils/log.sh":     sh,
		"entrypoint.d/scripts/runtime/start.sh": sh,
		"config/b.yml":                          "",
		"config/a.yml":                          "",
	}, `
base: a
user: {name: postgres, uid: 999}
entrypoint:
  configuration_files:
    - {source: config/b.yml, target: /etc/b.yml}
    - {source: config/a.yml, target: /etc/a.yml, mode: "0600", owner: postgres}
`, nil)
	want := []Class{
		{Name: "configuration", Files: []File{
			{Source: "config/a.yml", Target: "/etc/a.yml", Mode: 0o600, UID: 999, GID: 999},
			{Source: "config/b.yml", Target: "/etc/b.yml", Mode: 0o644, UID: 0, GID: 999},
		}},
		{Name: "utilities", Files: []File{{Source: "entrypoint.d/scripts/utils/log.sh", Target: "/opt/container/entrypoint.d/scripts/utils/log.sh", Mode: 0o755}}},
		{Name: "runtime", Files: []File{{Source: "entrypoint.d/scripts/runtime/start.sh", Target: "/opt/container/entrypoint.d/scripts/runtime/start.sh", Mode: 0o755}}},
		{Name: "entrypoint", Files: []File{{Source: "entrypoint.d/entrypoint.sh", Target: "/entrypoint.sh", Mode: 0o755}}},
	}
	for i := range g.Entrypoint {
		for j := range g.Entrypoint[i].Files {
			g.Entrypoint[i].Files[j].At = spec.Range{}
		}
	}
	assert.Equal(t, want, g.Entrypoint)
	assert.Equal(t, "999", g.Image.User)
	assert.Equal(t, []string{"/entrypoint.sh"}, g.Image.Entrypoint)
}

func TestRules(t *testing.T) {
	f := files{
		"setup/scripts/01-a.sh": sh,
		"setup/scripts/02-b.sh": sh,
		"setup/patches/x":       "",
	}
	g := mustResolve(t, f, `
base: a
args: {PG: 15}
cache_boundary:
  cache_invalidation_rules:
    - {layer: setup, max_age: 168h}
    - {layer: setup/02-b, max_age: 24h, when_changed: ["arg:PG", "file:setup/patches/**", "package:libpq5", base]}
`, nil)
	assert.Equal(t, Refresh{Period: "2026-11-23T00:00:00Z"}, g.Toolchain.Refresh)
	assert.Equal(t, Refresh{Period: "2026-11-23T00:00:00Z"}, g.Scripts[0].Refresh)
	assert.Equal(t, Refresh{Period: "2026-11-24T00:00:00Z", Base: true, Packages: []string{"libpq5"}, Day: "2026-11-24"}, g.Scripts[1].Refresh)
	assert.Equal(t, []Var{{"PG", "15"}}, g.Scripts[1].Env)
	assert.Contains(t, g.Scripts[1].Inputs, Input{Path: "setup/patches/x", Why: "watched"})
	assert.Equal(t, "fresh since 2026-11-24T00:00:00Z; follows the base image; follows libpq5 in the archive", g.Scripts[1].Refresh.String())
}

func TestNewReports(t *testing.T) {
	for name, tc := range map[string]struct {
		files files
		text  string
		want  string
	}{
		"circle": {
			files{"setup/a.sh": sh, "setup/b.sh": sh},
			"setup:\n  scripts:\n    - {path: setup/a.sh, outputs: [/a], needs: [b]}\n    - {path: setup/b.sh, outputs: [/b], needs: [a]}",
			"in a circle: a needs b needs a",
		},
		"unknown need": {
			files{"setup/a.sh": sh, "setup/postgresql.sh": sh},
			"setup:\n  scripts:\n    - {path: setup/a.sh, outputs: [/a], needs: [postgresq]}\n    - setup/postgresql.sh",
			"build.yaml:4:49: a needs \"postgresq\", which is no setup script; did you mean postgresql?",
		},
		"needs itself":       {files{"setup/a.sh": sh}, "setup: {scripts: [{path: setup/a.sh, outputs: [/a], needs: [a]}]}", "a needs itself"},
		"needs a later link": {files{"setup/a.sh": sh, "setup/b.sh": sh}, "setup: {scripts: [{path: setup/a.sh, needs: [b]}, setup/b.sh]}", "a runs before b, which it needs"},
		"two claim one path": {
			files{"setup/a.sh": sh, "setup/b.sh": sh},
			"setup: {scripts: [{path: setup/a.sh, outputs: [/usr/local]}, {path: setup/b.sh, outputs: [/usr/local/bin]}]}",
			"b claims the output /usr/local/bin, and a claims /usr/local",
		},
		"two scripts of one name": {files{"setup/a.sh": sh, "setup/x/a.sh": sh}, "setup: {scripts: [setup/a.sh, setup/x/a.sh]}", "have the same name"},
		"setup reads entrypoint":  {files{"entrypoint.d/x.sh": sh, "setup/a.sh": sh}, "setup: {scripts: [{path: setup/a.sh, inputs: [entrypoint.d/x.sh]}]}", "each edit of it would run setup again"},
		"a directory of setup with entrypoint files": {
			files{"entrypoint.d/x/y.sh": sh, "setup/a.sh": sh},
			"setup: {scripts: [{path: setup/a.sh, inputs: [entrypoint.d]}]}",
			"build.yaml:2:47: SetupReadsEntrypoint: setup script setup/a.sh reads entrypoint.d/x/y.sh",
		},
		"a watched entrypoint file": {
			files{"entrypoint.d/x.sh": sh, "setup/a.sh": sh},
			"setup: {scripts: [setup/a.sh]}\ncache_boundary: {cache_invalidation_rules: [{layer: setup/a, when_changed: ['file:entrypoint.d/*']}]}",
			"reads entrypoint.d/x.sh",
		},
		"setup sources entrypoint": {
			files{"entrypoint.d/x.sh": sh, "setup/a.sh": sh + `. "$(dirname "$0")/../entrypoint.d/x.sh"`},
			"setup: {scripts: [setup/a.sh]}", "setup script setup/a.sh reads entrypoint.d/x.sh",
		},
		"stable file as entrypoint": {files{"setup/x.sh": sh}, "entrypoint: {runtime_scripts: [setup/x.sh]}", "calls it stable"},
		"two files, one target": {
			files{"config/a": "", "config/b": ""},
			"entrypoint: {configuration_files: [{source: config/a, target: /x}, {source: config/b, target: /x}]}", "both become /x",
		},
		"entry point of nobody": {files{"entrypoint.sh": "echo"}, "", "the kernel cannot start it"},
		"CRLF":                  {files{"setup/scripts/1.sh": "#!/bin/sh\r\ntrue\r\n"}, "", "CRLF line end in line 1"},
		"BOM":                   {files{"setup/scripts/1.sh": "\ufeff#!/bin/sh\ntrue\n"}, "", "byte order mark"},
		"binary":                {files{"setup/scripts/1.sh": "\x7fELF\x00\x01"}, "", "is not text"},
		"syntax":                {files{"setup/scripts/1.sh": sh + "if true\n"}, "", "setup/scripts/1.sh:2:1"},
		"missing input":         {files{"setup/a.sh": sh}, "setup: {scripts: [{path: setup/a.sh, inputs: [setup/none]}]}", "input setup/none is not in the build context"},
		"unknown cache":         {files{"setup/a.sh": sh}, "setup: {scripts: [{path: setup/a.sh, caches: [apd]}]}", `cache "apd" is neither`},
		"unknown layer":         {files{}, "cache_boundary: {cache_invalidation_rules: [{layer: setp, max_age: 1h}]}", "neither setup, toolchain nor"},
		"two tests of one name": {files{"t.sh": sh}, "tests: [{name: a, run: t.sh}, {name: a, run: t.sh}]", `two tests are called "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := resolve(t, tc.files, "base: a\n"+tc.text, nil)
			assert.ErrorContains(t, err, tc.want)
			assert.NotEmpty(t, spec.AsErrors(err))
		})
	}
}

func TestGraphIsSerialisable(t *testing.T) {
	f := files{"setup/scripts/01-a.sh": sh + "apt-get update", "entrypoint.sh": sh}
	g := mustResolve(t, f, "base: debian:bookworm-slim", nil)
	data, err := json.Marshal(g)
	require.NoError(t, err)
	var back Graph
	require.NoError(t, json.Unmarshal(data, &back))
	again, err := json.Marshal(&back)
	require.NoError(t, err)
	assert.JSONEq(t, string(data), string(again))
}

// What a script needs to be built with is its own, and what only the image needs is under no isolated script.
func TestPackagesWhereTheyBelong(t *testing.T) {
	f := files{"setup/scripts/01-a.sh": sh, "setup/scripts/02-b.sh": sh, "setup/scripts/03-c.sh": sh}
	g := mustResolve(t, f, `
base: a
args: {PG: "15", EXTRA: ""}
setup:
  dependencies:
    build: [gcc]
    runtime: [libicu72, "${EXTRA}", "!ssl-cert"]
    image: [less, {name: jit, when: ["${PG} >= 16"]}, {name: "cron-${PG}", when: ["${PG} >= 15"]}]
  scripts:
    - {path: setup/scripts/01-a.sh, outputs: [/a]}
    - {path: setup/scripts/02-b.sh, outputs: [/b], build: [rustc, gcc], packages: [libb]}
    - {path: setup/scripts/03-c.sh, outputs: [/c], build: []}
`, nil)
	specs := func(list []Package) []string {
		var out []string
		for _, p := range list {
			out = append(out, p.Spec)
		}
		return out
	}
	assert.Equal(t, []string{"libicu72", "!ssl-cert"}, specs(g.Toolchain.Runtime))
	assert.Equal(t, []string{"libicu72", "!ssl-cert", "less", "cron-15", "libb"}, specs(g.RuntimePackages()))
	assert.Equal(t, []string{"gcc"}, specs(g.Scripts[0].Build))
	assert.Equal(t, []string{"rustc", "gcc"}, specs(g.Scripts[1].Build))
	assert.Empty(t, g.Scripts[2].Build)
	assert.Equal(t, []string{"gcc", "rustc"}, specs(g.BuildPackages()))

	_, err := resolve(t, f, "base: a\nargs: {N: tz}\nsetup: {dependencies: {runtime: [tz, \"!${N}\"]}}", nil)
	assert.EqualError(t, err, "build.yaml:3:38: package tz is asked for, and kept out")
}

func TestOutputsThatArePlaced(t *testing.T) {
	g := mustResolve(t, files{"setup/scripts/01-a.sh": sh, "setup/scripts/02-b.sh": sh + "go build\n"}, `
base: a
user: {name: postgres, uid: 999, gid: 998}
setup:
  scripts:
    - path: setup/scripts/01-a.sh
      outputs:
        - /plain
        - {from: /build/opt/x, to: /opt/x, owner: postgres, mode: "0750"}
        - {from: /build/bin/y, to: /usr/bin/}
        - {from: "/build/lib/*.so", to: /usr/lib/}
        - {from: "/own/*/z", owner: root}
    - {path: setup/scripts/02-b.sh, outputs: [/b], base: "golang:1.25-trixie"}
`, nil)
	var got []Output
	for _, o := range g.Scripts[0].Outputs {
		o.At = spec.Range{}
		got = append(got, o)
	}
	assert.Equal(t, []Output{
		{Path: "/plain"},
		{Path: "/opt/x", From: "/build/opt/x", To: "/opt/x", Owner: "999:998", Mode: "0750"},
		{Path: "/usr/bin/y", From: "/build/bin/y", To: "/usr/bin/y"},
		{Path: "/usr/lib/*.so", From: "/build/lib/*.so", To: "/usr/lib"},
		{Path: "/own/*/z", From: "/own/*/z", To: "/own", Owner: "0:0"},
	}, got)
	assert.Equal(t, "golang:1.25-trixie", g.Scripts[1].Base.Name)
	assert.Contains(t, g.Scripts[1].Caches[0].ID, "-trixie-", "caches are those of what it runs on")
}

func TestWhatAnIsolatedScriptCannotHave(t *testing.T) {
	for text, want := range map[string]string{
		"build_artifacts: [/build], scripts: [{path: a.sh, outputs: [/build/x]}]":               "in the scratch directory /build",
		"scripts: [{path: b.sh}, {path: a.sh, outputs: [/x], base: golang, needs: [b]}]":        "which runs on what the image is made of",
		"scripts: [{path: a.sh, outputs: [{from: /y/x, to: /x}]}, {path: b.sh, outputs: [/x]}]": "claims the output /x",
	} {
		_, err := resolve(t, files{"a.sh": sh, "b.sh": sh}, "base: a\nsetup: {"+text+"}", nil)
		assert.ErrorContains(t, err, want, text)
	}
}

func TestFilesystemAndEntrypointFiles(t *testing.T) {
	_, err := resolve(t, files{"config/a": ""}, "base: a\nsetup: {filesystem: [{file: /etc/a}]}\nentrypoint: {configuration_files: [{source: config/a, target: /etc/a}]}", nil)
	assert.ErrorContains(t, err, "an entry of setup.filesystem and config/a both become /etc/a")
}

// A script with `for` is one for each value: with its own value in its environment, whatever the arg of that name is, and
// behind the script of that value.
func TestForScripts(t *testing.T) {
	g := mustResolve(t, files{
		"a.sh": sh + "echo $PG >/pg-$PG\n",
		"b.sh": sh + "echo $PG $V $REV\n",
	}, `base: debian
args: {PG: "14", REV: "1"}
setup:
  scripts:
    - {path: a.sh, for: {PG: [15, 17]}, outputs: ["/pg-${PG}"]}
    - {path: b.sh, for: {PG: [15, 17], V: [x]}, needs: ["a-${PG}"], outputs: ["/b-${PG}"]}
`, map[string]string{"REV": "2"})
	require.Len(t, g.Scripts, 4)
	last := g.Scripts[3]
	assert.Equal(t, "b-17-x", last.Name)
	assert.Equal(t, []string{"a-17"}, last.Needs)
	assert.Equal(t, []Var{{"PG", "17"}, {"REV", "2"}, {"V", "x"}}, last.Env)
	assert.Equal(t, "b.sh PG=17 V=x (no network: setup.sources declares what it downloads)", (&Script{Path: last.Path, With: last.With, Network: "none"}).Title())
}

// The path of a script with `for` stands for all that came of it.
func TestNeedsByPathOfSeveral(t *testing.T) {
	g := mustResolve(t, files{"a.sh": sh + "echo $PG\n", "b.sh": sh}, `base: debian
setup:
  scripts:
    - {path: a.sh, for: {PG: [15, 17]}, outputs: ["/pg-${PG}"]}
    - {path: b.sh, needs: [a.sh], outputs: [/b]}
`, nil)
	assert.Equal(t, []string{"a-15", "a-17"}, g.Scripts[2].Needs)
}
