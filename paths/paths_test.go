package paths_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/paths"
)

func TestWithinAndBelow(t *testing.T) {
	for _, c := range []struct {
		name, dir     string
		within, below bool
	}{
		{"/a", "/a", true, false},
		{"/a/b", "/a", true, true},
		{"/ab", "/a", false, false},
		{"/a", "/a/b", false, false},
		{"/a", "/", true, true},
		{"/", "/", true, false},
		{"a/b", "a", true, true},
		{"", "a", false, false},
	} {
		assert.Equal(t, c.within, paths.Within(c.name, c.dir), "%s in %s", c.name, c.dir)
		assert.Equal(t, c.below, paths.Below(c.name, c.dir), "%s below %s", c.name, c.dir)
	}
}

func TestInside(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "/": "", ".": "", "a": "a", "/a/b/": "a/b", "./a": "a", "a/../b": "b", "../../a": "a", "a//b": "a/b",
	} {
		assert.Equal(t, want, paths.Inside(name), name)
	}
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		name                                   string
		everywhere, shared, implicit, programs bool
	}{
		{"/", true, true, false, false},
		{"/opt", true, true, false, false},
		{"/opt/x", false, false, false, false},
		{"/usr/bin", true, true, true, true},
		{"/usr/local/bin", true, true, true, false},
		{"/usr/src", true, true, false, false},
		{"/usr/src/x", false, false, false, false},
		{"/etc/apt", true, true, true, false},
		{"/etc/patroni", false, true, true, false},
		{"/root", true, true, false, false},
		{"/root/.config", false, true, true, false},
		{"/root/x", false, false, false, false},
		{".", false, true, false, false},
	} {
		assert.Equal(t, c.everywhere, paths.Everywhere(c.name), "everywhere %s", c.name)
		assert.Equal(t, c.shared, paths.Shared(c.name), "shared %s", c.name)
		assert.Equal(t, c.implicit, paths.Implicit(c.name), "implicit %s", c.name)
		assert.Equal(t, c.programs, paths.Programs(c.name), "programs %s", c.name)
	}
}
