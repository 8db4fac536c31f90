package interp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

func TestMentions(t *testing.T) {
	for _, tc := range []struct {
		name, src string
		want      shell.Pos
	}{
		{"expansion", "a\necho $NAME", shell.Pos{Line: 2, Column: 7}},
		{"braces", `echo "${NAME:-x}"`, shell.Pos{Line: 1, Column: 9}},
		{"prefix of another", `echo $NAMES ${NAME_X} MYNAME`, shell.Pos{}},
		{"arithmetic", `echo $((NAME + 1))`, shell.Pos{Line: 1, Column: 9}},
		{"arithmetic command", `((NAME > 1))`, shell.Pos{Line: 1, Column: 3}},
		{"assignment", `NAME=x`, shell.Pos{Line: 1, Column: 1}},
		{"comment", "# NAME\na # $NAME", shell.Pos{}},
		{"not a comment", `a b#NAME`, shell.Pos{Line: 1, Column: 5}},
		{"comment in quotes", `a "# NAME"`, shell.Pos{Line: 1, Column: 6}},
		{"single quotes", `python3 -c 'import os; os.environ["NAME"]'`, shell.Pos{Line: 1, Column: 36}},
		{"awk", `awk '{print ENVIRON["NAME"]}'`, shell.Pos{Line: 1, Column: 22}},
		{"envsubst", `envsubst '$NAME $B' < in`, shell.Pos{Line: 1, Column: 12}},
		{"heredoc", "cat <<EOF\n# $NAME\nEOF\n", shell.Pos{Line: 2, Column: 4}},
		{"quoted heredoc", "cat <<'EOF'\n# NAME\nEOF\n", shell.Pos{Line: 2, Column: 3}},
		{"sh -c", `sh -c 'echo $NAME'`, shell.Pos{Line: 1, Column: 14}},
		{"printenv", `printenv NAME`, shell.Pos{Line: 1, Column: 10}},
		{"variable test", `[[ -v NAME ]]`, shell.Pos{Line: 1, Column: 7}},
		{"indirect", `x=NAME; echo ${!x}`, shell.Pos{Line: 1, Column: 3}},
		{"comment first", "# NAME\n\necho ok\n# NAME\necho $NAME", shell.Pos{Line: 5, Column: 7}},
		{"comment in a substitution", "x=$(\n# NAME\na)", shell.Pos{}},
		{"comment in an array", "x=(a # NAME\nb)", shell.Pos{}},
		{"comment in a case", "case x in # NAME\na) b;; # NAME\nesac # NAME", shell.Pos{}},
		{"comment after do", "for x in a; do # NAME\nb\ndone # NAME", shell.Pos{}},
		{"comment after then", "if a; then # NAME\nb # NAME\nelse # NAME\nc\nfi # NAME", shell.Pos{}},
		{"comment in a function", "f() { # NAME\na\n} # NAME\n# NAME", shell.Pos{}},
		{"shebang", "#!/bin/sh NAME\na", shell.Pos{}},
		{"python", "#!/usr/bin/env python3\n# NAME\n", shell.Pos{Line: 2, Column: 3}},
		{"perl", "#!/usr/bin/perl\nprint $ENV{NAME};\n", shell.Pos{Line: 2, Column: 12}},
		{"crlf", "a\r\n# NAME\r\necho $NAME\r\n", shell.Pos{Line: 3, Column: 7}},
		{"multibyte", "echo ä $NAME", shell.Pos{Line: 1, Column: 10}},
		{"backquotes", "x=`echo $NAME`", shell.Pos{Line: 1, Column: 10}},
		{"posix", "#!/bin/sh\necho \"$NAME\" # NAME", shell.Pos{Line: 2, Column: 8}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pos, ok := parse(t, tc.src).Mentions("NAME")
			require.Equal(t, tc.want.IsValid(), ok)
			require.Equal(t, tc.want, pos)
		})
	}
	_, ok := parse(t, "echo a").Mentions("")
	require.False(t, ok)
}

func TestReadsAll(t *testing.T) {
	for _, tc := range []struct {
		src  string
		want bool
	}{
		{`echo ${!x}`, true},
		{`echo ${!x*} "${!x@}"`, true},
		{`echo ${!a[@]} ${!a[*]}`, false},
		{`env`, true},
		{`env | sort`, true},
		{`env A=b`, true},
		{`env A=b c`, false},
		{`env -i A=b c`, false},
		{`sudo env`, true},
		{`printenv`, true},
		{`printenv NAME`, false},
		{`printenv "$x"`, true},
		{`export`, true},
		{`export -p`, true},
		{`export A`, false},
		{"#!/bin/sh\nexport -p", true},
		{"#!/bin/sh\nexport A=1", false},
		{`set`, true},
		{`set -e`, false},
		{`set -o pipefail`, false},
		{`set -- a`, false},
		{`declare -p`, true},
		{`declare -p NAME`, false},
		{`declare -x`, true},
		{`declare -x A`, false},
		{`declare -A m=([a]=b)`, false},
		{`declare -f`, false},
		{`readonly -p`, true},
		{`local x`, false},
		{`compgen -v`, true},
		{`compgen -A variable`, true},
		{`compgen -c`, false},
		{`eval "$x"`, true},
		{`eval 'echo $A'`, false},
		{`eval a "$b"`, true},
		{`envsubst < in > out`, true},
		{`envsubst '$A' < in`, false},
		{"envsubst <<EOF\n$A\nEOF\n", false},
		{`cat /proc/self/environ`, true},
		{`tr '\0' '\n' < /proc/1/environ`, true},
		{`sh -c "$x"`, true},
		{`sh -c 'env'`, true},
		{`sh -c 'a'`, false},
		{`[[ -v $x ]]`, true},
		{`[[ -v NAME ]]`, false},
		{`test -v "$x"`, true},
		{`declare -n r=$x`, true},
		{`declare -n r=NAME`, false},
		{`source <(c)`, true},
		{`. "$x"`, true},
		{`. /etc/profile`, false},
		{`bash "$x"`, true},
		{`for f in *.sh; do bash "$f"; . "$f"; done`, false},
		{`sh -c "cd $x && make"`, false},
		{`# env`, false},
		{`echo env`, false},
		{`f() { env; }`, true},
	} {
		t.Run(tc.src, func(t *testing.T) {
			pos, ok := parse(t, tc.src).ReadsAll()
			require.Equal(t, tc.want, ok)
			require.Equal(t, tc.want, pos.IsValid())
		})
	}
	for _, tc := range []struct {
		src  string
		want bool
	}{
		{"#!/usr/bin/env python3\nimport os\nprint(os.environ['A'], os.environ.get(\"B\"), os.getenv('C'))\n", false},
		{"#!/usr/bin/env python3\nfrom os import environ\nenviron['A']\n", false},
		{"#!/usr/bin/env python3\nimport os\nfor k in os.environ: pass\n", true},
		{"#!/usr/bin/env python3\nimport os\nos.environ[k]\n", true},
		{"#!/usr/bin/env python3\nimport os\nos.getenv(k)\n", true},
		{"#!/usr/bin/env python3\nenvironment = 1\n", false},
		{"#!/usr/bin/perl\nprint $ENV{A};\n", false},
		{"#!/usr/bin/perl\nprint %ENV;\n", true},
		{"#!/usr/bin/perl\nprint $ENV{$x};\n", true},
		{"#!/usr/bin/env node\nprocess.env.A\n", false},
		{"#!/usr/bin/env node\nf(process.env)\n", true},
		{"#!/usr/bin/env ruby\nENV['A']; ENV.fetch(\"B\")\n", false},
		{"#!/usr/bin/env ruby\nENV.each { }\n", true},
	} {
		_, ok := parse(t, tc.src).ReadsAll()
		require.Equal(t, tc.want, ok, tc.src)
	}
	broken, err := Parse("a.sh", []byte("a\n("))
	require.Error(t, err)
	_, ok := broken.ReadsAll()
	require.True(t, ok)

	pos, _ := parse(t, "a\nb; env\neval \"$x\"").ReadsAll()
	require.Equal(t, shell.Pos{Line: 2, Column: 4}, pos)
}

func TestReads(t *testing.T) {
	for _, tc := range []struct {
		src, name string
		want      bool
	}{
		{"./configure --prefix=/x", "CFLAGS", true},
		{"make -j4", "MAKEFLAGS", true},
		{"make", "PG_CONFIG", true},
		{"retry() { \"$@\"; }\nretry 3 make", "GNUMAKEFLAGS", false},
		{"retry() { shift; \"$@\"; }\nretry 3 make", "GNUMAKEFLAGS", true},
		{"pip install x", "PIP_INDEX_URL", true},
		{"/opt/venv/bin/pip install x", "PIP_INDEX_URL", true},
		{"python3 -m pip install x", "PIP_INDEX_URL", true},
		{"curl x", "https_proxy", true},
		{"apt-get update", "HTTP_PROXY", true},
		{"apt-get update", "DEBIAN_FRONTEND", true},
		{"apt-get update", "CFLAGS", false},
		{"go build", "GOFLAGS", true},
		{"go build", "CGO_ENABLED", true},
		{"cargo build", "CARGO_HOME", true},
		{"psql", "PGDATA", true},
		{"pg_ctl start", "PGPORT", true},
		{"a", "TZ", true},
		{"a", "LC_ALL", true},
		{"a", "XZ_OPT", true},
		{"a", "SOURCE_DATE_EPOCH", true},
		{"cd /", "SOURCE_DATE_EPOCH", false},
		{"cd /", "TZ", true},
		{"a", "POSTGRESQL_VERSION", false},
		{"make", "POSTGRESQL_VERSION", false},
		{"f() { make; }", "CFLAGS", false},
		{"git clone x", "GIT_SSL_NO_VERIFY", true},
		{"gcc x.c", "CCACHE_DIR", true},
		{"npm ci", "NPM_CONFIG_REGISTRY", true},
		{"apt-key add x", "DEBCONF_FRONTEND", true},
		{"yum install x", "no_proxy", true},
		{"gem install x", "GEM_HOME", true},
		{"cmake ..", "CMAKE_PREFIX_PATH", true},
		{"patroni x", "PATRONI_NAME", true},
		{"pgbackrest info", "PGBACKREST_STANZA", true},
		{"wal-g x", "WALG_S3_PREFIX", true},
		{"clang-15 x", "CCACHE_DIR", true},
		{"rustc x", "RUSTFLAGS", true},
		{"pkg-config x", "PKG_CONFIG_PATH", true},
		{"python3 x", "PYTHONPATH", true},
		{"python3 x", "VIRTUAL_ENV", true},
		{"curl x", "CURL_CA_BUNDLE", true},
		{"a", "WITHOUTPREFIX", false},
	} {
		t.Run(tc.src+" "+tc.name, func(t *testing.T) {
			p := load(t, context("-- main.sh --\n"+tc.src+"\n"), Options{Dir: "/context"})
			require.Equal(t, tc.want, p.Reads(tc.name))
		})
	}
	p := load(t, context("-- main.sh --\n. ./lib.sh\n-- lib.sh --\npip install x\n"), Options{Dir: "/context"})
	require.True(t, p.Reads("PIP_INDEX_URL"), "what a helper calls counts")
	p = load(t, context("-- main.sh --\nenv\n"), Options{Dir: "/context"})
	require.False(t, p.Reads("ANY"))
	require.True(t, p.MayRead("ANY"), "env prints all")
}

func TestReadsAndAssigns(t *testing.T) {
	s := parse(t, "A=$B; f() { local C=${D:-$E}; export F; }\n((G += H)); [[ -v I ]] && for J in x; do echo \"$J\"; done")
	var reads []string
	for _, r := range s.Reads {
		reads = append(reads, r.Name)
	}
	require.Equal(t, []string{"B", "D", "E", "G", "H", "I", "J"}, reads)
	require.Equal(t, shell.Pos{Line: 1, Column: 4}, s.Reads[0].Pos)

	var names []string
	for _, a := range s.Assigns {
		names = append(names, a.Name)
	}
	require.Equal(t, []string{"A", "C", "F"}, names)
	require.True(t, s.Assigns[1].Local)
	require.Equal(t, "f", s.Assigns[1].Func)
	require.True(t, s.Assigns[2].Naked)
	require.True(t, s.Assigns[2].Exported)

	s = parse(t, "export A=1; A=2; B=(x y); B+=(z); readonly C=$A")
	require.True(t, s.Assigns[1].Exported, "a variable stays exported")
	require.True(t, s.Assigns[2].Array)
	require.Len(t, s.Assigns[2].Elements, 2)
	require.True(t, s.Assigns[3].Append)
	require.True(t, s.Assigns[4].ReadOnly)
	require.Equal(t, "2", s.Assigns[4].Value.Value)
	require.Equal(t, shell.Pos{Line: 1, Column: 44}, s.Assigns[4].Pos)
}

func TestPaths(t *testing.T) {
	type ref = struct {
		Path   string
		Access shell.Access
	}
	for _, tc := range []struct {
		name, src string
		want      []ref
	}{
		{"absolute", `ls /usr/local/pgsql`, []ref{{"/usr/local/pgsql", shell.AccessMention}}},
		{"in an option", `a --prefix=/usr/local -I/inc -L /lib`, []ref{{"/usr/local", 0}, {"/inc", 0}, {"/lib", 0}}},
		{"in a list", `PATH=/a/bin:$PATH:/b`, []ref{{"/a/bin", 0}, {"/b", 0}}},
		{"clean", `ls /a/../b//c/`, []ref{{"/b/c", 0}}},
		{"own folder", `cp "$(dirname "$0")/x.conf" /etc/`, []ref{{"/context/setup/x.conf", 0}, {"/etc", 0}}},
		{"redirections", `a < /in > /out 2>>/log`, []ref{{"/in", shell.AccessRead}, {"/out", shell.AccessWrite}, {"/log", shell.AccessWrite}}},
		{"relative redirection", `cd /tmp; a > out`, []ref{{"/tmp", shell.AccessDir}, {"/tmp/out", shell.AccessWrite}}},
		{"failed return under errexit", "set -eu\nf() { cd /a || return; [ -e y ] || { cd /q; return 1; }; cd /b || return; }\nf; x > out", []ref{{"/a", shell.AccessDir}, {"/q", shell.AccessDir}, {"/b", shell.AccessDir}, {"/b/out", shell.AccessWrite}}},
		{"failed return without errexit", "f() { cd /a || return; cd /b || return; }\nf; x > out", []ref{{"/a", shell.AccessDir}, {"/b", shell.AccessDir}}},
		{"failed return, errexit off again", "set -e; set +e\nf() { cd /a || return; cd /b || return; }\nf; x > out", []ref{{"/a", shell.AccessDir}, {"/b", shell.AccessDir}}},
		{"failed return in a test", "set -e\nf() { cd /a || return; cd /b || return; }\nf || true; x > out", []ref{{"/a", shell.AccessDir}, {"/b", shell.AccessDir}}},
		{"return of success", "set -e\nf() { cd /a; c && return; cd /b; }\nf; x > out", []ref{{"/a", shell.AccessDir}, {"/b", shell.AccessDir}}},
		{"test", `[ -f /x ]; [[ -d /y ]]`, []ref{{"/x", shell.AccessTest}, {"/y", shell.AccessTest}}},
		{"url", `curl https://x/y`, nil},
		{"unknown root", `ls "$x/y" /`, nil},
		{"partly unknown", `ls "/a/$x/b"`, []ref{{"/a/*/b", 0}}},
		{"glob", `rm -rf /a/*`, []ref{{"/a/*", shell.AccessWrite}}},
		{"command", `/a/b c`, []ref{{"/a/b", shell.AccessRead}}},
		{"assignment word", `make DESTDIR=/d PG_CONFIG=/p/bin/pg_config`, []ref{{"/d", 0}, {"/p/bin/pg_config", 0}}},
		{"in text", `echo "see /a/b for it" '-- /c'`, []ref{{"/a/b", 0}, {"/c", 0}}},
		{"bare in the context", `cd /context/sub; cp a.conf -v "b c" /x`, []ref{{"/context/sub", shell.AccessDir}, {"/context/sub/a.conf", 0}, {"/x", 0}}},
		{"bare elsewhere", `cd /tmp; cp a.conf b`, []ref{{"/tmp", shell.AccessDir}}},
		{"loop", `for f in /a/*.x; do b "$f"; done`, []ref{{"/a/*.x", 0}, {"/a/*.x", 0}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []ref
			for _, p := range parse(t, tc.src).Paths {
				got = append(got, ref{p.Path, p.Access})
			}
			require.Equal(t, tc.want, got)
		})
	}
	s := parse(t, `cd /context/sub; cp a.conf ../b/* /c`)
	require.Equal(t, shell.PathRef{Path: "/context/sub/a.conf", Context: "sub/a.conf", InContext: true, Bare: true, Pos: shell.Pos{Line: 1, Column: 21}}, s.Paths[1])
	require.Equal(t, shell.PathRef{Path: "/context/b/*", Context: "b/*", InContext: true, Glob: true, Pos: shell.Pos{Line: 1, Column: 28}}, s.Paths[2])
	require.False(t, s.Paths[3].InContext)
}
