package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNewestTag(t *testing.T) {
	for _, c := range []struct {
		tag  string
		all  []string
		want string
	}{
		{"v1.9.0", []string{"v1.2.0", "v1.10.0", "v1.9.1", "v2.0.0-rc1", "1.11.0", "other-v3.0.0"}, "v1.10.0"},
		{"REL_17_2", []string{"REL_17_3", "REL_17_10", "REL_18_BETA1", "REL_16_9", "REL9_6_24", "REL_18.1"}, "REL_17_10"},
		{"release/2.55.0", []string{"release/2.56.0", "release/2.55.0"}, "release/2.56.0"},
		{"v4", []string{"v4.1", "v5"}, "v5"},
		{"v1.0", []string{"v1.0", "v1.0.0"}, "v1.0.0"},
		{"v2.0.0", []string{"v1.0.0"}, ""},
		{"main", []string{"v1.0.0"}, ""},
		{"v99999999999999999999", []string{"v1"}, ""},
	} {
		assert.Equal(t, c.want, newestTag(c.tag, c.all), c.tag)
	}
}
