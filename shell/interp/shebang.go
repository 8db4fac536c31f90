package interp

import (
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// readShebang takes the first line apart. A byte order mark has been replaced
// by three spaces by then.
func readShebang(src string, bom bool) shell.Shebang {
	at := 0
	if bom {
		at = 3
	}
	rest, ok := strings.CutPrefix(src[min(at, len(src)):], "#!")
	if !ok {
		return shell.Shebang{}
	}
	line, _, _ := strings.Cut(rest, "\n")
	line = strings.TrimRight(line, "\r")
	s := shell.Shebang{Line: "#!" + line, Pos: shell.Pos{Line: 1, Column: at + 1}}
	if words := strings.Fields(line); len(words) > 0 {
		s.Program, s.Args = words[0], words[1:]
	}
	return s
}

// interpreter is the base name of the program that reads the script: the one
// that env looks up, the applet of busybox.
func interpreter(s shell.Shebang) string {
	if s.Program == "" {
		return ""
	}
	name := path.Base(s.Program)
	args := s.Args
	for name == "env" || name == "busybox" {
		for len(args) > 0 && (strings.HasPrefix(args[0], "-") || strings.Contains(args[0], "=")) {
			args = args[1:]
		}
		if len(args) == 0 {
			return name
		}
		name, args = path.Base(args[0]), args[1:]
	}
	return name
}

// isShell reports whether the package reads scripts for that interpreter.
func isShell(interpreter string) bool {
	switch interpreter {
	case "bash", "rbash", "bats":
		return true
	}
	return isPlainShell(interpreter) || isKorn(interpreter)
}

func isPlainShell(interpreter string) bool {
	switch interpreter {
	case "sh", "dash", "ash", "posh", "yash":
		return true
	}
	return false
}

func isKorn(interpreter string) bool {
	switch interpreter {
	case "ksh", "mksh", "lksh", "pdksh", "oksh", "ksh93":
		return true
	}
	return false
}

// shellExtension reports whether a file without a shebang may be a shell
// script, going by its name.
func shellExtension(name string) bool {
	switch path.Ext(name) {
	case "", ".sh", ".bash", ".ksh", ".dash", ".ash", ".bats", ".inc", ".env", ".functions", ".lib":
		return true
	}
	return false
}
