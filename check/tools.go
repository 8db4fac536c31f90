package check

import "github.com/pgstrata/pgstrata/shell"

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
	switch c.Name {
	case "awk", "basename", "cat", "chgrp", "chmod", "chown", "cmp", "cp", "curl", "cut", "date", "diff", "dirname", "du", "echo", "egrep", "env", "expr", "false",
		"fgrep", "getent", "grep", "groupadd", "groupmod", "addgroup", "adduser", "gunzip", "gzip", "head", "id", "install", "ln", "ls", "md5sum", "mkdir", "mktemp",
		"mv", "nproc", "printf", "pwd", "readlink", "realpath", "rm", "rmdir", "sed", "seq", "sha1sum", "sha256sum", "sha512sum", "shred", "sleep", "sort", "stat",
		"sync", "tail", "tar", "tee", "test", "touch", "tr", "true", "uname", "uniq", "unlink", "unzip", "useradd", "usermod", "wc", "wget", "which", "xz", "[", "find":
		return !c.HasArg("-exec", "-execdir") // find: what it runs is a command of its own
	}
	return false
}

// makesNoFiles tells whether a command makes none of the files that its arguments
// name: it changes owners, modes, directories or accounts, or only speaks.
func makesNoFiles(c *shell.Call) bool {
	switch c.Name {
	case "chown", "chmod", "chgrp", "chcon", "setfacl", "mkdir", "rmdir", "rm", "ls", "test", "[", "cat", "stat", "find", "echo", "printf",
		"useradd", "adduser", "usermod", "groupadd", "addgroup":
		return true
	}
	return false
}
