package spec

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func load(t *testing.T, text string, opt Options) *File {
	t.Helper()
	f, err := Load("build.yaml", []byte(text), opt)
	require.NoError(t, err)
	return f
}

func TestLoadSmallest(t *testing.T) {
	f := load(t, "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\n", Options{})
	assert.Equal(t, "debian:bookworm-slim", f.Base.Value)
	assert.Equal(t, Range{Position{2, 7}, Position{2, 27}}, f.Base.At)
	assert.Nil(t, f.Setup.Scripts, "left to discovery")
}

func TestLoadEveryKey(t *testing.T) {
	f := load(t, `
base: debian:${RELEASE}-slim
args:
  RELEASE: bookworm
  PG: {default: "15", description: major version}
user: {name: postgres, uid: 999, gid: 998, home: /var/lib/postgresql}
setup:
  dependencies:
    build: [build-essential]
    runtime: ["libreadline8=8.2-1.3", gosu]
  scripts:
    - setup/scripts/01-locales.sh
    - path: ./setup/scripts/02-install.sh
      outputs: [/usr/local/pgsql]
      args: [PG]
      needs: [01-locales]
      caches: [ccache, /var/cache/mine]
      inputs: [setup/patches/]
      secrets: [token]
      ssh: true
      network: none
    - {path: setup/scripts/03-x.sh, caches: none}
  build_artifacts: [/temp/]
  final_cleanup: [setup/scripts/99-cleanup.sh]
entrypoint:
  entrypoint_script: entrypoint.d/entrypoint.sh
  runtime_scripts: [entrypoint.d/scripts/init/*]
  utility_scripts: []
  configuration_files:
    - {source: config/patroni.yml, target: /etc/patroni/patroni.yml, mode: 0640, owner: "root:postgres"}
cache_boundary:
  stable_files: [setup/**]
  volatile_files: [entrypoint.d/**]
image:
  env: {PATH: "/opt/${PG}:${PATH}"}
  labels: {version: "${PG}"}
  expose: [5432, 8008/udp]
  volumes: [/data]
  stop_signal: SIGINT
  cmd: [run, "$HOME"]
  working_dir: /srv
  healthcheck: {command: [check, "${X}"], interval: 30s, retries: 3}
tests:
  - {name: answers, run: test/smoke.sh}
x-notes: {anything: goes}
`, Options{BuildArgs: map[string]string{"PG": "16"}})

	assert.Equal(t, "debian:bookworm-slim", f.Base.Value)
	assert.Equal(t, []string{"15→16"}, []string{"15→" + f.Args[1].Value.Value})
	assert.True(t, f.Args[1].Set)
	assert.Equal(t, "major version", f.Args[1].Description)
	assert.Equal(t, 998, f.User.GID)
	s := f.Setup.Scripts[1]
	assert.Equal(t, "setup/scripts/02-install.sh", s.Path.Value)
	assert.Equal(t, "setup/patches", s.Inputs[0].Value)
	assert.Equal(t, []string{"ccache", "/var/cache/mine"}, texts(s.Caches.Extra))
	assert.True(t, f.Setup.Scripts[2].Caches.None)
	assert.Equal(t, "/temp", f.Setup.BuildArtifacts[0].Value)
	c := f.Entrypoint.ConfigurationFiles[0]
	assert.Equal(t, uint32(0o640), c.Mode.Bits, "0640 without quotes is octal too")
	assert.NotNil(t, f.Entrypoint.UtilityScripts, "an empty list is not an absent one")
	assert.Equal(t, "/opt/${PG}:${PATH}", f.Image.Env[0].Value.Value, "left until the base's variables are known")
	assert.Equal(t, "${PG}", f.Image.Labels[0].Value.Value, "this too")
	assert.Equal(t, []string{"5432/tcp", "8008/udp"}, texts(f.Image.Expose))
	assert.Equal(t, []string{"run", "$HOME"}, texts(f.Image.Cmd), "a container's own variables stay")
	assert.Equal(t, []string{"check", "${X}"}, texts(f.Image.Healthcheck.Command))
	assert.Equal(t, time.Minute, f.Tests[0].Timeout.Duration, "the default")
}

func texts(list []Text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Value)
	}
	return out
}

func TestSecrets(t *testing.T) {
	f := load(t, "base: a\nsetup: {scripts: [{path: x.sh, secrets: [a, {id: b, env: B}, {id: c, env: C, target: /c/}, {id: d, mode: 0440, required: false}]}]}", Options{})
	s := f.Setup.Scripts[0].Secrets
	assert.Equal(t, "/run/secrets/a", s[0].Target.Value)
	assert.Nil(t, s[0].Required, "it is")
	assert.Equal(t, []string{"B", ""}, []string{s[1].Env.Value, s[1].Target.Value}, "a variable, and no file")
	assert.Equal(t, []string{"C", "/c"}, []string{s[2].Env.Value, s[2].Target.Value}, "both")
	assert.Equal(t, "/run/secrets/d", s[3].Target.Value)
	assert.Equal(t, uint32(0o440), s[3].Mode.Bits)
	assert.False(t, *s[3].Required)
}

func TestLoadKeepsScalarsAsWritten(t *testing.T) {
	f := load(t, "base: a\nargs:\n  A: 3.10\n  B: 0640\n  C: yes\n  D: 1e3\n  E:\n  F: |\n    two\n    lines\n  G: 'it''s'\n", Options{})
	var got []string
	for _, a := range f.Args {
		got = append(got, a.Value.Value)
	}
	want := []string{"3.10", "0640", "yes", "1e3", "", "two\nlines\n", "it's"}
	assert.Empty(t, cmp.Diff(want, got))
}

func TestLoadReportsAllMistakesInOrder(t *testing.T) {
	_, err := Load("build.yaml", []byte(`bas: debian
user: {name: postgres, uid: nine}
setup:
  scripts: nothing
  dependenceis: {}
image:
  healthcheck: {interval: soon}
`), Options{})
	want := `build.yaml:1:1: unknown key "bas"; did you mean base?
build.yaml:2:29: must be a whole number, not "nine"
build.yaml:4:12: must be a list, not "nothing": write [nothing]
build.yaml:5:3: unknown key "dependenceis"; did you mean dependencies?
build.yaml:7:27: must be a length of time such as 30s, 5m or 168h, not "soon"`
	assert.EqualError(t, err, want)
	assert.Len(t, AsErrors(err), 5)
}

func TestLoadRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":             {"", "the build file is empty"},
		"comments alone":      {"# syntax=x\n", "the build file is empty"},
		"no base":             {"args: {}", "base is missing"},
		"scratch":             {"base: scratch", "has no shell"},
		"bad reference":       {"base: 'Debian:!'", "not an image reference"},
		"a list":              {"- base", "must be a mapping"},
		"a string":            {"FROM debian", "must be a mapping"},
		"not YAML":            {"base: [", "build.yaml:1:7: what begins here is not closed"},
		"tab":                 {"base:\n\tx: y", "build.yaml:2:1: a tab indents this line: YAML takes spaces alone"},
		"user's name alone":   {"base: a\nuser: postgres", "write {name: postgres, uid: <1 to 65533>}"},
		"days":                {"base: a\ncache_boundary: {cache_invalidation_rules: [{layer: setup, max_age: 7d}]}", `not "7d": write 168h`},
		"one port":            {"base: a\nimage: {expose: 5432}", `not "5432": write [5432]`},
		"env as in compose":   {"base: a\nimage: {env: [A=b, C=d e]}", "not a list: write {A: b, C: d e}"},
		"check alone":         {"base: a\nimage: {healthcheck: pg_isready}", `not "pg_isready": write {command: [pg_isready]}`},
		"indentation":         {"base: a\nsetup:\n  scripts:\n    - a\n   - b", "build.yaml:5:4: this line is indented by 3 spaces, and no line that it belongs to is"},
		"CRLF":                {"# a\r\n# b\r\nbase: a\r\nuzer: b\r\n", `build.yaml:4:1: unknown key "uzer"`},
		"twice the same key":  {"base: a\nbase: b", "build.yaml:2:1: the key base is there twice, in line 1 already"},
		"two documents":       {"base: a\n---\nbase: b", "one YAML document"},
		"NUL":                 {"base: a\x00", "NUL byte"},
		"not UTF-8":           {"base: a\nx-name: \xe9", "build.yaml:2:1: this line is not UTF-8"},
		"needless backslash":  {"base: a\nsetup: {scripts: [{path: x.sh, inputs: ['a\\ b/*']}]}", "quotes none of"},
		"unknown arg":         {"base: debian:${RELEASE}", "${RELEASE} is not a build argument"},
		"close to an arg":     {"base: debian:${RELEAS}\nargs: {RELEASE: x}", "did you mean RELEASE?"},
		"arg of BuildKit":     {"base: a\nargs: {TARGETARCH: x}", "needs no declaration"},
		"arg name":            {"base: a\nargs: {a-b: x}", "cannot be an argument's name"},
		"unclosed":            {"base: debian:${RELEASE", "write \\$ for a dollar sign"},
		"escaping script":     {"base: a\nsetup: {scripts: [../x.sh]}", "leaves the build context"},
		"hidden escape":       {"base: a\nsetup: {scripts: [a/../../x.sh]}", "leaves the build context"},
		"absolute script":     {"base: a\nsetup: {scripts: [/x.sh]}", "does not start with /"},
		"script without path": {"base: a\nsetup: {scripts: [{args: []}]}", "needs a path"},
		"relative output":     {"base: a\nsetup: {scripts: [{path: x.sh, outputs: [usr]}]}", "absolute path"},
		"root output":         {"base: a\nsetup: {scripts: [{path: x.sh, outputs: [/]}]}", "cannot be the root"},
		"no outputs":          {"base: a\nsetup: {scripts: [{path: x.sh, outputs: []}]}", "outputs is empty"},
		"undeclared arg":      {"base: a\nsetup: {scripts: [{path: x.sh, args: [PG]}]}", "PG is not declared"},
		"network":             {"base: a\nsetup: {scripts: [{path: x.sh, network: off}]}", "default, none or host"},
		"secret as an arg":    {"base: a\nargs: {A: x}\nsetup: {scripts: [{path: x.sh, secrets: [{id: t, env: A}]}]}", "A is a build argument; a secret needs a variable of its own"},
		"secret's variable":   {"base: a\nsetup: {scripts: [{path: x.sh, secrets: [{id: t, env: A-B}]}]}", "cannot be an environment variable's name"},
		"two secrets":         {"base: a\nsetup: {scripts: [{path: x.sh, secrets: [{id: t, env: A}, {id: u, env: A}]}]}", "two secrets of one script are at $A"},
		"one secret twice":    {"base: a\nsetup: {scripts: [{path: x.sh, secrets: [t, {id: u, target: /run/secrets/t}]}]}", "two secrets of one script are at /run/secrets/t"},
		"secret path":         {"base: a\nsetup: {scripts: [{path: x.sh, secrets: [a/b]}]}", "named by its id"},
		"option as package":   {"base: a\nsetup: {dependencies: {runtime: [--force]}}", "a package is"},
		"two packages in one": {"base: a\nsetup: {dependencies: {runtime: ['a b']}}", "a package is"},
		"isolated cleanup":    {"base: a\nsetup: {final_cleanup: [{path: x.sh, outputs: [/a]}]}", "after all others"},
		"user without name":   {"base: a\nuser: {uid: 5}", "user needs a name"},
		"user is root":        {"base: a\nuser: {name: root, uid: 0}", "uid (and gid) from 1"},
		"group is root's":     {"base: a\nuser: {name: postgres, uid: 999, gid: 0}", "uid (and gid) from 1"},
		"config sans target":  {"base: a\nentrypoint: {configuration_files: [{source: x}]}", "a source and a target"},
		"config to the root":  {"base: a\nentrypoint: {configuration_files: [{source: x, target: /}]}", "cannot be the root directory"},
		"owner":               {"base: a\nentrypoint: {configuration_files: [{source: x, target: /y, owner: www}]}", "neither a number"},
		"mode":                {"base: a\nentrypoint: {configuration_files: [{source: x, target: /y, mode: rw}]}", "octal permission bits"},
		"port":                {"base: a\nimage: {expose: [70000]}", "a port is a number"},
		"signal":              {"base: a\nimage: {stop_signal: SIGNOPE}", "is not a signal"},
		"healthcheck":         {"base: a\nimage: {healthcheck: {}}", "healthcheck needs a command"},
		"test":                {"base: a\ntests: [{name: x}]", "a name and a script"},
		"comma in a flow":     {"base: a\nargs: {A: {description: one, or two}}", "quote the text"},
		"merge key":           {"base: a\nx-a: &a {name: p}\nuser:\n  <<: *a", "merge keys"},
		"unknown alias":       {"base: *nope", "has no anchor"},
		"deep":                {"base: " + strings.Repeat("[", 100000), "nested more than"},
		"deep block":          {strings.Repeat("- ", 1000) + "a", "nested more than"},
		"aliases in a circle": {"base: &a [*a]", "must be a single value"},
		"long list":           {"base: a\nsetup: {build_artifacts: [" + strings.Repeat("/a,", 3000) + "]}", "3000 entries are more than the 2048"},
		"long mapping":        {"base: a\nimage:\n  labels:\n" + numbered("    l%d: x\n", 3000), "3000 entries are more than the 2048"},
		"long path":           {"base: a\nsetup: {build_artifacts: [/" + strings.Repeat("a/", 3000) + "]}", "longer than the 4095 bytes"},
		"long context path":   {"base: a\nsetup: {scripts: [" + strings.Repeat("a/", 3000) + "]}", "longer than the 4095 bytes"},
		"doubling":            {"base: a\nargs:\n  A: " + strings.Repeat("x", 1000) + doublings(40), "may become longer than 65536 bytes"},
		"replacing":           {"base: a\nargs: {A: " + strings.Repeat("x", 2000) + ", B: '${A//x/" + strings.Repeat("y", 2000) + "}'}", "may become longer than"},
		"indirectly":          {"base: a\nargs: {A: B, B: " + strings.Repeat("x", 2000) + ", C: '" + strings.Repeat("${!A}", 50) + "'}", "may become longer than"},
		"too large":           {"base: a\n#" + strings.Repeat("x", MaxSize), "the limit is"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("build.yaml", []byte(tc.text), Options{Predefined: map[string]string{"TARGETARCH": "amd64"}})
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

// A "billion laughs" document is refused after a bounded number of aliases.
func TestLoadBoundsAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString("base: a\nx-0: &l0 [a, a]\nsetup:\n  build_artifacts:\n")
	for range 400 {
		b.WriteString("    - *p\n")
	}
	b.WriteString("x-p: &p /tmp/x\n")
	_, err := Load("build.yaml", []byte(b.String()), Options{})
	assert.ErrorContains(t, err, "more than 256 aliases")
	assert.Len(t, AsErrors(err), 1)
}

func TestLoadFollowsAliases(t *testing.T) {
	f := load(t, "base: a\nx-list: &l [curl]\nsetup:\n  dependencies: {build: *l, runtime: *l}\n", Options{})
	assert.Equal(t, "curl", f.Setup.Dependencies.Runtime[0].Name.Value)
}

func TestArgsMayUseEarlierArgs(t *testing.T) {
	f := load(t, "base: a\nargs:\n  MAJOR: 15\n  PKG: postgresql-${MAJOR}\n  X: ${TARGETARCH:-none}\n",
		Options{BuildArgs: map[string]string{"MAJOR": "17"}, Predefined: map[string]string{"TARGETARCH": "arm64"}})
	assert.Equal(t, "postgresql-17", f.Args[1].Value.Value)
	assert.Equal(t, "arm64", f.Args[2].Value.Value)
}

func TestUndeclared(t *testing.T) {
	opt := Options{
		BuildArgs: map[string]string{
			"POSTGRES_VERSION": "16", "http_proxy": "x", "BUILDKIT_INLINE_CACHE": "1",
			"SOURCE_DATE_EPOCH": "0", "TARGETARCH": "x", "POSTGRESQL_VERSION": "1", "Z": "",
		},
		Predefined: map[string]string{"TARGETARCH": "amd64"},
	}
	f := load(t, "base: a\nargs: {POSTGRESQL_VERSION: 15, POSTGRE_VERSION: 3}", opt)
	assert.Equal(t, []string{"POSTGRES_VERSION (did you mean POSTGRE_VERSION?)", "Z"}, f.Undeclared(opt))
}

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "1", "EMPTY": ""}
	for in, want := range map[string]string{
		"plain": "plain", "$A": "1", "${A}b": "1b", `\$A`: "$A", "${B:-x}": "x", "${EMPTY:-y}": "y", "it's $A": "it's 1", `"$A"`: `"1"`,
		`a\*b`: `a\*b`, "$": "$", "5$": "5$",
	} {
		got, missing, err := Expand(in, env)
		require.NoError(t, err)
		assert.Empty(t, missing, in)
		assert.Equal(t, want, got, in)
	}
	_, _, err := Expand("$(id)", env)
	require.ErrorContains(t, err, "not run in a build file")
	_, missing, err := Expand("${B}", env)
	require.NoError(t, err)
	assert.Equal(t, "B", missing)
}

func TestParseOwner(t *testing.T) {
	f := &File{
		User:     &User{Name: Text{Value: "postgres"}, UID: 999, GID: 998},
		Accounts: []User{{Name: Text{Value: "backup"}, UID: 1001, GID: 1002}},
	}
	for in, want := range map[string][2]int{
		"root": {0, 0}, "0:998": {0, 998}, "postgres": {999, 998}, "root:postgres": {0, 998}, "backup:postgres": {1001, 998}, "5:6": {5, 6},
	} {
		uid, gid, err := f.ParseOwner(in)
		require.NoError(t, err)
		assert.Equal(t, want, [2]int{uid, gid}, in)
	}
	_, _, err := f.ParseOwner("-1")
	assert.Error(t, err)
}

// Nobody reads thousands of mistakes.
func TestLoadBoundsMistakes(t *testing.T) {
	_, err := Load("build.yaml", []byte("base: a\n"+numbered("unknown%d: x\n", 2000)), Options{})
	require.Len(t, AsErrors(err), 101)
	assert.ErrorContains(t, err, "build.yaml: 1900 mistakes more; correct these first")
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// doublings are args each of which is twice as long as the one before.
func doublings(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n  A%s: ${A%[2]s}${A%[2]s}", strings.Repeat("A", i+1), strings.Repeat("A", i))
	}
	return b.String()
}

// A word with a colon in it is a word inside of braces too.
func TestColonsInBraces(t *testing.T) {
	for _, word := range []string{"http://127.0.0.1:4444/ping", "a:b:c", "localhost:8008/health", "a:1", "x:true"} {
		f := load(t, "base: debian\nimage:\n  healthcheck: {command: [curl, -f, "+word+"], retries: 3}\n", Options{})
		require.Len(t, f.Image.Healthcheck.Command, 3, word)
		assert.Equal(t, word, f.Image.Healthcheck.Command[2].Value)
		assert.Equal(t, 3, f.Image.Healthcheck.Retries)
	}
	_, err := Load("build.yaml", []byte("base: debian\nimage: {healthcheck: {command: [curl, a: 1]}}\n"), Options{})
	assert.ErrorContains(t, err, "not a mapping")
}
