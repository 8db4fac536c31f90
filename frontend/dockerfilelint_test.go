package frontend

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
			findings, _, err := Offline{
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
	_, _, err := Offline{
		Name: "Dockerfile", Data: d.files["Dockerfile"].Data, Options: d.options,
		Context: func(_, _ []string) (fs.FS, error) { return d.files, nil },
	}.CheckDockerfile(t.Context())
	assert.ErrorContains(t, err, "failed to process")
}

// Whatever docker buildx build asks of a Dockerfile that BuildKit's parser
// refuses, it gets BuildKit's message and line.
func TestRefusedDockerfile(t *testing.T) {
	for text, want := range map[string]struct {
		message string
		line    int32
	}{
		"FROM busybox\nRUN echo hi\nENV PATH\n":             {"ENV must have two arguments", 3},
		"FROM busybox\n\nLABEL a\n":                         {"LABEL must have two arguments", 3},
		"FROM busybox\nRUN <<EOF\necho a\n":                 {"unterminated heredoc", 2},
		"FROM busybox\nCOPY <<EOF /x\nbase: debian\n":       {"unterminated heredoc", 2},
		"# syntax=x\n# escape=x\nFROM busybox\n":            {"invalid escape token", 0},
		"FROM busybox\nCMD [\"echo\", [\"nested json\"]]\n": {"arrays must be comprised of strings only", 2},
	} {
		for _, question := range []string{"", "frontend.lint", "frontend.outline", "frontend.targets", PlanRequest} {
			options := map[string]string{}
			if question != "" {
				options["requestid"] = question
			}
			res, err := Build(t.Context(), newDaemon(options, fstest.MapFS{"Dockerfile": {Data: []byte(text)}}))
			if question == "frontend.lint" {
				require.NoError(t, err)
				assert.Contains(t, string(res.Metadata["result.json"]), want.message)
				continue
			}
			if !assert.ErrorContains(t, err, want.message, "%s %s", question, text) || want.line == 0 || question != "" && question != PlanRequest {
				continue
			}
			assert.Equal(t, want.line, errdefs.Sources(err)[0].Ranges[0].Start.Line, text)
		}
	}
}

// A check whose findings are errors tells them, and says which rules they are
// of: for both kinds of files.
func TestCheckWithErrors(t *testing.T) {
	for text, want := range map[string]string{
		"# check=error=true\nFROM debian\nMAINTAINER me\n":    "lint violation found for rules: MaintainerDeprecated, UnpinnedBase",
		"# check=error=true;skip=UnpinnedBase\nFROM debian\n": "",
		"FROM debian\nMAINTAINER me\n":                        "",
		"# check=error=true\nbase: debian\n":                  "lint violation found for rules: UnpinnedBase",
	} {
		res, err := Build(t.Context(), newDaemon(map[string]string{"requestid": "frontend.lint"}, fstest.MapFS{"Dockerfile": {Data: []byte(text)}}))
		require.NoError(t, err)
		var got lint.LintResults
		require.NoError(t, json.Unmarshal(res.Metadata["result.json"], &got))
		message := ""
		if got.Error != nil {
			message = got.Error.Message
			assert.NotEmpty(t, got.Warnings)
		}
		assert.Equal(t, want, message, text)
	}
}

// Provenance names the language of what was built.
func TestLanguage(t *testing.T) {
	files := newDockerfileTree("FROM debian\nCOPY setup /setup\nRUN /setup/setup.sh\n").files
	def, err := Definition(t.Context(), newDaemon(nil, files))
	require.NoError(t, err)
	assert.Equal(t, "Dockerfile", def.Source.Infos[0].Language)
	files["Dockerfile"].Data = []byte("base: debian\n")
	def, err = Definition(t.Context(), newDaemon(nil, files))
	require.NoError(t, err)
	assert.Equal(t, "yaml", def.Source.Infos[0].Language)
}
