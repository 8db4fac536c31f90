package dockerfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
)

func TestBeside(t *testing.T) {
	for _, tc := range []struct {
		pattern    string
		allowed    []string
		names      []string
		wantBeside []string
	}{
		{"/s/*.sh", []string{"/s/a.sh"}, []string{"a.sh", "README", ".hidden.sh"}, nil},
		{"/s/*.sh", []string{"/s/a.sh"}, []string{"a.sh", "b.sh"}, []string{"/s/b.sh"}},
		{"/s/.*", nil, []string{"a", ".b"}, []string{"/s/.b"}},
		{"/s/[!a]*", nil, []string{"a1", "b1"}, []string{"/s/b1"}},
		{"/s/before.sh", nil, []string{"after.sh"}, nil},
		{"/s/before.sh", nil, []string{"before.sh"}, []string{"/s/before.sh"}},
		{"/s/[", nil, []string{"a", "["}, []string{"/s/["}}, // no class, so itself
	} {
		a := dockerfile.Alone{Pattern: tc.pattern, Names: tc.allowed}
		assert.Equal(t, tc.wantBeside, a.Beside(tc.names), tc.pattern)
	}
}

// What a driver runs may depend on what the image has beside the copied files:
// that is a question to who builds it.
func TestAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		driver string
		want   []dockerfile.Alone
		asks   string
	}{
		"loop": {
			`for f in /setup/s/*.sh; do sh "$f"; done`,
			[]dockerfile.Alone{{Pattern: "/setup/s/*.sh", Names: []string{"/setup/s/1.sh", "/setup/s/2.sh"}}},
			"run.sh:3",
		},
		"a file that was not copied": {
			"if [ -e /setup/s/0.sh ]; then sh /setup/s/0.sh; fi\nsh /setup/s/1.sh\nsh /setup/s/2.sh",
			[]dockerfile.Alone{{Pattern: "/setup/s/0.sh"}},
			"run.sh:3",
		},
		"a file that was":  {"if [ -e /setup/s/1.sh ]; then sh /setup/s/1.sh; fi\nsh /setup/s/2.sh", nil, "its line"},
		"files by name":    {"sh /setup/s/1.sh\nsh /setup/s/2.sh", nil, "its line"},
		"in what it loops": {`for d in /setup/*; do [ -d "$d" ] || continue; sh "$d/1.sh"; sh "$d/2.sh"; done`, []dockerfile.Alone{{Pattern: "/setup/*", Names: []string{"/setup/run.sh", "/setup/s"}}}, "run.sh:3"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "FROM debian\nCOPY setup /setup\nRUN /setup/run.sh\n"
			files := map[string]string{"setup/run.sh": "#!/bin/sh\nset -e\n" + tc.driver + "\n", "setup/s/1.sh": "#!/bin/sh\ntrue\n", "setup/s/2.sh": "#!/bin/sh\ntrue\n"}
			r := rewriteText(t, text, files, dockerfile.Options{})
			require.Len(t, r.Squashes, 1, "%v", r.Decisions)
			assert.Equal(t, tc.want, r.Squashes[0].Alone)
			assert.Equal(t, 3, r.Squashes[0].Line)

			r = rewriteText(t, text, files, dockerfile.Options{Whole: map[int]string{3: "/setup/s/0.sh"}})
			require.Len(t, r.Decisions, 1)
			assert.Contains(t, r.Decisions[0].Text, "kept whole: the image has /setup/s/0.sh beside the copied files, which "+tc.asks+" asks for; to split it, copy the scripts to ")
			assert.Empty(t, r.Squashes)

			r = rewriteText(t, text, files, dockerfile.Options{Unasked: true})
			if tc.want == nil {
				assert.Len(t, r.Squashes, 1)
			} else {
				assert.Empty(t, r.Squashes)
				assert.Contains(t, r.Decisions[0].Text, "kept whole: whether the image has "+tc.want[0].Pattern)
			}
		})
	}
}

// After a program of which is not known what it writes, what was copied before may
// be something else.
func TestDoubt(t *testing.T) {
	files := map[string]string{"setup/run.sh": "#!/bin/sh\nset -e\n/setup/1.sh\n/setup/2.sh\n", "setup/1.sh": "#!/bin/sh\ntrue\n", "setup/2.sh": "#!/bin/sh\necho $VERSION\n"}
	for text, want := range map[string]string{
		"FROM debian\nCOPY setup /setup\nRUN frobnicate\nRUN /setup/run.sh\n":             "kept whole: frobnicate in Dockerfile:3, which runs before it, may change /setup/1.sh; to split it, copy the scripts after that `RUN`",
		"FROM debian\nRUN frobnicate\nCOPY setup /setup\nRUN /setup/run.sh\n":             "run.sh split into 2 steps",
		"FROM debian\nCOPY setup /setup\nRUN apt-get update\nRUN /setup/run.sh\n":         "run.sh split into 2 steps",
		"FROM debian\nCOPY setup /setup\nRUN frobnicate\nCOPY setup /s\nRUN /s/run.sh \n": "kept whole: frobnicate in Dockerfile:3, which runs before it, may change /setup/1.sh; to split it, copy the scripts after that `RUN`",
	} {
		r := rewriteText(t, text, files, dockerfile.Options{})
		assert.Equal(t, want, r.Decisions[len(r.Decisions)-1].Text, text)
	}
}
