package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A script with `for` is one for each combination, with its values in all that it says.
func TestFor(t *testing.T) {
	f, err := Load("build.yaml", []byte(`base: debian
args: {PG: "14", REV: "1"}
setup:
  scripts:
    - {path: pg.sh, for: {PG: [15, 17]}, outputs: ["/pg/${PG}"]}
    - path: ext.sh
      for: {PG: [15, 17], V: [0.7.4, "0.8"]}
      when: ["${PG} == 17 || ${V} < 0.8"]
      needs: ["pg-${PG}"]
      sources: ["ext-$V"]
      packages: ["x-${PG}", {name: y, when: ["${PG} > 15"]}]
      caches: ["/cache/${PG}"]
      outputs: [{from: "/out/${V}-${REV}", to: "/ext/${PG}"}]
  final_cleanup: [{path: clean.sh, for: {PG: [15]}}]
  sources: {ext-0.7.4: {url: "http://e.org/a", extract: true}, ext-0.8: {url: "http://e.org/b", extract: true}}
`), Options{BuildArgs: map[string]string{"PG": "13", "REV": "2"}})
	require.NoError(t, err)
	var names []string
	for _, s := range f.Setup.Scripts {
		names = append(names, s.Name())
	}
	assert.Equal(t, []string{"pg-15", "pg-17", "ext-15-0.7.4", "ext-15-0.8", "ext-17-0.7.4", "ext-17-0.8"}, names)
	assert.Equal(t, "clean-15", f.Setup.FinalCleanup[0].Name())
	s := f.Setup.Scripts[4]
	assert.Equal(t, "pg-17", s.Needs[0].Value)
	assert.Equal(t, "ext-0.7.4", s.Sources[0].Value)
	assert.Equal(t, "x-17", s.Packages[0].Name.Value)
	assert.Equal(t, "/cache/17", s.Caches.Extra[0].Value)
	assert.Equal(t, "/out/0.7.4-2", s.Outputs[0].From.Value)
	assert.Equal(t, "/ext/17", s.Outputs[0].To.Value)
	assert.Equal(t, []bool{true, false, true, true}, []bool{
		hold(f.Setup.Scripts[2].When), hold(f.Setup.Scripts[3].When), hold(f.Setup.Scripts[4].When), hold(f.Setup.Scripts[5].When),
	})
}

// What is wrong in `for` is told at its place.
func TestForMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`{PG: 15}`:                   "list",
		`{PG: []}`:                   "PG needs a list of values",
		`{1X: [a]}`:                  "cannot be an argument's name",
		`{PG: ["a b"]}`:              "part of the script's name",
		`{PG: [15, 15]}`:             "the value 15 twice",
		`{PG: [1], V: ["", 1]}`:      "part of the script's name",
		`[PG]`:                       "mapping",
		`{PG: [1]}, needs: ["$OLD"]`: "OLD",
	} {
		_, err := Load("build.yaml", []byte("base: debian\nargs: {OLD: x}\nsetup:\n  scripts:\n    - {path: a.sh, outputs: [/a], for: "+text+"}\n"), Options{})
		assert.ErrorContains(t, err, want, text)
	}
}
