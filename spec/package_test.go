package spec

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func names(list []Package) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.Name.Value)
	}
	return out
}

func TestPackages(t *testing.T) {
	const text = `base: a
args: {PG: "15", EXTRA: ""}
setup:
  dependencies:
    image: [a, "${EXTRA}", "!c", {name: "jit-${PG}", when: ["${PG} >= 15"]}, {name: old, when: ["${PG} < 15"]}]
  build_artifacts: ["${EXTRA}", /tmp/x]
  scripts:
    - {path: "setup/*.sh", outputs: [/x, "${EXTRA}"], packages: [{name: old, when: ["${PG} < 15"]}, b], build: ["${EXTRA}"]}
    - {path: other.sh, outputs: [/y]}
`
	f := load(t, text, Options{})
	require.NoError(t, f.Discover(fstest.MapFS{"setup/1.sh": {}, "setup/2.sh": {}, "other.sh": {}}))
	assert.Equal(t, []string{"a", "!c", "jit-15"}, names(f.Setup.Dependencies.Image))
	assert.Equal(t, []string{"/tmp/x"}, texts(f.Setup.BuildArtifacts))
	assert.Len(t, f.Setup.Scripts, 3)
	for _, s := range f.Setup.Scripts[:2] { // one entry for both
		assert.Equal(t, []string{"b"}, names(s.Packages))
		assert.Len(t, s.Outputs, 1)
		assert.NotNil(t, s.Build, "it says that there are none")
		assert.Empty(t, s.Build)
	}
	assert.Nil(t, f.Setup.Scripts[2].Build)
}

func TestPackageMistakes(t *testing.T) {
	for list, want := range map[string]string{
		"[a b]":                  "a package is `name` or `name=version`",
		"[--force]":              "a package is `name` or `name=version`",
		"['']":                   "a package is `name` or `name=version`",
		"['!']":                  "keeps a package out",
		"['!a=1']":               "keeps a package out",
		"['!-a']":                "keeps a package out",
		"[{name: a, when: [b]}]": "is not a comparison",
		"[{name: a, if: b}]":     "unknown key",
		"[a=1, '!a']":            "package a is asked for, and kept out",
	} {
		f, err := Load("build.yaml", []byte("base: x\nsetup: {dependencies: {runtime: "+list+"}}\n"), Options{})
		if err == nil {
			err = f.Discover(fstest.MapFS{})
		}
		assert.ErrorContains(t, err, want, list)
	}
	for text, want := range map[string]string{
		"{path: a.sh, build: [gcc]}":    "build is for an isolated script",
		"{path: a.sh, packages: [gcc]}": "packages are those of an isolated script",
	} {
		_, err := Load("build.yaml", []byte("base: x\nsetup: {scripts: ["+text+"]}\n"), Options{})
		assert.ErrorContains(t, err, want, text)
	}
}
