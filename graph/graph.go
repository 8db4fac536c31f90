// Package graph is what will be built: a build file and the scripts of its
// context, resolved into nodes (base, toolchain, each setup script, each
// class of entrypoint files, image) with all that each of them depends on.
//
// It is plain data, deterministic and serialisable, and there is no BuildKit
// in it: package compile compiles it, and everything that answers a question about
// a build reads it, so that no answer can differ from what is built.
package graph

import (
	"slices"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// The names of the five states that a graph is compiled into, which are also
// the prefixes of node names and, but for base and toolchain, targets.
const (
	BaseState       = "base"
	ToolchainState  = "toolchain"
	SetupState      = "setup"
	EntrypointState = "entrypoint"
	ImageState      = "image"
	TestState       = "test"
	SymbolsState    = "symbols"
)

// SourceState is what nodes belong to that are fetched for scripts. It is no state of
// the image.
const SourceState = "source"

// CachesTarget is a target that is no state of the image: what the cache mounts
// of its steps hold.
const CachesTarget = "caches"

// Graph is one image for one platform.
type Graph struct {
	// File is the build file's name.
	File string `json:"file"`
	// Platform is the target in OCI notation, such as linux/amd64.
	Platform string `json:"platform"`
	// Base is the base image's reference as the build file has it.
	Base Ref `json:"base"`
	// Args are all build arguments with their values, in declared order.
	Args []Var `json:"args,omitempty"`
	// Predefined are the arguments that BuildKit defines, by name: the image's
	// environment may use them as well.
	Predefined []Var `json:"-"`
	// User is created before everything else; nil for an image of root's.
	User *User `json:"user,omitempty"`
	// Accounts are created after it.
	Accounts []User `json:"accounts,omitempty"`
	// Toolchain is what the scripts run on.
	Toolchain Toolchain `json:"toolchain"`
	// Pins are the versions of packages that a lock file asks for, sorted: apt
	// installs these wherever a step asks it to, as dependencies too.
	Pins []Package `json:"pins,omitempty"`
	// BasePins are those on images that scripts have for a base of their own.
	BasePins map[string][]Package `json:"basePins,omitempty"`
	// Sources are what scripts compile or install from, in declared order.
	Sources []*Source `json:"sources,omitempty"`
	// Scripts are the setup scripts in their order.
	Scripts []*Script `json:"scripts,omitempty"`
	// Cleanup are the scripts that end the chain.
	Cleanup []*Script `json:"cleanup,omitempty"`
	// BuildArtifacts are scratch directories of every script.
	BuildArtifacts []string `json:"buildArtifacts,omitempty"`
	// Symbols tells that debug symbols are taken out of outputs.
	Symbols bool `json:"symbols,omitempty"`
	// Filesystem are directories, links and small files, by path.
	Filesystem []Entry `json:"filesystem,omitempty"`
	// Entrypoint are the classes of entrypoint files, stable to volatile.
	Entrypoint []Class `json:"entrypoint,omitempty"`
	// Image is the image's configuration.
	Image Image `json:"image"`
	// Tests run in the finished image.
	Tests []Test `json:"tests,omitempty"`
	// Programs are what the setup scripts do, by their paths. They are no part
	// of the serialized graph: whoever needs them has just resolved it.
	Programs map[string]*shell.Program `json:"-"`
}

// Ref is an image reference and its place in the build file.
type Ref struct {
	Name string     `json:"name"`
	At   spec.Range `json:"-"`
}

// Var is a name with a value.
type Var struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// User is an account of the image.
type User struct {
	Name string `json:"name"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	Home string `json:"home"`
	// Shell is "" for bash, or sh where there is none.
	Shell string `json:"shell,omitempty"`
	// Groups are further ones, each `name` or `name:gid`.
	Groups []string   `json:"groups,omitempty"`
	At     spec.Range `json:"-"`
}

// Users are all accounts, the container's first.
func (g *Graph) Users() []User {
	if g.User == nil {
		return g.Accounts
	}
	return append([]User{*g.User}, g.Accounts...)
}

// Toolchain is what is around the scripts.
type Toolchain struct {
	// Base is what isolated scripts run on; its name is empty where that is
	// the image's base.
	Base Ref `json:"base"`
	// Rebuild tells that a library missing on the image's base makes isolated
	// scripts run there, in place of failing.
	Rebuild bool `json:"rebuild,omitempty"`
	// Repositories are asked for packages besides the base's own.
	Repositories []Repository `json:"repositories,omitempty"`
	// Runtime packages are in the image.
	Runtime []Package `json:"runtime,omitempty"`
	// Build packages are there while scripts run.
	Build []Package `json:"build,omitempty"`
	// Image packages are in the image, and under no isolated script.
	Image []Package `json:"image,omitempty"`
	// Caches are the package manager's.
	Caches []Cache `json:"caches,omitempty"`
	// Refresh is what makes it run again although it has not changed.
	Refresh Refresh `json:"refresh"`
}

// Refresh is what cache invalidation rules add to a node's cache key.
type Refresh struct {
	// Period is the start of the current period of max_age, "" without one.
	Period string `json:"period,omitempty"`
	// Base tells that the base image's digest counts.
	Base bool `json:"base,omitempty"`
	// Packages are those whose newest version in the archive counts.
	Packages []string `json:"packages,omitempty"`
	// Day is the day on which the archive was asked.
	Day string `json:"day,omitempty"`
}

// String says what the rules do, "" when there are none.
func (r Refresh) String() string {
	var parts []string
	if r.Period != "" {
		parts = append(parts, "fresh since "+r.Period)
	}
	if r.Base {
		parts = append(parts, "follows the base image")
	}
	if len(r.Packages) > 0 {
		parts = append(parts, "follows "+strings.Join(r.Packages, ", ")+" in the archive")
	}
	return strings.Join(parts, "; ")
}

// Describe adds to a step's name what cache invalidation rules do to it.
func (r Refresh) Describe(what string) string {
	if rules := r.String(); rules != "" {
		return what + " (" + rules + ")"
	}
	return what
}

// Package is a distribution package, `name` or `name=version`; `!name` is one that
// is kept out.
type Package struct {
	Spec string     `json:"spec"`
	At   spec.Range `json:"-"`
}

// Class is a set of entrypoint files that change about equally often: one
// layer.
type Class struct {
	// Name is configuration, utilities, runtime or entrypoint.
	Name  string `json:"name"`
	Files []File `json:"files"`
}

// Node returns the class's name as a node of the graph.
func (c Class) Node() string { return EntrypointState + "/" + c.Name }

// File is one entrypoint file.
type File struct {
	Source string     `json:"source"`
	Target string     `json:"target"`
	Mode   uint32     `json:"mode"`
	UID    int        `json:"uid"`
	GID    int        `json:"gid"`
	At     spec.Range `json:"-"`
}

// Image is the image's configuration, but for what the base contributes.
type Image struct {
	// Env, Labels and User still hold references to the base's variables.
	Env         []EnvVar     `json:"env,omitempty"`
	Labels      []EnvVar     `json:"labels,omitempty"`
	Expose      []string     `json:"expose,omitempty"`
	Volumes     []string     `json:"volumes,omitempty"`
	StopSignal  string       `json:"stopSignal,omitempty"`
	Entrypoint  []string     `json:"entrypoint,omitempty"`
	Cmd         []string     `json:"cmd,omitempty"`
	WorkingDir  string       `json:"workingDir,omitempty"`
	User        string       `json:"user,omitempty"`
	UserAt      spec.Range   `json:"-"`
	Healthcheck *Healthcheck `json:"healthcheck,omitempty"`
}

// EnvVar is a variable of the image's environment, or a label, with its place.
type EnvVar struct {
	Var
	At spec.Range `json:"-"`
}

// Healthcheck is the container's health check; zero durations and retries are
// Docker's defaults.
type Healthcheck struct {
	Command     []string      `json:"command"`
	Interval    time.Duration `json:"interval,omitempty"`
	Timeout     time.Duration `json:"timeout,omitempty"`
	StartPeriod time.Duration `json:"startPeriod,omitempty"`
	Retries     int           `json:"retries,omitempty"`
}

// Test is a script that must succeed in the finished image.
type Test struct {
	Name    string        `json:"name"`
	Path    string        `json:"path"`
	Command []string      `json:"command"`
	Timeout time.Duration `json:"timeout"`
	At      spec.Range    `json:"-"`
}

// Script returns the setup script of that name, or nil.
func (g *Graph) Script(name string) *Script {
	for _, s := range g.Scripts {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// RuntimePackages are all packages of the image: the toolchain's, the image's own,
// and those of isolated scripts.
func (g *Graph) RuntimePackages() []Package {
	lists := [][]Package{g.Toolchain.Runtime, g.Toolchain.Image}
	for _, s := range g.Scripts {
		lists = append(lists, s.Packages)
	}
	return distinct(lists...)
}

// BuildPackages are all packages that are there while scripts run alone.
func (g *Graph) BuildPackages() []Package {
	lists := [][]Package{g.Toolchain.Build}
	for _, s := range g.Scripts {
		lists = append(lists, s.Build)
	}
	return distinct(lists...)
}

// distinct joins lists of packages, each package once.
func distinct(lists ...[]Package) []Package {
	var out []Package
	for _, p := range slices.Concat(lists...) {
		if !slices.ContainsFunc(out, func(o Package) bool { return o.Spec == p.Spec }) {
			out = append(out, p)
		}
	}
	return out
}

// Runs tells whether a step of setup runs a program. Without one the image's root
// is the base as it is, and need not have any.
func (g *Graph) Runs() bool {
	return len(g.Users())+len(g.Filesystem)+len(g.RuntimePackages())+len(g.Scripts)+len(g.Cleanup) > 0
}

// Caches are the cache mounts of all steps, each once, by their ids.
func (g *Graph) Caches() []Cache {
	var out []Cache
	if len(g.BuildPackages())+len(g.RuntimePackages()) > 0 {
		out = append(out, g.Toolchain.Caches...)
	}
	for _, s := range slices.Concat(g.Scripts, g.Cleanup) {
		out = append(out, s.Caches...)
	}
	slices.SortStableFunc(out, func(a, b Cache) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(out, func(a, b Cache) bool { return a.ID == b.ID })
}

// Targets returns what --target accepts, the default (image) last.
func (g *Graph) Targets() []string {
	out := []string{SetupState, EntrypointState}
	for _, s := range g.Scripts {
		if s.Isolated() {
			out = append(out, s.Node())
		}
	}
	if g.Symbols {
		out = append(out, SymbolsState)
	}
	if len(g.Tests) > 0 {
		out = append(out, TestState)
	}
	if len(g.Caches()) > 0 {
		out = append(out, CachesTarget)
	}
	return append(out, ImageState)
}

// ContextMount is where a script finds its inputs: at their paths in the
// context, below this directory.
const ContextMount = "/context"

// release returns what tells one distribution release's caches from
// another's: the code name in the base's tag where there is one, else the
// whole name. It asks the name and not the image, so that a warm build never
// has to pull its base.
func release(base string) string {
	name, _, _ := strings.Cut(base, "@")
	repo, tag := name, "latest"
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		repo, tag = name[:i], name[i+1:]
	}
	for _, part := range strings.FieldsFunc(tag, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		switch part {
		case "bullseye", "bookworm", "trixie", "forky", "sid", "focal", "jammy", "noble", "plucky", "questing", "resolute":
			return part
		}
	}
	return strings.NewReplacer("/", "-", ":", "-").Replace(repo[strings.LastIndex(repo, "/")+1:] + "-" + tag)
}
