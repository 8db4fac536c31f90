package modes_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/modes"
)

func TestApply(t *testing.T) {
	for _, c := range []struct {
		old     fs.FileMode
		text    string
		want    string
		ok, run bool
	}{
		{0o644, "755", "0755", true, true},
		{0o644, "0640", "0640", true, false},
		{0o755, "4755", "4755", true, true},
		{0o755, "1777", "1777", true, true},
		{0o644, "+x", "0755", true, true},
		{0o644, "u+x", "0744", true, true},
		{0o755, "go-x", "0744", true, false},
		{0o644, "a=rx", "0555", true, true},
		{0o644, "go-w,u+x", "0744", true, true},
		{0o644, "8", "0644", false, false},
		{0o644, "", "0644", false, false},
		{0o644, "/etc/x", "0644", false, false},
		{0o644, "99999", "0644", false, false},
	} {
		got, ok := modes.Apply(c.old, c.text)
		assert.Equal(t, c.ok, ok, c.text)
		assert.Equal(t, c.want, modes.Octal(got), c.text)
		assert.Equal(t, c.run, modes.GivesExecution(c.text), c.text)
	}
}
