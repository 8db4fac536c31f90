package dockerfile

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// kind says what a program does with the files that it is given.
type kind int

const (
	// worksInDir is any program that is not known: it may write into its
	// working directory, and to what it is given.
	worksInDir kind = iota
	// reads is a program that only reads what it is given.
	reads
	// copies reads all but its last argument, which it writes.
	copies
	// changes changes what it is given, and nothing else.
	changes
	// elsewhere neither reads nor writes files below its working directory
	// unless they are given.
	elsewhere
)

// commandKind classifies a call of a program by what its manual says.
func commandKind(c *shell.Call) kind {
	if writesAsTold(c) {
		return changes
	}
	switch {
	case c.Name == "sed":
		if c.HasArg("-i", "--in-place") || hasShort(c, 'i') {
			return changes
		}
		return reads
	case c.Name == "find":
		if findActs(c) {
			return changes
		}
		return reads
	case c.Is(programs.CopiesFiles):
		if hardLinks(c) {
			return changes // a link to a file that is mounted cannot be made
		}
		if hasShort(c, 't') || c.Name == "install" && hasShort(c, 'd') {
			return changes
		}
		return copies
	case c.Is(programs.ReadsFiles):
		return reads
	case c.Is(programs.ChangesFiles):
		return changes
	case c.Is(programs.NoFiles):
		if c.Name == "curl" && (hasShort(c, 'O') || hasShort(c, 'J') || c.HasArg("--remote-name", "--remote-name-all")) {
			return worksInDir
		}
		return elsewhere
	}
	return worksInDir
}

// writesAsTold reports whether an option, or the program that it is given, makes
// a program write that otherwise reads.
func writesAsTold(c *shell.Call) bool {
	text := func(wanted string) bool {
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return strings.Contains(w.Value, wanted) })
	}
	switch c.Name {
	case "sort":
		return hasShort(c, 'o') || text("--output")
	case "awk", "gawk", "mawk":
		return text(">") || text("|") || text("system(") || hasShort(c, 'i') || text("--include")
	case "sed":
		return text("w ") || text("W ")
	case "uniq", "xxd", "mktemp": // their second operand, and what mktemp makes
		return true
	case "tee", "dd", "split", "csplit":
		return true
	}
	return false
}

// names reports whether a program only speaks of the paths that it is given.
func names(c *shell.Call) bool { return c.Is(programs.NamesPaths) }

// recursive reports whether a call goes down the directories that it is given.
func recursive(c *shell.Call) bool {
	return c.Is(programs.Recurses) ||
		c.Is(programs.RecursesIfTold) && (c.HasArg("--recursive", "--archive") || hasShort(c, 'r') || hasShort(c, 'R') || hasShort(c, 'a'))
}

// findActs reports whether find does more than print.
func findActs(c *shell.Call) bool {
	return c.Name == "find" && c.HasArg("-delete", "-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fls")
}

// hasShort reports whether one of the call's bundled options is the letter.
func hasShort(c *shell.Call, letter byte) bool {
	for _, w := range c.Args {
		if len(w.Value) > 1 && w.Value[0] == '-' && w.Value[1] != '-' && strings.IndexByte(w.Value, letter) > 0 {
			return true
		}
	}
	return false
}
