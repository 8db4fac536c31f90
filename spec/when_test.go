package spec

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		when string
		want bool
	}{
		{"${PG} == 15", true},
		{"${PG} != 15", false},
		{"${PG} >= 9.6", true},
		{"${PG} < 15.0", false},
		{"${PG} <= 15.0", true},
		{"${PG} > 15", false},
		{"${PG} < 15.0.1", true},
		{"${EMPTY} == ''", true},
		{`"${EMPTY}" != ""`, false},
		{"${NAME} == 'two words'", true},
		{"${EMPTY:-two words} == 'two words'", true},
		{"${PG} == 14|15", true},
		{"${PG} != 14|15", false},
		{"${EMPTY} == ''|x", true},
		{"${PG} == 1", false},
		{"${PG} == 14 || ${PG} == 15", true},
		{"${PG} < 14 || ${EMPTY} != ''", false},
		{"  yes   ==  yes ", true},
		{"it's' == its", true},
	} {
		f := load(t, fmt.Sprintf("base: debian\nargs: {PG: '15', EMPTY: '', NAME: two words}\nsetup: {scripts: [{path: a.sh, when: [%q]}]}\n", c.when), Options{})
		require.NoError(t, f.Discover(fstest.MapFS{"a.sh": {}}), c.when)
		assert.Equal(t, c.want, len(f.Setup.Scripts) == 1, c.when)
	}
}

func TestConditionMistakes(t *testing.T) {
	for when, want := range map[string]string{
		"${PG}":           "is not a comparison",
		"${PG} = 15":      "is not a comparison",
		"${PG} >= 15 16":  "is not a comparison",
		"${PG} == 15 ||":  "is not a comparison",
		"|| ${PG} == 15":  "is not a comparison",
		"a == b c == d":   "is not a comparison",
		"":                "is not a comparison",
		"${PG} == '15":    "is not a comparison",
		"${PG} >= 17beta": `"17beta" cannot be compared by >=`,
		"${PG} < ''":      `"" cannot be compared by <`,
		"${NOPE} == 1":    "${NOPE} is not a build argument",
	} {
		_, err := Load("build.yaml", fmt.Appendf(nil, "base: debian\nargs: {PG: '15'}\nsetup: {scripts: [{path: a.sh, when: [%q]}]}\n", when), Options{})
		assert.ErrorContains(t, err, want, when)
	}
}

// Nothing in the file speaks of a script that is left out, unless it is also
// there on other terms.
func TestLeftOut(t *testing.T) {
	f := load(t, `
base: debian
args: {PG: "15"}
setup:
  scripts:
    - {path: a.sh, outputs: [/a], when: ["${PG} < 15"]}
    - {path: b.sh, needs: [a, b2.sh], when: ["${PG} >= 15", "${PG} != 16"]}
    - {path: b2.sh, when: ["${PG} < 15"]}
    - {path: b2.sh, when: ["${PG} >= 15"]}
  final_cleanup: [{path: c.sh, when: ["${PG} == 14"]}]
cache_boundary:
  cache_invalidation_rules:
    - {layer: setup/a, max_age: 1h}
    - {layer: setup/b, max_age: 1h}
`, Options{})
	context := fstest.MapFS{"a.sh": {}, "b.sh": {}, "b2.sh": {}, "c.sh": {}}
	require.NoError(t, f.Discover(context))
	var names, needs, layers []string
	for _, s := range append(f.Setup.Scripts, f.Setup.FinalCleanup...) {
		names = append(names, s.Name())
		for _, n := range s.Needs {
			needs = append(needs, n.Value)
		}
	}
	for _, r := range f.CacheBoundary.Rules {
		layers = append(layers, r.Layer.Value)
	}
	assert.Equal(t, []string{"b", "b2"}, names)
	assert.Equal(t, []string{"b2.sh"}, needs)
	assert.Equal(t, []string{"setup/b"}, layers)

	f = load(t, "base: debian\nsetup: {scripts: [{path: a.sh, when: [1 > 2]}]}\n", Options{})
	assert.ErrorContains(t, f.Discover(fstest.MapFS{}), "a.sh is not in the build context", "a file that is named is there, whatever the args are")
}

func TestImageAccount(t *testing.T) {
	for user, ok := range map[string]bool{"root": true, "999:999": true, "postgres:postgres": true, "a:b:c": false, "a b": false, ":x": false, "x:": false, "-1": false} {
		_, err := Load("build.yaml", fmt.Appendf(nil, "base: debian\nimage: {user: %q}\n", user), Options{})
		assert.Equal(t, ok, err == nil, user)
	}
	f, err := Load("build.yaml", []byte("base: debian\nimage: {entrypoint: [], healthcheck: {command: []}}\n"), Options{})
	require.NoError(t, err)
	assert.NotNil(t, f.Image.Entrypoint)
	assert.NotNil(t, f.Image.Healthcheck.Command)
	_, err = Load("build.yaml", []byte("base: debian\nimage: {healthcheck: {retries: 3}}\n"), Options{})
	assert.Error(t, err)
}

func TestRepositoriesAreLeftOut(t *testing.T) {
	for from, want := range map[string]int{"debian": 0, "pgdg": 1} {
		f := load(t, "base: a\nargs: {FROM: debian}\nsetup:\n  repositories: [{name: r, uris: [\"http://x/y\"], suites: [s], unsigned: true, when: [\"${FROM} == pgdg\"]}]\n",
			Options{BuildArgs: map[string]string{"FROM": from}})
		require.NoError(t, f.Discover(fstest.MapFS{}))
		assert.Len(t, f.Setup.Repositories, want, from)
	}
}

// A source that is left out is none for the scripts that list it.
func TestSourcesAreLeftOut(t *testing.T) {
	for major, want := range map[string][]string{"15": {"pg15", "tool"}, "17": {"pg17", "tool"}, "18": {"tool"}} {
		f := load(t, `
base: debian
args: {PG: "15"}
setup:
  sources:
    pg15: {when: ["${PG} == 15"], url: "https://example.com/15.tar"}
    pg17: {when: ["${PG} == 17"], url: "https://example.com/17.tar", patches: [17.patch]}
    tool: {url: "https://example.com/tool.tar"}
  scripts: [{path: a.sh, sources: [pg15, pg17, tool]}]
  final_cleanup: [{path: b.sh, sources: [pg15]}]
`, Options{BuildArgs: map[string]string{"PG": major}})
		require.NoError(t, f.Discover(fstest.MapFS{"a.sh": {}, "b.sh": {}, "17.patch": {}}))
		var have, listed []string
		for _, s := range f.Setup.Sources {
			have = append(have, s.Name.Value)
		}
		for _, s := range f.Setup.Scripts[0].Sources {
			listed = append(listed, s.Value)
		}
		assert.Equal(t, want, have, major)
		assert.Equal(t, want, listed, major)
		assert.Len(t, f.Setup.FinalCleanup[0].Sources, map[string]int{"15": 1}[major])
	}
	_, err := Load("build.yaml", []byte("base: debian\nsetup: {sources: {a: {url: 'https://example.com/a', when: [a < b]}}}\n"), Options{})
	assert.ErrorContains(t, err, "cannot be compared")
}

// A git server that is reached by ssh is known by its keys; no other has any.
func TestKnownHosts(t *testing.T) {
	for source, want := range map[string]string{
		"git: 'git@example.com:team/a.git', ref: v1, known_hosts: keys":          "",
		"git: 'ssh://git@example.com:22/team/a.git', ref: v1, known_hosts: keys": "",
		"git: 'https://example.com/a.git', ref: v1":                              "",
		"git: 'git@example.com:team/a.git', ref: v1":                             "by ssh, a server is known by its keys",
		"git: 'ssh://example.com/a.git', ref: v1":                                "by ssh, a server is known by its keys",
		"git: 'https://example.com/a.git', ref: v1, known_hosts: keys":           "known_hosts is for a source with git that is reached by ssh",
		"url: 'https://example.com/a.tar', known_hosts: keys":                    "known_hosts is for a source with git that is reached by ssh",
	} {
		f, err := Load("build.yaml", []byte("base: debian\nsetup: {sources: {a: {"+source+"}}}\n"), Options{})
		if want != "" {
			assert.ErrorContains(t, err, want, source)
			continue
		}
		require.NoError(t, err, source)
		if f.Setup.Sources[0].SSH() {
			assert.ErrorContains(t, f.Discover(fstest.MapFS{}), "keys is not in the build context")
		}
	}
}
