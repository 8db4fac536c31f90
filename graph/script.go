package graph

import (
	"path"

	"github.com/pgstrata/pgstrata/spec"
)

// Script is one setup script: a vertex of its own.
type Script struct {
	// Name is the file's name without its ending, with its values, unique in the
	// graph.
	Name string `json:"name"`
	// Path is the script's path in the context.
	Path string `json:"path"`
	// Command runs the script where the context is mounted.
	Command []string `json:"command"`
	// Inputs are all context files and directories that it sees: itself first.
	Inputs []Input `json:"inputs"`
	// With are the values that it runs with where it is one of several that the
	// build file makes of one entry.
	With []Var `json:"with,omitempty"`
	// Sources are the names of those that it sees.
	Sources []string `json:"sources,omitempty"`
	// Env are the args in its environment, by name.
	Env []Var `json:"env,omitempty"`
	// Caches are its cache mounts, by target.
	Caches []Cache `json:"caches,omitempty"`
	// Withheld are those that it would have if it did not remove their
	// directories, or look into them.
	Withheld []Cache `json:"-"`
	// Installs says that it may use apt: it sees the lists of packages that steps
	// before it have fetched, which are in no layer.
	Installs bool `json:"installs,omitempty"`
	// After is the script of the chain whose state it runs on, "" for the
	// toolchain itself.
	After string `json:"after,omitempty"`
	// Needs are the isolated scripts whose outputs it sees, in graph order.
	Needs []string `json:"needs,omitempty"`
	// Outputs are the paths that survive of an isolated script.
	Outputs []Output `json:"outputs,omitempty"`
	// Packages are runtime packages of its own.
	Packages []Package `json:"packages,omitempty"`
	// Base is the image that an isolated script runs on as it is; its name is empty
	// for one that runs on the toolchain.
	Base Ref `json:"base"`
	// Build are build packages of an isolated script: the toolchain's, or its own.
	Build []Package `json:"build,omitempty"`
	// Secrets are the build secrets that it sees.
	Secrets []Secret `json:"secrets,omitempty"`
	// SSH tells that the client's agent is forwarded.
	SSH bool `json:"ssh,omitempty"`
	// Network is "", none or host.
	Network string `json:"network,omitempty"`
	// Refresh is what makes it run again although it has not changed.
	Refresh Refresh `json:"refresh"`
	// At is its place in the build file; zero for a discovered script.
	At spec.Range `json:"-"`
}

// Isolated tells whether the script contributes its outputs alone and runs
// beside its siblings.
func (s *Script) Isolated() bool { return len(s.Outputs) > 0 }

// Auto tells whether it contributes all that it leaves, without a list.
func (s *Script) Auto() bool { return len(s.Outputs) == 1 && s.Outputs[0].Auto }

// Node returns the script's name as a node of the graph.
func (s *Script) Node() string { return SetupState + "/" + s.Name }

// Title names the script's step. That it has no network though its sources are
// declared stands there, since a script that reaches for it fails with words that
// tell nobody why.
func (s *Script) Title() string {
	text := path.Base(s.Path)
	for _, v := range s.With {
		text += " " + v.Name + "=" + v.Value
	}
	text = s.Refresh.Describe(text)
	if s.Network == "none" {
		text += " (no network: setup.sources declares what it downloads)"
	}
	return text
}

// Input is a context file or directory that a script sees.
type Input struct {
	// Path is relative to the context's root.
	Path string `json:"path"`
	// Dir tells that it is a directory, with everything in it.
	Dir bool `json:"dir,omitempty"`
	// Why says what made it an input: "script", "sourced" (or run), "declared"
	// or "watched".
	Why string `json:"why"`
}

// Secret is a build secret, as a file, a variable, or both.
type Secret struct {
	// ID is what the client calls it.
	ID string `json:"id"`
	// Target is the file that holds it, "" for none; Mode are its permission
	// bits.
	Target string `json:"target,omitempty"`
	Mode   uint32 `json:"mode,omitempty"`
	// Env is the variable that holds it, "" for none.
	Env string `json:"env,omitempty"`
	// Optional tells that the script runs without it, too.
	Optional bool `json:"optional,omitempty"`
}

// Output is a path that an isolated script produces.
type Output struct {
	// Path is where it is in the image: a path or glob.
	Path string `json:"path"`
	// From is where the script makes it, and To where what is before the first name
	// with a glob sign goes; "" for an output that stays where it is.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Owner is `uid:gid`, and Mode octal bits; "" as the script made it.
	Owner string `json:"owner,omitempty"`
	Mode  string `json:"mode,omitempty"`
	// Auto tells that it stands for all that the script leaves, and has no path.
	Auto bool       `json:"auto,omitempty"`
	At   spec.Range `json:"-"`
}

// Placed tells whether it is not as and where the script made it.
func (o Output) Placed() bool { return o.From != "" }
