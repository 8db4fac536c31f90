package commands

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// UsesDir reports whether a script may use the directory that it is started in.
func UsesDir(o *Op) bool {
	if o.Facts == nil || o.Facts.Program == nil || o.Facts.Opaque != "" {
		return true
	}
	for _, s := range o.Facts.Program.Closure() {
		if s == o.Facts.Program.Main {
			continue
		}
		if _, ok := s.Mentions("PWD"); ok {
			return true
		}
		for _, c := range s.Calls {
			if c.Dir != o.Dir || c.Unreached {
				continue
			}
			if callUsesDir(c) {
				return true
			}
		}
		for _, src := range s.Sources {
			if !path.IsAbs(src.Word.Value) && src.Word.Known {
				return true
			}
		}
	}
	return false
}

// OwnUsesDir is [UsesDir] for the command itself.
func OwnUsesDir(o *Op) bool {
	if o.Facts == nil || o.Facts.Program == nil || o.Facts.Opaque != "" {
		return true
	}
	main := o.Facts.Program.Main
	if _, ok := main.Mentions("PWD"); ok {
		return true
	}
	return slices.ContainsFunc(main.Calls, callUsesDir)
}

// CalledRelatively reports whether an op calls a script by a path that counts on
// the working directory.
func CalledRelatively(o *Op) bool {
	return !path.IsAbs(o.Call.Child.Word.Value) && !strings.Contains(o.Text, o.Call.Target)
}

// callUsesDir reports whether a call may read or write something of its working
// directory.
func callUsesDir(c *shell.Call) bool {
	if c.Kind == shell.CallDynamic || c.Name == "cd" && !path.IsAbs(c.Arg(0)) || !path.IsAbs(c.Command.Value) && strings.Contains(c.Command.Value, "/") || dockerfile.UsesDir(c) || slices.ContainsFunc(c.Redirects, relativeRedirect) {
		return true
	}
	if c.Kind != shell.CallProgram && c.Name != "test" && c.Name != "[" && c.Name != "[[" && c.Name != "." && c.Name != "source" {
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Glob && !path.IsAbs(w.Value) })
	}
	list := Operands(c)
	switch c.Name {
	case "ls", "find", "du", "tree", "rsync":
		return len(list) == 0 || slices.ContainsFunc(list, relative)
	case "chmod", "chown", "chgrp", "sed":
		list = list[min(1, len(list)):]
	case "test", "[", "[[":
		if !c.HasArg("-e", "-f", "-d", "-s", "-r", "-w", "-x", "-h", "-L") {
			return false
		}
	}
	if c.Is(programs.PlainWords) {
		return slices.ContainsFunc(list, func(w shell.Word) bool { return relative(w) && (w.Glob || strings.Contains(w.Value, "/")) })
	}
	return slices.ContainsFunc(list, relative)
}

// relative reports whether a word may name a file of the working directory.
func relative(w shell.Word) bool {
	if !w.Known {
		return !strings.HasPrefix(w.Text, "/") && !strings.HasPrefix(w.Text, `"/`)
	}
	return w.Value != "" && !path.IsAbs(w.Value) && !strings.HasPrefix(w.Value, "-") && !strings.Contains(w.Value, "://")
}

// relativeRedirect reports whether a redirection may be to a file of the working
// directory.
func relativeRedirect(r shell.Redirect) bool {
	return !strings.HasPrefix(r.Op, "<<") && !strings.HasSuffix(r.Op, "&") && !path.IsAbs(r.Target.Value) && !strings.HasPrefix(r.Target.Text, `"/`) && !strings.HasPrefix(r.Target.Text, "/")
}

// Operands are the arguments that are no options, nor values of install's.
func Operands(c *shell.Call) []shell.Word {
	if c.Name == "install" {
		return check.Operands(c, "-m", "-o", "-g")
	}
	return check.Operands(c)
}
