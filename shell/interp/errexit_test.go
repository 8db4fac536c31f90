package interp

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrexit(t *testing.T) {
	for src, want := range map[string]bool{
		"x":                                        false,
		"set -e; x":                                true,
		"set -euo pipefail; x":                     true,
		"set -o errexit; x":                        true,
		"set -e; set +e; x":                        false,
		"set -eu; set +o errexit; x":               false,
		"set -e; set $options; x":                  false,
		"set -e; . \"$unknown\"; x":                false,
		"set -e; if x; then y; fi":                 false,
		"set -e; x || y":                           false,
		"set -e; y || x":                           true,
		"set -e; f() { x; }; f":                    true,
		"set -e; f() { x; }; if f; then y; fi":     false,
		"set -e; v=$(x)":                           false,
		"if y; then set -e; fi; x":                 false,
		"set -e; for i in 1 2; do set +e; done; x": false,
	} {
		program, err := NewLoader(func(string) ([]byte, error) { return []byte(src), nil }, nil).
			Load("script.sh", Options{Interpreter: "bash"})
		require.NoError(t, err, src)
		for _, c := range program.Main.Calls {
			if c.Name == "x" {
				assert.Equal(t, want, c.Errexit, src)
			}
		}
	}
}
