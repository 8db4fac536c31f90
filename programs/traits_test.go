package programs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/programs"
)

// TestIs tells a trait of programs by their names, with versions and without.
func TestIs(t *testing.T) {
	for _, c := range []struct {
		name  string
		trait programs.Trait
		want  bool
	}{
		{"apt-get", programs.Apt, true},
		{"apt-cache", programs.Apt, false},
		{"apt-cache", programs.UsesApt, true},
		{"apt-get", programs.Fetcher | programs.Closed, true},
		{"gcc-12", programs.Compiler, true},
		{"gcc-ar", programs.Compiler, true},
		{"python3.11", programs.Pip, true},
		{"python3.11", programs.RunsFiles, true},
		{"python3.11", programs.Closed, false},
		{"cat2", programs.Closed, false},
		{"cat", programs.Closed, true},
		{"pg_basebackup", programs.PostgreSQL, true},
		{"mytool", ^programs.Trait(0), false},
		{"", ^programs.Trait(0), false},
	} {
		assert.Equal(t, c.want, programs.Is(c.name, c.trait), "%s %b", c.name, c.trait)
	}
}

// TestIsClosed tells calls of which all is known that they read.
func TestIsClosed(t *testing.T) {
	for _, c := range []struct {
		command string
		args    []string
		want    bool
	}{
		{"cat", []string{"x"}, true},
		{"/usr/bin/cat", []string{"x"}, true},
		{"/opt/x/cat", []string{"x"}, false},
		{"./cat", []string{"x"}, false},
		{"make", nil, false},
		{"awk", []string{"{print $1}"}, true},
		{"awk", []string{"BEGIN{for (v in ENVIRON) print v}"}, false},
		{"sed", []string{"s/a/b/", "x"}, true},
		{"sed", []string{"-f", "x"}, false},
		{"tar", []string{"-I", "zstd"}, false},
		{"sort", []string{"--compress-program=x"}, false},
		{"split", []string{"--filter=x"}, false},
	} {
		assert.Equal(t, c.want, programs.IsClosed(c.command, c.args), "%s %v", c.command, c.args)
	}
}

func TestTakesValue(t *testing.T) {
	assert.True(t, programs.TakesValue("apt-get", "-o"))
	assert.False(t, programs.TakesValue("apt-get", "-y"))
	assert.False(t, programs.TakesValue("apt-get", ""))
	assert.False(t, programs.TakesValue("mytool", "-o"))
}
