package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/spec"
)

func TestReorder(t *testing.T) {
	for name, tc := range map[string]struct {
		text, want, order string
	}{
		"comments and mappings": {
			text: `base: a
setup:
  scripts:
    - 1.sh    # one
    # two is
    # isolated
    - path: 2.sh
      outputs: [/x]     # here

    # three
    - {path: 3.sh, args: [A]}
  build_artifacts: [/temp]
`,
			order: "3.sh 1.sh 2.sh",
			want: `base: a
setup:
  scripts:
    # three
    - {path: 3.sh, args: [A]}
    - 1.sh    # one

    # two is
    # isolated
    - path: 2.sh
      outputs: [/x]     # here
  build_artifacts: [/temp]
`,
		},
		"last line without an end": {
			text:  "base: a\nsetup:\n  scripts:\n  - 1.sh\n  - 2.sh",
			order: "2.sh 1.sh",
			want:  "base: a\nsetup:\n  scripts:\n  - 2.sh\n  - 1.sh\n",
		},
		"substitution is left alone": {
			text:  "base: a\nargs: {V: \"1\"}\nsetup:\n  scripts:\n    - ${V}.sh\n    - 2.sh\n",
			order: "2.sh ${V}.sh",
			want:  "base: a\nargs: {V: \"1\"}\nsetup:\n  scripts:\n    - 2.sh\n    - ${V}.sh\n",
		},
		"discovered": {
			text:  "base: a\n",
			order: "2.sh 1.sh",
			want:  "base: a\nsetup:\n  scripts:\n    - 2.sh\n    - 1.sh\n",
		},
		"discovered, beside other keys": {
			text:  "base: a\nsetup:   # slow\n    # scratch\n    build_artifacts: [/temp]\nimage: {}\n",
			order: "2.sh 1.sh",
			want:  "base: a\nsetup:   # slow\n    scripts:\n      - 2.sh\n      - 1.sh\n    # scratch\n    build_artifacts: [/temp]\nimage: {}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := spec.Reorder("Dockerfile", []byte(tc.text), strings.Fields(tc.order))
			require.NoError(t, err)
			assert.Equal(t, tc.want, string(out))
		})
	}
}

// What cannot be done by moving lines is said, not done wrong.
func TestReorderRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"base: a\nsetup: {scripts: [1.sh, 2.sh]}\n":                  "not a list of lines that begin with a dash",
		"base: a\nsetup:\n  scripts: [1.sh, 2.sh]\n":                 "not a list of lines that begin with a dash",
		"base: a\nsetup:\n  scripts:\n    - \"*.sh\"\n":              "lists patterns",
		"base: a\nsetup:\n  scripts:\n    - 1.sh\n    - \"2*.sh\"\n": "no entry that is just 2.sh",
		"base: a\nsetup: {build_artifacts: [/temp]}\n":               "setup is written in one line",
		"base: [\n": "is not closed",
	} {
		_, err := spec.Reorder("Dockerfile", []byte(text), []string{"2.sh", "1.sh"})
		assert.ErrorContains(t, err, want, "%s", text)
	}
}

func TestListed(t *testing.T) {
	scripts, err := spec.Listed("Dockerfile", []byte("base: a\nsetup:\n  scripts: [1.sh, {path: \"${X}.sh\", needs: [1]}]\n"))
	require.NoError(t, err)
	require.Len(t, scripts, 2)
	assert.Equal(t, "${X}.sh", scripts[1].Path.Value)
	assert.Equal(t, "1", scripts[1].Needs[0].Value)
	scripts, err = spec.Listed("Dockerfile", []byte("base: a\n"))
	require.NoError(t, err)
	assert.Nil(t, scripts)
}
