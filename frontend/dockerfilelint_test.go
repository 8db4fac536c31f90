package frontend_test

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
)

// BuildKit's checks and pgstrata's rules are told together, in the order of the
// lines, and skipped by the same directive.
func TestCheckDockerfile(t *testing.T) {
	for name, tc := range map[string]struct {
		text, skip string
		want       []string
	}{
		"both": {
			"FROM debian\nMAINTAINER me\nARG API_TOKEN\nCOPY setup /setup\nRUN /setup/setup.sh && make\nRUN echo $API_TOKEN\n", "",
			[]string{"1 UnpinnedBase", "2 MaintainerDeprecated", "3 SecretsUsedInArgOrEnv", "5 SerialMake"},
		},
		"errors are findings": {
			"# check=error=true\nFROM debian\nMAINTAINER me\n", "",
			[]string{"2 UnpinnedBase", "3 MaintainerDeprecated"},
		},
		"skipped": {
			"# check=skip=UnpinnedBase,MaintainerDeprecated\nFROM debian\nMAINTAINER me\n# check=skip=ArgUnused,SecretsUsedInArgOrEnv,SecretInArg\nARG API_TOKEN\n", "",
			nil,
		},
		"BuildKit's alone": {
			"# check=skip=SecretsUsedInArgOrEnv\nFROM scratch\nARG API_TOKEN\nLABEL token=$API_TOKEN\n", "",
			[]string{"3 SecretInArg"},
		},
		"by the client": {"FROM debian\nMAINTAINER me\n", "skip=all", nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDockerfileTree(tc.text)
			if tc.skip != "" {
				d.options["build-arg:BUILDKIT_DOCKERFILE_CHECK"] = tc.skip
			}
			findings, err := frontend.Offline{
				Name: "Dockerfile", Data: d.files["Dockerfile"].Data, Options: d.options, Now: time.Unix(0, 0),
				Context: func(_, _ []string) (fs.FS, error) { return d.files, nil },
			}.CheckDockerfile(t.Context())
			require.NoError(t, err)
			var got []string
			for _, f := range findings {
				got = append(got, fmt.Sprintf("%d %s", f.Range.Start.Line, f.Rule))
				assert.Contains(t, f.Page(), "://")
			}
			assert.Equal(t, tc.want, got)
		})
	}
}

// What BuildKit cannot compile is an error that points at the line.
func TestCheckBrokenDockerfile(t *testing.T) {
	d := newDockerfileTree("FROM debian:${X\n")
	_, err := frontend.Offline{
		Name: "Dockerfile", Data: d.files["Dockerfile"].Data, Options: d.options,
		Context: func(_, _ []string) (fs.FS, error) { return d.files, nil },
	}.CheckDockerfile(t.Context())
	assert.ErrorContains(t, err, "failed to process")
}
