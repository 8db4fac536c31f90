package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// unannotated is a chain of scripts as images of PostgreSQL have them, with
// stand-ins for what is compiled: packages first, then a server, a language, and
// tools beside these; extensions and programs on top; cleanup last.
func unannotated() map[string]string {
	const head = "#!/bin/sh\nset -eu\n"
	tool := func(name string) string {
		return head + "demo-cc >/usr/local/bin/" + name + "\nchmod 755 /usr/local/bin/" + name + "\ninstall -d -m 0750 /etc/" + name + "\n"
	}
	extension := func(name, version string) string {
		return head + "libs=$(/usr/local/pgsql/bin/pg_config)\nfor v in 1.0 1.1 1.2 1.3; do echo \"$v $" + version + "\" >/usr/local/pgsql/share/extension/" + name + "--$v.sql; done\n" +
			"demo-cc >\"$libs/" + name + ".so\"\n"
	}
	tree := map[string]string{
		"Dockerfile": `# syntax=localhost:5000/pgstrata:dev
base: debian:bookworm-slim

args:
  PG_VERSION: "17.2"
  HSTORE_VERSION: {default: "1.8", description: a leaf's}

setup:
  # Sources are unpacked here.
  build_artifacts: [/build]
`,
		"setup/scripts/01-packages.sh": head + `mkdir -p /build/demo/DEBIAN /build/demo/usr/bin
printf 'Package: demo\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: for tests\n' >/build/demo/DEBIAN/control
printf '#!/bin/sh\necho compiled\n' >/build/demo/usr/bin/demo-cc
chmod 755 /build/demo/usr/bin/demo-cc
dpkg-deb --root-owner-group --build /build/demo /build/demo.deb
dpkg -i /build/demo.deb
`,
		"setup/scripts/02-locale.sh":     head + "mkdir -p /usr/lib/locale/xx_XX\necho locale >/usr/lib/locale/xx_XX/LC_ALL\n",
		"setup/scripts/03-filesystem.sh": head + "install -d -m 0700 /var/lib/demo/data\ninstall -d /docker-entrypoint-initdb.d /var/log/demo\n",
		"setup/scripts/04-postgresql.sh": head + `prefix=/usr/local/pgsql
mkdir -p $prefix/bin $prefix/lib $prefix/share/extension
for p in postgres psql initdb pg_ctl; do demo-cc >$prefix/bin/$p; done
echo "$PG_VERSION" >$prefix/share/version
printf '#!/bin/sh\necho /usr/local/pgsql/lib\n' >$prefix/bin/pg_config
chmod 755 $prefix/bin/*
ln -s postgres $prefix/bin/postmaster
`,
		"setup/scripts/05-python.sh": head + `mkdir -p /usr/local/python/bin /usr/local/python/lib
demo-cc >/usr/local/python/lib/os.py
printf '#!/bin/sh\ncat /usr/local/python/lib/os.py "$@"\n' >/usr/local/python/bin/python
chmod 755 /usr/local/python/bin/python
`,
		"setup/scripts/06-pgbackrest.sh": tool("pgbackrest"),
		"setup/scripts/07-pgbouncer.sh":  tool("pgbouncer"),
		"setup/scripts/08-pgbadger.sh":   head + "echo '#!/bin/sh' >/usr/local/bin/pgbadger\nchmod 755 /usr/local/bin/pgbadger\n",
		"setup/scripts/09-exporter.sh":   tool("exporter"),
		"setup/scripts/10-hstore.sh":     extension("hstore", "HSTORE_VERSION"),
		"setup/scripts/11-citext.sh":     extension("citext", "PG_VERSION"),
		"setup/scripts/12-trgm.sh":       extension("trgm", "PG_VERSION"),
		"setup/scripts/13-vector.sh":     extension("vector", "PG_VERSION"),
		"setup/scripts/14-patroni.sh":    head + "echo patroni >/usr/local/python/lib/patroni.py\n/usr/local/python/bin/python /usr/local/python/lib/patroni.py >/usr/local/bin/patroni\n",
		"setup/scripts/15-monitor.sh":    head + "mkdir -p /opt/monitor\n/usr/local/pgsql/bin/pg_config >/opt/monitor/libs\ncat /usr/local/bin/patroni >/opt/monitor/program\n",
		"setup/scripts/16-settings.sh":   head + "echo 'include /etc/demo' >>/etc/environment\nmkdir -p /opt/settings\necho x >/opt/settings/x\n",
		"setup/scripts/99-cleanup.sh":    head + "rm -rf /usr/share/doc/* /tmp/* /var/tmp/*\n",
	}
	return tree
}

// The graph that is found of a chain that nobody annotated: as deep as its
// scripts need, of the same image, and a bump runs what it concerns.
func TestObservedGraph(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	dir := testenv.Tree(t, unannotated())
	build(t, env, dir, testenv.Request{Image: "observed:chain"})
	bump := func() testenv.Request {
		return testenv.Request{Image: "observed:bumped", Options: map[string]string{"build-arg:HSTORE_VERSION": "1.9"}}
	}
	assert.Len(t, setupRan(build(t, env, dir, bump()).Trace), 8, "in the chain, all that comes after")
	// The pictures of docs/observe.md: what a change of a leaf runs.
	drawn := func(picture string) {
		made := filepath.Join(t.TempDir(), "graph.svg")
		out := env.Run(t, program, "graph", "--change", "setup/scripts/10-hstore.sh", "-o", made, dir)
		require.Zero(t, out.Code, "%s", out.Stderr)
		data, err := os.ReadFile(made)
		require.NoError(t, err)
		golden.File(t, "../../docs/images/"+picture, strings.ReplaceAll(string(data), filepath.Base(dir)+",", "postgresql,"))
	}
	drawn("observed-before.svg")

	out := env.Run(t, program, "observe", "--write", "--progress=plain", dir)
	require.Zero(t, out.Code, "%s", out.Stderr)
	t.Log(out.Stdout)
	file, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	require.NoError(t, err)
	t.Log(string(file))
	assert.Contains(t, string(file), "  # Sources are unpacked here.\n", "comments stay")
	listed, err := spec.Listed("Dockerfile", file)
	require.NoError(t, err)
	got := map[string][]string{}
	for _, s := range listed {
		got[s.Name()] = texts(s.Needs)
		for _, o := range s.Outputs {
			got[s.Name()] = append(got[s.Name()], o.From.Value)
		}
	}
	assert.Empty(t, got["01-packages"], "it changes the package database")
	assert.Equal(t, []string{"01-packages", "/usr/local/pgsql"}, got["04-postgresql"])
	assert.Equal(t, []string{"/usr/local/bin/pgbadger"}, got["08-pgbadger"])
	assert.Equal(t, []string{"01-packages", "04-postgresql", "/usr/local/pgsql/lib/hstore.so", "/usr/local/pgsql/share/extension/hstore*"}, got["10-hstore"])
	assert.Contains(t, out.Stdout, "17 scripts, at most 4 one after another. Built so, the image is that of the chain, file by file.")
	drawn("observed-after.svg")

	build(t, env, dir, testenv.Request{Image: "observed:graph"})
	chain, graph := summary(env.Registry.Image(t, "observed:chain").Files()), summary(env.Registry.Image(t, "observed:graph").Files())
	for _, files := range []map[string]string{chain, graph} {
		maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, "/var/log/") || name == "/etc/ld.so.cache" })
	}
	assert.Equal(t, chain, graph)
	assert.Equal(t, []string{"10-hstore.sh"}, setupRan(build(t, env, dir, bump()).Trace), "in the graph, it alone")

	out = env.Run(t, program, "observe", "--check", "--progress=plain", dir)
	assert.Zero(t, out.Code, "%s\n%s", out.Stdout, out.Stderr)
	wrong := strings.NewReplacer(
		"needs: [01-packages, 04-postgresql]\n      outputs: [/usr/local/pgsql/lib/hstore.so, ", "needs: [04-postgresql, 05-python]\n      outputs: [",
		"outputs: [/usr/local/bin/pgbadger]", "outputs: [/usr/local/bin/pgbadger, /opt/none], inputs: [setup/unread]",
	).Replace(string(file))
	write(t, dir, "Dockerfile", wrong, "setup/unread", "x", "setup/patches/a.patch", "x",
		"setup/scripts/12-trgm.sh", unannotated()["setup/scripts/12-trgm.sh"]+"where=/context/setup\ntest ! -e $where/patches/a.patch\n")
	out = env.Run(t, program, "observe", "--check", "--progress=plain", dir)
	assert.Equal(t, 1, out.Code, "%s", out.Stderr)
	var kinds []string
	for line := range strings.Lines(out.Stdout) {
		_, rest, _ := strings.Cut(line, ": ")
		kind, rest, _ := strings.Cut(rest, ": ")
		script, _, _ := strings.Cut(rest, " ")
		kinds = append(kinds, script+" "+kind)
	}
	slices.Sort(kinds)
	assert.Equal(t, []string{
		"08-pgbadger UnmadeOutput", "08-pgbadger UnreadInput", "10-hstore MissingNeed", "10-hstore MissingOutput",
		"10-hstore UnneededNeed", "12-trgm UndeclaredInput",
	}, kinds, out.Stdout)
}

func texts(list []spec.Text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Value)
	}
	return out
}

// What only a build can tell: scripts that do something else where another one's
// work is not there go back to the chain. A file that is another one in each
// build is no reason.
func TestObservedScriptsThatGoBack(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	const head = "#!/bin/sh\nset -eu\n"
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":                "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\n",
		"setup/scripts/01-first.sh": head + "mkdir /opt/shared\necho a >/opt/shared/a\n",
		"setup/scripts/02-other.sh": head + "if mkdir /opt/shared 2>/dev/null; then echo first; else echo second; fi >/opt/other\n",
		"setup/scripts/03-fails.sh": head + "if mkdir /opt/shared 2>/dev/null; then exit 7; fi\necho x >/opt/fails\n",
		"setup/scripts/04-time.sh":  head + "date +%N >/opt/time\n",
	})
	out := env.Buildx(t, "--call=pgstrata.observe", "--progress=plain", dir)
	require.Zero(t, out.Code, "%s", out.Stderr)
	for _, want := range []string{
		"02-other.sh\n  stays in the chain: alone, it makes another /opt/other: file 0644 0:0 6 bytes",
		"03-fails.sh\n  stays in the chain: alone, it fails: exit code 7\n",
		"01-first.sh\n  gives /opt/shared\n",
		"  needs 01-first: it may read anything of 01-first\n",
		"04-time.sh\n  gives /opt/time\n",
	} {
		assert.Contains(t, out.Stdout, want)
	}
}

// A Dockerfile whose driver runs a chain of scripts becomes a build file that has the
// graph from the start.
func TestMigrateObserved(t *testing.T) {
	env := testenv.Shared(t)
	program := testenv.Program(t, "pgstrata")
	files := unannotated()
	for _, name := range []string{"01-packages", "16-settings"} {
		delete(files, "setup/scripts/"+name+".sh")
	}
	files["setup/scripts/01-compiler.sh"] = "#!/bin/sh\nset -eu\nprintf '#!/bin/sh\\necho compiled\\n' >/usr/bin/demo-cc\nchmod 755 /usr/bin/demo-cc\n"
	files["setup/setup.sh"] = "#!/bin/bash\nset -eu\nfor script in /setup/scripts/*.sh; do\n  bash \"$script\"\ndone\n"
	files["Dockerfile"] = "FROM debian:bookworm-slim\nARG PG_VERSION=17.2\nARG HSTORE_VERSION=1.8\nCOPY setup /setup\nRUN /setup/setup.sh\n"
	dir := testenv.Tree(t, files)
	out := env.Run(t, program, "migrate", "--observe", "--progress=plain", filepath.Join(dir, "Dockerfile"))
	require.Zero(t, out.Code, "%s\n%s", out.Stdout, out.Stderr)
	t.Log(out.Stdout)
	file, err := os.ReadFile(filepath.Join(dir, "pgstrata.yaml"))
	require.NoError(t, err)
	listed, err := spec.Listed("pgstrata.yaml", file)
	require.NoError(t, err)
	got := map[string][]string{}
	for _, s := range listed {
		got[s.Name()] = texts(s.Needs)
		for _, o := range s.Outputs {
			got[s.Name()] = append(got[s.Name()], o.From.Value)
		}
	}
	assert.Equal(t, []string{"01-copy-setup", "05-04-postgresql", "/usr/local/pgsql/lib/hstore.so", "/usr/local/pgsql/share/extension/hstore*"}, got["11-10-hstore"])
	assert.Contains(t, out.Stdout, "Built so, the image is that of the chain, file by file.")
}

// A script that leaves files in too many places to list contributes all that it leaves,
// and that is the chain's image.
func TestObservedManyPlaces(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":                "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\n",
		"setup/scripts/01-many.sh":  "#!/bin/sh\nset -eu\nfor dir in /usr/share/doc/[a-l]*; do echo many >\"$dir/many\"; done\n",
		"setup/scripts/02-after.sh": "#!/bin/sh\nset -eu\ncat /usr/share/doc/bash/many >/opt/after\n",
	})
	out := env.Run(t, testenv.Program(t, "pgstrata"), "observe", "--write", "--progress=plain", dir)
	require.Zero(t, out.Code, "%s", out.Stderr)
	assert.Contains(t, out.Stdout, "01-many.sh\n  gives all that it leaves: /usr/share/doc/", out.Stdout)
	file, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	require.NoError(t, err)
	assert.Contains(t, string(file), "{path: setup/scripts/01-many.sh, outputs: auto}")
	assert.Contains(t, string(file), "{path: setup/scripts/02-after.sh, needs: [01-many], outputs: [/opt/after]}")
	build(t, env, dir, testenv.Request{Image: "observed:many"})
	assert.Contains(t, env.Registry.Image(t, "observed:many").Files(), "/usr/share/doc/bash/many")
}
