package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/spec/schema"
)

// validator takes a build file as an editor does.
func validator(t *testing.T) func(text string) error {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(schema.JSON()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("schema.json", parsed))
	compiled, err := c.Compile("schema.json") // also checks the schema against that of its draft
	require.NoError(t, err)
	return func(text string) error {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return err
		}
		return compiled.Validate(value)
	}
}

func TestExamplesAreValid(t *testing.T) {
	validate := validator(t)
	files, err := filepath.Glob("../../examples/*/Dockerfile")
	require.NoError(t, err)
	require.Greater(t, len(files), 1)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		if strings.HasPrefix(string(data), "FROM") {
			continue // an ordinary Dockerfile
		}
		assert.NoError(t, validate(string(data)), name)
	}
}

// What is short in one place and long in another, and what looks wrong but is
// not.
func TestGoodFilesAreValid(t *testing.T) {
	validate := validator(t)
	for name, text := range map[string]string{
		"smallest":           "base: debian",
		"your own keys":      "base: debian\nx-note: {any: thing}\nsetup: {x-why: [1]}",
		"args of every kind": "base: debian:${A}\nargs: {A: 15, B: '1', C: true, D: , E: {default: 3.10, description: text}, F: {}}",
		"all commented out":  "base: debian\nargs:\nsetup:\n  scripts:\nimage:\ntests:",
		"aliases":            "base: debian\nx-p: &p [curl]\nsetup: {dependencies: {build: *p, runtime: *p}}",
		"scripts":            "base: debian\nsetup: {scripts: [a.sh, 'b/*.sh', {path: c.sh, caches: none}, {path: d.sh, caches: [apt, /c], outputs: [/o], packages: [p=1.*]}]}",
		"secrets":            "base: debian\nsetup: {scripts: [{path: a.sh, secrets: [a, {id: b, env: B}, {id: c, target: /root/.netrc, mode: 0600, required: false}]}]}",
		"no packages":        "base: debian\nsetup: {scripts: [{path: a.sh, packages: []}]}",
		"cleanup":            "base: debian\nsetup: {final_cleanup: [a.sh, {path: b.sh, inputs: [c]}]}",
		"modes":              "base: debian\nentrypoint: {configuration_files: [{source: a, target: /a, mode: 0640}, {source: a, target: /b, mode: '0o640', owner: 0}]}",
		"ports":              "base: debian\nimage: {expose: [5432, '5432', 53/udp]}",
		"durations":          "base: debian\nimage: {healthcheck: {command: [x], interval: 1h30m, timeout: 1.5s, start_period: 0}}",
		"substitution":       "base: debian\nargs: {A: x, P: 80}\nsetup: {build_artifacts: ['${A}'], dependencies: {runtime: ['${A}']}}\nimage: {expose: ['${P}']}",
		"numbers as text":    "base: debian\nuser: {name: a, uid: '999'}\nimage: {labels: {a: 1}, env: {B: true}, cmd: [1]}",
		"signals":            "base: debian\nimage: {stop_signal: 15}",
		"rules":              "base: debian\nargs: {A: x}\ncache_boundary: {cache_invalidation_rules: [{layer: setup, max_age: 1h}, {layer: toolchain, when_changed: [base, 'arg:A', 'package:p', 'file:a/**']}]}",
	} {
		if name != "substitution" { // its paths and packages are not what they say
			_, err := spec.Load("Dockerfile", []byte(text), spec.Options{})
			assert.NoError(t, err, name)
		}
		assert.NoError(t, validate(text), name)
	}
}

// Mistakes that an editor underlines are mistakes.
func TestBadFilesAreInvalid(t *testing.T) {
	validate := validator(t)
	for name, text := range map[string]string{
		"no base":                "args: {}",
		"a list":                 "- base",
		"a string":               "FROM debian",
		"scratch":                "base: scratch",
		"bad reference":          "base: 'Debian:!'",
		"unknown key":            "bas: debian",
		"unknown key below":      "base: a\nsetup: {dependenceis: {}}",
		"unknown key of an arg":  "base: a\nargs: {A: {defaults: x}}",
		"unknown key of a path":  "base: a\nsetup: {scripts: [{path: x.sh, output: [/a]}]}",
		"arg name":               "base: a\nargs: {a-b: x}",
		"arg list":               "base: a\nargs: {A: [x]}",
		"no list":                "base: a\nsetup: {scripts: x.sh}",
		"script without path":    "base: a\nsetup: {scripts: [{args: []}]}",
		"absolute script":        "base: a\nsetup: {scripts: [/x.sh]}",
		"escaping script":        "base: a\nsetup: {scripts: [../x.sh]}",
		"relative output":        "base: a\nsetup: {scripts: [{path: x.sh, outputs: [usr]}]}",
		"root output":            "base: a\nsetup: {scripts: [{path: x.sh, outputs: [/]}]}",
		"no outputs":             "base: a\nsetup: {scripts: [{path: x.sh, outputs: []}]}",
		"network":                "base: a\nsetup: {scripts: [{path: x.sh, network: off}]}",
		"caches":                 "base: a\nsetup: {scripts: [{path: x.sh, caches: all}]}",
		"secret path":            "base: a\nsetup: {scripts: [{path: x.sh, secrets: [a/b]}]}",
		"secret without an id":   "base: a\nsetup: {scripts: [{path: x.sh, secrets: [{env: A}]}]}",
		"secret's variable":      "base: a\nsetup: {scripts: [{path: x.sh, secrets: [{id: a, env: 'A B'}]}]}",
		"secret's target":        "base: a\nsetup: {scripts: [{path: x.sh, secrets: [{id: a, target: x}]}]}",
		"ssh":                    "base: a\nsetup: {scripts: [{path: x.sh, ssh: agent}]}",
		"packages in the chain":  "base: a\nsetup: {scripts: [{path: x.sh, packages: [p]}]}",
		"option as package":      "base: a\nsetup: {dependencies: {runtime: [--force]}}",
		"two packages in one":    "base: a\nsetup: {dependencies: {runtime: ['a b']}}",
		"isolated cleanup":       "base: a\nsetup: {final_cleanup: [{path: x.sh, outputs: [/a]}]}",
		"cleanup that needs":     "base: a\nsetup: {final_cleanup: [{path: x.sh, needs: [y]}]}",
		"on missing library":     "base: a\nsetup: {on_missing_library: ignore}",
		"relative scratch":       "base: a\nsetup: {build_artifacts: [tmp]}",
		"user without name":      "base: a\nuser: {uid: 5}",
		"user of nothing":        "base: a\nuser:",
		"user name":              "base: a\nuser: {name: Postgres, uid: 5}",
		"user is root":           "base: a\nuser: {name: root, uid: 0}",
		"uid in words":           "base: a\nuser: {name: a, uid: nine}",
		"config sans target":     "base: a\nentrypoint: {configuration_files: [{source: x}]}",
		"owner":                  "base: a\nentrypoint: {configuration_files: [{source: x, target: /y, owner: 'a:b:c'}]}",
		"mode":                   "base: a\nentrypoint: {configuration_files: [{source: x, target: /y, mode: rw}]}",
		"mode of nines":          "base: a\nentrypoint: {configuration_files: [{source: x, target: /y, mode: '0999'}]}",
		"entrypoint elsewhere":   "base: a\nentrypoint: {entrypoint_script: /entrypoint.sh}",
		"rule without a layer":   "base: a\ncache_boundary: {cache_invalidation_rules: [{max_age: 1h}]}",
		"rule without a reason":  "base: a\ncache_boundary: {cache_invalidation_rules: [{layer: setup}]}",
		"rule of something else": "base: a\ncache_boundary: {cache_invalidation_rules: [{layer: setup, when_changed: [moon]}]}",
		"age":                    "base: a\ncache_boundary: {cache_invalidation_rules: [{layer: setup, max_age: 7d}]}",
		"variable name":          "base: a\nimage: {env: {'a b': c}}",
		"port":                   "base: a\nimage: {expose: [70000]}",
		"protocol":               "base: a\nimage: {expose: [80/http]}",
		"volume":                 "base: a\nimage: {volumes: [data]}",
		"healthcheck":            "base: a\nimage: {healthcheck: {}}",
		"healthcheck by shell":   "base: a\nimage: {healthcheck: {command: pg_isready}}",
		"duration":               "base: a\nimage: {healthcheck: {command: [x], interval: 30}}",
		"retries":                "base: a\nimage: {healthcheck: {command: [x], retries: many}}",
		"test":                   "base: a\ntests: [{name: x}]",
		"test without a name":    "base: a\ntests: [{name: , run: x.sh}]",
	} {
		_, err := spec.Load("Dockerfile", []byte(text), spec.Options{})
		assert.Error(t, err, name)
		assert.Error(t, validate(text), name)
	}
}
