package spec

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResolve(t *testing.T) {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(to)} }
	root := fstest.MapFS{
		"usr/bin/bash": {},
		"bin":          link("usr/bin"),
		"usr/bin/sh":   link("/bin/bash"),
		"up":           link("../../../usr/bin/sh"),
		"usr/self":     link("self"),
		"gone":         link("/nowhere"),
	}
	for name, want := range map[string]string{
		"/bin/sh": "usr/bin/bash", "up": "usr/bin/bash", "/": ".", "usr/bin/../bin/bash": "usr/bin/bash", "/bin": "usr/bin",
	} {
		got, err := Resolve(root, name)
		assert.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	for _, name := range []string{"gone", "usr/self", "/bin/zsh", "usr/bin/bash/x"} {
		_, err := Resolve(root, name)
		assert.Error(t, err, name)
	}
}

// Links that lead to each other, and to directories above, are no endless
// tree.
func TestLinksInACircle(t *testing.T) {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(to)} }
	context := fstest.MapFS{
		"a/b/x": {}, "c/y": {}, "root": link("."), "a/up": link(".."), "a/b/up": link("../../a"),
		"a/other": link("../c"), "c/other": link("../a"), "a/same": link("b"),
	}
	for pattern, want := range map[string][]string{
		"**":     {"a/b/x", "a/other/y", "a/same/x", "c/other/b/x", "c/other/same/x", "c/y"},
		"a/**":   {"a/b/x", "a/other/y", "a/same/x"},
		"c/**/x": {"c/other/b/x", "c/other/same/x"},
		"a/*/x":  {"a/b/x", "a/same/x"},
	} {
		got, err := Files(context, pattern)
		assert.NoError(t, err, pattern)
		assert.Equal(t, want, got, pattern)
	}
}

// A link that matches and leads to nothing is no file that nobody misses.
func TestLinksThatLeadToNothing(t *testing.T) {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(to)} }
	f := load(t, "base: debian:bookworm\n", Options{})
	err := f.Discover(fstest.MapFS{
		"entrypoint.d/entrypoint.sh":          {},
		"entrypoint.d/scripts/utils/lib.sh":   link("../../../lib/lib.sh"),
		"entrypoint.d/scripts/runtime/one.sh": link("one.sh"),
		"setup/other.sh":                      link("/nowhere"),
	})
	var problems Errors
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 2, "each once, and none that nothing matches: %v", problems)
	assert.ErrorContains(t, problems[0], "entrypoint.d/scripts/utils/lib.sh is a symbolic link to ../../../lib/lib.sh, which is not among what the build sends")
	assert.ErrorContains(t, problems[1], "entrypoint.d/scripts/runtime/one.sh is a symbolic link to one.sh")
}

// Links in no circle can still make more paths than anybody has time for.
func TestLinksThatMultiply(t *testing.T) {
	context := fstest.MapFS{}
	for i := range 40 {
		for _, name := range []string{"a", "b"} {
			context[fmt.Sprintf("%d/%s", i, name)] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: fmt.Appendf(nil, "../%d", i+1)}
		}
	}
	context["40/x"] = &fstest.MapFile{}
	_, err := Files(context, "0/**")
	assert.ErrorContains(t, err, "more than 200000 files are where 0/** looks for some")
}
