package check

import (
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// isPlainTool tells whether a command is one of the tools that every system has:
// it does what its arguments say with the files that they name, and reads no
// variable but those that its manual lists.
func isPlainTool(c *shell.Call) bool {
	switch c.Kind {
	case shell.CallBuiltin, shell.CallFunction: // of a function, its own commands tell
		return true
	case shell.CallDynamic:
		return false
	}
	if c.Is(programs.Packager | programs.UsesApt | programs.Debconf) {
		return false
	}
	var args []string
	for _, w := range c.Args {
		args = append(args, w.Value)
	}
	return programs.IsClosed(c.Name, args) && !c.HasArg("-exec", "-execdir") // what find runs is a command of its own
}

// makesNoFiles tells whether a command makes none of the files that its arguments
// name: it changes owners, modes, directories or accounts, or only speaks.
func makesNoFiles(c *shell.Call) bool { return c.Is(programs.MakesNoFile) }
