package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// What calls mean for the division of a chain: which take long, which belong
// together, and which take away.

// stays reports whether one of the programs is not known to have ended, with all
// that it has started, when its call has.
func stays(p *shell.Program, calls []*shell.Call) bool {
	followed := map[string]bool{}
	for _, sub := range p.Programs {
		followed[sub.Main.Path] = sub.Main.Broken == nil
	}
	read := map[string]bool{}
	for _, sub := range append([]*shell.Program{p}, p.Programs...) {
		for i := range sub.Children {
			c := &sub.Children[i]
			name := base(first(c.Absolute, c.Word.Value))
			read[name] = true
			if !shell.Never(c.Guards) && (c.Glob || !c.InContext || !followed[c.Path]) && !endsItself(name) {
				return true
			}
		}
	}
	return slices.ContainsFunc(calls, func(c *shell.Call) bool {
		return c.Kind == shell.CallDynamic || c.Kind == shell.CallProgram && !read[c.Name] && !endsItself(c.Name)
	})
}

func endsItself(name string) bool { return programs.Ends(name) || cache.IsKnown(name) }

// takesLong reports whether a call installs, compiles, or runs what nobody knows.
func takesLong(c *shell.Call) bool {
	switch {
	case c.Kind == shell.CallDynamic:
		return true
	case c.Kind != shell.CallProgram || c.HasArg("--version", "-version", "-V", "--help") || c.Verb() == "version" || programs.Wraps(c.Name):
		return false // what it wraps is a call of its own
	case programs.Manager(c.Name) != "":
		return installs(c)
	}
	var args []string
	for _, w := range c.Args {
		args = append(args, w.Value)
	}
	return !programs.IsClosed(c.Command.Value, args) && !cleans(c)
}

func installs(c *shell.Call) bool { return programs.Installs(c.Name, c.Verb()) }

// cleans reports whether a call only takes away.
func cleans(c *shell.Call) bool {
	return programs.Removes(c.Name, c.Verb()) || c.Name == "find" && c.HasArg("-delete")
}

// indexed are the package managers that are asked for their index: what is
// installed by it has to be in the same step, or it is as old as that step.
func indexed(calls []*shell.Call) []string {
	var out []string
	for _, c := range calls {
		switch m := programs.Manager(c.Name); {
		case c.Name == "add-apt-repository" || c.Name == "apt-add-repository":
			out = append(out, "apt")
		case m == "":
		case programs.Refreshes(c.Name, c.Verb()), hidesVerb(c), m != "dnf" && (hasShort(c, 'U') || c.HasArg("--update", "--update-cache")):
			out = append(out, m)
		}
	}
	return out
}

// installsBy reports whether a call may install by the index of a package manager.
func installsBy(manager string, c *shell.Call) bool {
	switch {
	case c.Kind == shell.CallDynamic:
		return true
	case c.Kind != shell.CallProgram:
		return false
	case programs.Manager(c.Name) != "":
		return programs.Manager(c.Name) == manager && (installs(c) || hidesVerb(c))
	}
	return manager == "apt" && c.Is(programs.UsesApt) || !endsItself(c.Name) && (strings.Contains(c.Name, "install") || strings.Contains(c.Name, "apt"))
}

// hidesVerb reports whether a word that is not known may be what a call asks for.
func hidesVerb(c *shell.Call) bool {
	return c.Verb() == "" && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return !w.Known })
}

// mayRemove reports whether a call may remove a directory, or put another one in its
// place.
func mayRemove(c *shell.Call, dir string) bool {
	switch c.Name {
	case "rm", "mv", "rmdir", "rename", "unlink", "ln":
	case "find", "xargs", "eval", "rsync":
		return true
	default:
		return c.Kind == shell.CallDynamic
	}
	for _, w := range c.Args {
		name := w.Value
		if !w.Known || strings.Contains(name, "..") || !path.IsAbs(name) && c.Dir == "" {
			return true
		}
		if !path.IsAbs(name) {
			name = path.Join(c.Dir, name)
		}
		if at := strings.IndexAny(name, "*?["); at >= 0 && paths.Within(dir, path.Dir(name[:at]+"x")) && path.Dir(name[:at]+"x") != dir || paths.Within(dir, path.Clean(name)) {
			return true
		}
	}
	return false
}

// takesAway reports whether a call removes what other commands than those before it
// have made, or writes it anew.
func takesAway(c *shell.Call, before string) bool {
	switch c.Name {
	case "rmdir", "unlink", "strip", "shred", "truncate", "rename", "rsync":
		return true
	case "find":
		return findActs(c)
	case "make", "ninja", "git", "cmake":
		return c.HasArg("clean", "distclean", "mostlyclean", "gc", "uninstall")
	case "chmod", "chown", "chgrp", "setfacl":
		return recursive(c)
	case "rm", "mv":
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
			name := strings.TrimRight(w.Value, "/")
			if strings.HasPrefix(name, "-") {
				return false
			}
			known, _, _ := strings.Cut(base(name), "*")
			if scratch(name) && before != "" {
				return false
			}
			return !w.Known || len(known) < 3 || !strings.Contains(before, known)
		})
	}
	return cleans(c) && c.HasArg("uninstall", "autoremove", "purge", "remove", "del", "erase", "rm", "--purge")
}

// scratch reports whether a path is where programs leave what nobody needs: what is
// there before a step is little.
func scratch(name string) bool {
	for _, dir := range []string{"/var/lib/apt", "/var/cache", "/var/log", "/root/.cache", "/tmp", "/var/tmp"} {
		if paths.Within(name, dir) {
			return true
		}
	}
	return false
}
