package cache

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// ListsDir is where apt keeps the lists of packages that an archive has: no
// cache, but what the next install reads.
const ListsDir = "/var/lib/apt/lists"

// Use is a program that is going to run as root with caches.
type Use struct {
	Program *shell.Program
	// Vars are the variables that it starts with.
	Vars Vars
	// Proven leaves out each mount of which it is not proven that the program
	// does the same with it as without: a Dockerfile says nothing of caches.
	Proven bool
}

// Mount is a directory of a tool, at its place.
type Mount struct {
	Tool   Tool
	Dir    Dir
	Target string
}

// Mounts returns the mounts that the program makes use of, in the table's order.
// None is among them that it would trip over: whose directory it removes, or
// reads by itself, so that it would find what other builds have left.
func (u Use) Mounts() []Mount {
	if u.Proven && u.Unknown() != "" {
		return nil
	}
	var out []Mount
	for _, t := range u.tools() {
		out = append(out, u.Of(t)...)
	}
	return out
}

// Withheld returns the mounts that the program has no use of only because it
// trips over them.
func (u Use) Withheld() []Mount {
	var out []Mount
	for _, t := range u.tools() {
		for _, m := range u.places(t) {
			if !u.Admits(m.Target) {
				out = append(out, m)
			}
		}
	}
	return out
}

// Of returns the mounts of one tool, whether the program runs it or not.
func (u Use) Of(t Tool) []Mount {
	if u.Sets(t) {
		return nil
	}
	return slices.DeleteFunc(u.places(t), func(m Mount) bool { return !u.Admits(m.Target) })
}

// tools are those whose caches the program uses.
func (u Use) tools() []Tool {
	return slices.DeleteFunc(Tools(), func(t Tool) bool { return t.Asked || u.Proven && t.Built || !u.runs(t) })
}

// places are the directories of a tool, wherever the program's variables say.
func (u Use) places(t Tool) []Mount {
	var out []Mount
	for _, d := range t.Dirs {
		if target := d.At(u.vars); target != "" {
			out = append(out, Mount{t, d, target})
		}
	}
	return out
}

// Admits reports whether a directory may be a mount while the program runs: it
// neither removes it nor looks into it.
func (u Use) Admits(dir string) bool {
	how := u.meets(dir)
	return how < reads && (how != empties || !u.Proven)
}

// IsCache reports whether a directory is a tool's own, or one above it that holds
// nothing but caches: all in it may vanish between two steps.
func (u Use) IsCache(dir string) bool {
	for _, t := range Tools() {
		if t.Asked {
			continue
		}
		for _, d := range t.Dirs {
			if at := d.At(u.vars); at != "" && paths.Within(dir, at) {
				return true
			}
		}
	}
	home, _ := u.vars("HOME")
	switch dir {
	case "/var/cache/apt", "/var/cache/apk", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache/zypp",
		home + "/.cache/pip", home + "/.npm", home + "/.cargo/registry", home + "/.cargo/git", home + "/.cache/yarn":
		return true
	}
	return false
}

// Needs reports whether the program counts on what a cache holds: it looks into
// the directory, removes it, or tells a tool not to fetch anything.
func (u Use) Needs(dir string) bool {
	offline := func(c *shell.Call) bool {
		return c.HasArg("--offline", "--no-download", "--cacheonly", "--local", "--no-index", "--frozen", "--use-index-cache")
	}
	return u.meets(dir) >= reads || slices.ContainsFunc(u.Program.Calls(), offline)
}

// Clears reports whether the program does no more to a directory than to delete
// it, or what is in it.
func (u Use) Clears(dir string) bool {
	how := u.meets(dir)
	return how == empties || how == removes
}

// Sets reports whether the program changes the settings that decide what a tool
// leaves in its directories.
func (u Use) Sets(t Tool) bool {
	return t.IsSetting(func(file string) bool { return u.meets(file) >= changes || u.meets(file) == empties })
}

// Leaves reports whether the program puts into a tool's directories what is still
// there for the next program: a mount would hide it from the tool, which would not
// take it away.
func (u Use) Leaves(t Tool) bool {
	return t.leaves != nil && slices.ContainsFunc(u.Program.Calls(), func(c *shell.Call) bool { return slices.Contains(t.Commands, c.Name) && t.leaves(c) }) ||
		slices.ContainsFunc(u.places(t), func(m Mount) bool { return u.meets(m.Target) == changes })
}

// IsSetting reports whether a test holds for one of the files that decide what
// the tool leaves in its directories.
func (t Tool) IsSetting(is func(file string) bool) bool { return slices.ContainsFunc(t.settings, is) }

// Reaches reports whether a path is a directory, lies in it, or holds it.
func Reaches(ref *shell.PathRef, dir string) bool { return compare(ref, dir) != apart }

// runs reports whether the program uses a tool's cache.
func (u Use) runs(t Tool) bool {
	uses := false
	for _, name := range t.offVars {
		if v, known := u.vars(name); !known || isOn(v) {
			return false
		}
	}
	for _, c := range u.Program.Calls() {
		if c = throughPython(c); !slices.Contains(t.Commands, c.Name) || c.User != "" && c.User != "root" {
			continue
		}
		if u.Proven && (t.wipes != nil && t.wipes(c) || t.leaves != nil && t.leaves(c) || c.HasArg(t.off...)) {
			return false
		}
		uses = uses || (t.fills == nil || t.fills(c)) && !c.HasArg(t.off...)
	}
	return uses
}

// isOn reports whether a switch is set.
func isOn(value string) bool {
	return value != "" && value != "0" && !strings.EqualFold(value, "false") && !strings.EqualFold(value, "no") && !strings.EqualFold(value, "off")
}

// throughPython returns the call of the module for `python -m pip`.
func throughPython(c *shell.Call) *shell.Call {
	if !strings.HasPrefix(c.Name, "python") || c.Arg(0) != "-m" || len(c.Args) < 2 {
		return c
	}
	module := *c
	module.Name, module.Args = c.Arg(1), c.Args[2:]
	return &module
}

// Installs reports whether the program may use apt, so that it has to find the
// lists that were fetched before it: it calls apt, a language that runs a file, or
// something of which nobody knows what it does.
func (u Use) Installs() bool {
	if u.meets(ListsDir) == removes {
		return false // it could not remove a mount; what it fetches itself is its own
	}
	return u.Unknown() != "" || slices.ContainsFunc(u.Program.Calls(), func(c *shell.Call) bool { return c.Is(programs.UsesApt | programs.RunsFiles) })
}

// CallsApt reports whether a program calls apt, or what builds on it.
func CallsApt(p *shell.Program) bool {
	return p != nil && slices.ContainsFunc(p.Calls(), func(c *shell.Call) bool { return c.Is(programs.UsesApt) })
}

// vars looks a variable up: what the program itself sets counts, where it is the
// same everywhere.
func (u Use) vars(name string) (string, bool) {
	value, known, set := "", true, false
	add := func(assigns []shell.Assign) {
		for _, a := range assigns {
			if a.Name != name || a.Naked {
				continue
			}
			v, ok := a.Value.Literal()
			if a.Array || a.Append || !ok || len(a.Guards) > 0 || set && v != value {
				known = false
			}
			value, set = v, true
		}
	}
	for _, s := range u.Program.Closure() {
		add(s.Assigns)
		for _, c := range s.Calls {
			add(c.Assigns)
		}
	}
	if set || !known {
		return value, known
	}
	return u.Vars(name)
}

// meeting is what a program does to a directory that it names.
type meeting int

const (
	// none: it does not speak of it.
	none meeting = iota
	// empties: it deletes what is in it.
	empties
	// reads: it reads what is in it, or may.
	reads
	// changes: it writes to it.
	changes
	// removes: it removes the directory itself, or one above it.
	removes
)

// meets returns the most that the program does to a directory, by the paths
// that it names.
func (u Use) meets(dir string) meeting {
	most := none
	for _, s := range u.Program.Closure() {
		for i := range s.Paths {
			ref := &s.Paths[i]
			if at := compare(ref, dir); at != apart {
				most = max(most, meet(s, ref, at))
			}
		}
	}
	for _, c := range u.Program.Calls() { // the root is no path of a script's
		if recursive(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return slices.ContainsFunc(w.Choices(), isRoot) }) {
			most = max(most, met(c, above))
		}
	}
	return most
}

// place is where a path lies, seen from a directory.
type place int

const (
	apart place = iota
	above
	itself
	inside
)

// compare tells where a path lies, or one that a pattern may stand for.
func compare(ref *shell.PathRef, dir string) place {
	want, have := strings.Split(dir, "/")[1:], strings.Split(strings.Trim(ref.Path, "/"), "/")
	if have[0] == "" {
		have = nil
	}
	for i := range min(len(want), len(have)) {
		if ok := want[i] == have[i]; ok || !ref.Glob {
			if !ok {
				return apart
			}
			continue
		}
		if !glob.Path(have[i], want[i]) {
			return apart
		}
	}
	switch {
	case len(have) < len(want):
		return above
	case len(have) == len(want):
		return itself
	}
	return inside
}

// meet tells what one mention of a path means.
func meet(s *shell.Script, ref *shell.PathRef, at place) meeting {
	c := s.CallAt(ref.Pos)
	if c != nil && (c.Unreached || shell.Never(c.Guards)) {
		return none
	}
	if c == nil || c.Kind != shell.CallProgram {
		switch {
		case at == above:
			return none
		case ref.Access == shell.AccessWrite:
			return changes
		case at == itself && (ref.Access == shell.AccessDir || ref.Access == shell.AccessTest) && c != nil && c.Name != "cd" && c.Name != "pushd":
			return none
		}
		return reads
	}
	if ref.Bare {
		return none
	}
	return met(c, at)
}

// met tells what a program does to a path that it is given.
func met(c *shell.Call, at place) meeting {
	whole := recursive(c)
	switch c.Name {
	case "rm", "unlink", "shred", "rmdir":
		switch {
		case at == inside:
			return empties
		case at == above && !whole && c.Name != "rmdir":
			return none
		}
		return removes
	case "mv", "ln":
		return removes
	case "find":
		switch {
		case at == above || !c.HasArg("-delete", "-exec", "-execdir", "-ok"):
			return reads
		case at == inside || c.HasArg("-type", "-mindepth"):
			return empties
		}
		return removes
	case "mkdir", "test", "[", "dirname", "basename", "echo", "printf":
		return none
	case "chmod", "chown", "chgrp", "touch", "tee", "truncate", "sed", "install", "cp":
		if at != above || whole {
			return changes
		}
		return none
	case "tar", "rsync", "cpio", "unzip", "bsdtar", "7z":
		return changes // they may unpack there
	}
	if at == above && !whole {
		return none
	}
	return reads
}

func isRoot(name string) bool { return path.IsAbs(name) && path.Clean(name) == "/" }

// recursive reports whether a call goes down the directories that it is given.
func recursive(c *shell.Call) bool {
	return c.Is(programs.Recurses) || slices.ContainsFunc(c.Args, func(w shell.Word) bool {
		v := w.Value
		return v == "--recursive" || v == "--archive" || len(v) > 1 && v[0] == '-' && v[1] != '-' && strings.ContainsAny(v, "rRa")
	})
}
