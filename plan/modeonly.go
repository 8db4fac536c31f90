package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// setsModes tells of a command that sets owners and modes of files, and does
// nothing else.
func setsModes(args []string) bool {
	if len(args) > 0 && modeProgram(path.Base(args[0])) {
		return true
	}
	if len(args) < 3 || !strings.HasPrefix(args[len(args)-2], "-") || !strings.HasSuffix(args[len(args)-2], "c") {
		return false
	}
	script, err := interp.Parse("", []byte(args[len(args)-1]))
	if err != nil {
		return false
	}
	sets := false
	for _, c := range script.Calls {
		sets = sets || modeProgram(c.Name)
		switch {
		case len(c.Redirects) > 0 || c.Kind == shell.CallFunction:
			return false
		case !modeProgram(c.Name) && !slices.Contains([]string{"set", "true", ":", "cd"}, c.Name):
			return false
		}
	}
	return sets
}

func modeProgram(name string) bool {
	return slices.Contains([]string{"chmod", "chown", "chgrp", "setfacl"}, name)
}
