package programs

import (
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
)

// IsClosed reports whether all that a program reads and writes is known from its
// arguments, its working directory, fixed places of the system, and the
// variables that this package and package shell list for it. Any other may read
// every file and every variable. The command is as it is called: a program that
// is called by a path counts only where systems have their programs.
//
// A package manager counts as closed: what its packages' scripts read is the
// system's. Those that run code of the tree (make, pip, npm) do not.
func IsClosed(command string, args []string) bool {
	if strings.Contains(command, "/") && !paths.Programs(path.Dir(command)) {
		return false
	}
	name := path.Base(command)
	return traits(name)&Closed != 0 && !looksAtEnvironment(name, args)
}

// looksAtEnvironment reports whether the arguments make a program read, or run,
// what its name does not tell.
func looksAtEnvironment(name string, args []string) bool {
	switch name {
	case "awk", "gawk", "mawk":
		return has(args, func(a string) bool {
			return strings.Contains(a, "ENVIRON") || strings.Contains(a, "system(") || strings.Contains(a, "|") || strings.HasPrefix(a, "-f") || strings.HasPrefix(a, "--file")
		})
	case "sed": // the command e, and a program in a file
		return has(args, func(a string) bool {
			return strings.HasPrefix(a, "-f") || strings.HasPrefix(a, "--file") || a == "e" || strings.HasPrefix(a, "e ") || strings.HasSuffix(a, "/e") || strings.Contains(a, ";e ")
		})
	case "tar":
		return has(args, func(a string) bool {
			return a == "-I" || hasPrefix(a, "--to-command", "--use-compress", "--checkpoint-action", "--rmt", "--rsh", "--info-script", "--new-volume-script")
		})
	case "split":
		return has(args, func(a string) bool { return strings.HasPrefix(a, "--filter") })
	case "sort":
		return has(args, func(a string) bool { return strings.HasPrefix(a, "--compress-program") })
	}
	return false
}

func has(args []string, is func(string) bool) bool {
	for _, a := range args {
		if is(a) {
			return true
		}
	}
	return false
}
