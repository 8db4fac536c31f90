package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClassesMatchNoSlash(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"[!0]x", "/x", false},
		{"[!0][!0][x0]", "!/x", false},
		{"a[^b]c", "a/c", false},
		{"a[^b]c", "adc", true},
		{"a[^b]c", "abc", false},
		{"a[ -~]c", "a/c", false},
		{"a[ -~]c", "a.c", true},
		{"a[ -~]c", "a0c", true},
		{"a[/]c", "a/c", false},
		{"a[b/]c", "abc", true},
		{"a[!-x]c", "abc", true},
		{"a[!-x]c", "a-c", false},
		{"a[a-]c", "a-c", true},
		{`a[\]]c`, "a]c", true},
		{`a[!\]]c`, "a]c", false},
		{`\[!0]`, "[!0]", true},
		{"a/[0-9]*.sh", "a/01-x.sh", true},
		{"[ü-ÿ]", "ý", true},
	} {
		assert.Equal(t, tc.want, match(tc.pattern, tc.name), "%s %s", tc.pattern, tc.name)
	}
}
