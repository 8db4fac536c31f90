// Package cache knows what programs keep for the next time, and where: the
// archives of package managers, the downloads of languages' tools, the objects of
// compilers. One table serves the scripts of build files and the steps of
// Dockerfiles.
//
// A cache mount holds only what may vanish at any moment and changes nothing but
// time. So the table names the directory of the downloads alone where a tool
// keeps more beside them: apt's archives and not its lists, which are what a
// later install reads; pip's downloads and not the wheels that it has built;
// npm's content and not what npx has installed.
package cache

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Sharing is what happens when two steps want one cache mount, in BuildKit's
// words.
type Sharing string

// Sharing modes.
const (
	Shared  Sharing = "shared"
	Locked  Sharing = "locked"
	Private Sharing = "private"
)

// Tool is a program, or a family of them, that keeps a cache.
type Tool struct {
	// Name is what `caches:` calls it.
	Name string
	// Commands are the programs' names.
	Commands []string
	// Dirs are the directories that hold nothing but its cache.
	Dirs []Dir
	// Sharing is locked where two of it at a time would meet.
	Sharing Sharing
	// Built says that the cache holds what was compiled, found again by less
	// than all that it was made from. A build file's script has it, since a build
	// file asks for caches; a Dockerfile's step does not.
	Built bool
	// Asked says that a script has it only when `caches:` names it.
	Asked bool

	// fills reports whether a call uses the cache; nil for each call.
	fills func(c *shell.Call) bool
	// leaves reports whether a call leaves in its directory what a later one takes
	// away, as a download that is installed afterwards.
	leaves func(c *shell.Call) bool
	// wipes reports whether a call empties it.
	wipes func(c *shell.Call) bool
	// off are the options, variables the variables that turn it off or move it
	// in a way that is not followed.
	off, offVars []string
	// settings are the files that decide what the tool leaves in its
	// directories.
	settings []string
}

// Dir is a directory of a cache.
type Dir struct {
	// Name tells it from the tool's others in the mount's id; "" for the only
	// one.
	Name string
	// Places are where it may be, the first that applies. A place that begins
	// with a variable applies when that is set.
	Places []string
}

// Vars are the variables that a program sees: the value is "" for one that is
// not set, and known is false where nobody can tell.
type Vars func(name string) (value string, known bool)

// At returns where a directory is, "" where nobody can tell or where the place
// is not one for a mount.
func (d Dir) At(vars Vars) string {
	for _, place := range d.Places {
		name, rest := "", place
		if strings.HasPrefix(place, "$") {
			name, rest, _ = strings.Cut(place[1:], "/")
		}
		if name == "" {
			return path.Clean(place)
		}
		value, known := vars(name)
		if !known {
			return ""
		}
		if value == "" {
			continue
		}
		if dir := path.Join(value, rest); path.IsAbs(value) && strings.IndexFunc(dir, notPlain) < 0 && !isCommon(dir) {
			return dir
		}
		return ""
	}
	return ""
}

// notPlain reports whether a character needs care in a flag or an id.
func notPlain(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`,"'\$#=`, r)
}

// isCommon reports whether a directory holds more than a cache on any system: a
// variable that names it says nothing of what else is there.
func isCommon(dir string) bool {
	parent := path.Dir(dir)
	return paths.Everywhere(dir) || slices.Contains([]string{"/app", "/src", "/work", "/workspace"}, dir) || parent == "/usr" || parent == "/var" || parent == "/usr/local" || parent == "/home" ||
		strings.HasPrefix(dir, "/proc/") || strings.HasPrefix(dir, "/sys/") || strings.HasPrefix(dir, "/dev/") || strings.HasPrefix(dir, "/etc/")
}

// Find returns the tool of that name.
func Find(name string) (Tool, bool) {
	tools := Tools()
	i := slices.IndexFunc(tools, func(t Tool) bool { return t.Name == name })
	if i < 0 {
		return Tool{}, false
	}
	return tools[i], true
}

// Names returns the names of all tools, sorted.
func Names() []string {
	var names []string
	for _, t := range Tools() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// ID is the part of a mount's id that tells a directory of a tool.
func (t Tool) ID(d Dir) string {
	if d.Name == "" {
		return t.Name
	}
	return t.Name + "-" + d.Name
}

// ToolsOf returns the names of the tools that a program calls, sorted.
func ToolsOf(p *shell.Program) []string {
	var out []string
	calls := p.Calls()
	for _, t := range Tools() {
		if !t.Asked && slices.ContainsFunc(calls, func(c *shell.Call) bool { return slices.Contains(t.Commands, c.Name) }) {
			out = append(out, t.Name)
		}
	}
	slices.Sort(out)
	return out
}
