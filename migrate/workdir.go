package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// usesDir reports whether a script may use the directory that it is started in.
func usesDir(o *op) bool {
	if o.facts == nil || o.facts.Program == nil || o.facts.Opaque != "" {
		return true
	}
	for _, s := range o.facts.Program.Closure() {
		if s == o.facts.Program.Main {
			continue
		}
		if _, ok := s.Mentions("PWD"); ok {
			return true
		}
		for _, c := range s.Calls {
			if c.Dir != o.dir || c.Unreached {
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

// usesDir reports whether one of the step's ops depends on the working directory.
func (g *generator) usesDir(step *dockerfile.Step) bool {
	return slices.ContainsFunc(g.ops, func(o *op) bool {
		if o.step != step || o.state && !strings.HasPrefix(o.text, "cd ") || o.made != "" {
			return false
		}
		return o.facts == nil || ownUsesDir(o) || usesDir(o)
	})
}

// ownUsesDir is usesDir for the command itself.
func ownUsesDir(o *op) bool {
	if o.facts == nil || o.facts.Program == nil || o.facts.Opaque != "" {
		return true
	}
	main := o.facts.Program.Main
	if _, ok := main.Mentions("PWD"); ok {
		return true
	}
	return slices.ContainsFunc(main.Calls, callUsesDir)
}

// calledRelatively reports whether an op calls a script by a path that counts on
// the working directory.
func calledRelatively(o *op) bool {
	return !path.IsAbs(o.call.child.Word.Value) && !strings.Contains(o.text, o.call.target)
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
	list := operands(c)
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
