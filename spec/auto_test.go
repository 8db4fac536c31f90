package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The word auto stands for all outputs, and for none among others.
func TestOutputsAuto(t *testing.T) {
	load := func(outputs string) (*File, error) {
		return Load("build.yaml", []byte("base: debian:bookworm-slim\nsetup:\n  scripts:\n    - {path: a.sh, outputs: "+outputs+", packages: [x]}\n"), Options{})
	}
	f, err := load("auto")
	require.NoError(t, err)
	require.Len(t, f.Setup.Scripts[0].Outputs, 1)
	assert.True(t, f.Setup.Scripts[0].Outputs[0].Auto)
	for _, wrong := range []string{"[auto]", "all", "{from: auto}"} {
		_, err := load(wrong)
		assert.Error(t, err, wrong)
	}
}
