package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// IsPlainTool tells whether a command is one of the tools that every system has:
// it does what its arguments say with the files that they name, and reads no
// variable but those that its manual lists.
func IsPlainTool(c *shell.Call) bool {
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

// MakesNoFiles tells whether a command makes none of the files that its arguments
// name: it changes owners, modes, directories or accounts, or only speaks.
func MakesNoFiles(c *shell.Call) bool { return c.Is(programs.MakesNoFile) }

// WellKnown tells whether a variable is set by shells, by BuildKit or by the
// base image.
func WellKnown(name string) bool {
	if strings.HasPrefix(name, "BASH") || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "BUILDKIT_") || strings.HasPrefix(name, "COMP_") {
		return true
	}
	switch name {
	case "HOME", "PATH", "PWD", "OLDPWD", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR", "HOSTNAME", "IFS", "PS1", "PS2", "PS4",
		"EUID", "UID", "GROUPS", "PPID", "RANDOM", "SRANDOM", "SECONDS", "LINENO", "OPTARG", "OPTIND", "REPLY", "FUNCNAME", "PIPESTATUS", "DIRSTACK",
		"HOSTTYPE", "MACHTYPE", "OSTYPE", "SHLVL", "SHELLOPTS", "COLUMNS", "LINES", "EPOCHSECONDS", "EPOCHREALTIME", "MAPFILE", "COPROC", "CDPATH", "MAIL",
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH", "SSH_AUTH_SOCK", "DEBIAN_FRONTEND", "_",
		"CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "MAKEFLAGS":
		return true
	}
	return false
}

// InstallsPackages tells whether a command changes the distribution's packages.
func InstallsPackages(c *shell.Call) bool {
	if c.Is(programs.Apt) {
		_, downloads := HasFlag(c, 'd', "oct", "--download-only", "--print-uris")
		_, simulates := HasFlag(c, 's', "oct", "--simulate", "--dry-run", "--just-print", "--no-act", "--recon")
		return programs.AptInstalls(c.Verb()) && !downloads && !simulates
	}
	switch c.Name {
	case "dpkg":
		_, ok := HasFlag(c, 'i', "", "--install", "--unpack")
		return ok
	case "gdebi":
		return true
	case "apk":
		return Subcommand(c) == "add"
	case "dnf", "microdnf", "yum", "zypper":
		return Subcommand(c) == "install"
	}
	return false
}

// ReadsAnything tells whether a command may read any variable: args are in the
// environment of a RUN's programs, and of the scripts that packages bring.
func ReadsAnything(c *shell.Call) bool { return !IsPlainTool(c) }

// HasFlag tells whether a command is given one of the options: long ones as
// they are, or with =value, and a letter among the letters of a short one.
// valued are the letters whose value may follow in the same word.
func HasFlag(c *shell.Call, letter byte, valued string, long ...string) (shell.Word, bool) {
	for _, w := range c.Args {
		v := w.Value
		if v == "--" {
			break
		}
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains(long, name) {
			return w, true
		}
		if letter == 0 || len(v) < 2 || v[0] != '-' || v[1] == '-' {
			continue
		}
		for i := 1; i < len(v); i++ {
			if v[i] == letter {
				return w, true
			}
			if strings.IndexByte(valued, v[i]) >= 0 {
				break
			}
		}
	}
	return shell.Word{}, false
}

// Operands are a command's words that are no options. valued are the options
// whose value is the next word.
func Operands(c *shell.Call, valued ...string) []shell.Word {
	var out []shell.Word
	for i := 0; i < len(c.Args); i++ {
		v := c.Args[i].Value
		switch {
		case v == "--":
			return append(out, c.Args[i+1:]...)
		case slices.Contains(valued, v):
			i++
		case len(v) > 1 && v[0] == '-':
		default:
			out = append(out, c.Args[i])
		}
	}
	return out
}

// Subcommand is a command's first operand, as in `git clone`.
func Subcommand(c *shell.Call, valued ...string) string {
	for _, w := range Operands(c, valued...) {
		return w.Value
	}
	return ""
}

// IsDownloader tells whether a command fetches what a URL names.
func IsDownloader(c *shell.Call) bool {
	return slices.Contains([]string{"curl", "wget", "aria2c", "axel"}, c.Name)
}
