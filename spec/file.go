// Package spec is what the user wrote: the build file's types, loaded with
// their places in the text, and completed with what the conventional tree
// (setup/, entrypoint.d/, config/) holds.
//
// Nothing in it knows how an image is built; package graph reads a [File] and
// decides that.
package spec

import "time"

// File is one build file. Every field but Base has a default; lists that are
// nil (absent from the text, not merely empty) are filled by [File.Discover].
type File struct {
	// Name is the file's name as the user gave it, used in messages.
	Name string `yaml:"-"`
	// Base is the image that everything is built on, such as
	// debian:bookworm-slim.
	Base Text `yaml:"base"`
	// Args are the build arguments in the order of the text. A build argument
	// given on the command line replaces the default.
	Args []Arg `yaml:"args"`
	// User is created, with fixed numeric ids, before anything else runs, and
	// is the user that the image's process runs as.
	User *User `yaml:"user"`
	// Setup is what the image installs: slow, and changed rarely.
	Setup Setup `yaml:"setup"`
	// Entrypoint is what the container runs: changed many times a day.
	Entrypoint Entrypoint `yaml:"entrypoint"`
	// CacheBoundary tells which files are stable (setup) and which are
	// volatile (entrypoint).
	CacheBoundary CacheBoundary `yaml:"cache_boundary"`
	// Image is the image's configuration.
	Image Image `yaml:"image"`
	// Tests run in a container of the finished image, in target test.
	Tests []Test `yaml:"tests"`
}

// Arg is one build argument.
type Arg struct {
	// Name is the argument's name, an identifier.
	Name Text
	// Value is the default, or what the command line gave instead.
	Value Text
	// Description is shown by --call=outline.
	Description string
	// Set tells that the value came from the command line.
	Set bool
}

// User is the account that the container's process runs as.
type User struct {
	// Name is the login name; the group has the same one.
	Name Text `yaml:"name,literal"`
	// UID is the numeric user id; GID that of the group.
	UID int `yaml:"uid"`
	GID int `yaml:"gid"`
	// Home is the home directory, created with the account.
	Home Text `yaml:"home"`
	// At is the place of the whole mapping.
	At Range `yaml:"-"`
}

// Setup is the slow part of an image.
type Setup struct {
	// Base is the image that isolated scripts run on, where it is not to be
	// the image's own base: pinned by a digest, it keeps a security update of
	// the base from compiling anything.
	Base Text `yaml:"base"`
	// OnMissingLibrary says what happens when an output of an isolated script
	// lacks a shared library in the finished root: fail (the default), or
	// rebuild, which runs the isolated scripts on the image's own base.
	OnMissingLibrary Text `yaml:"on_missing_library,literal"`
	// Dependencies are distribution packages.
	Dependencies Dependencies `yaml:"dependencies"`
	// Scripts run in this order, but for isolated ones, which run beside
	// each other. Default: setup/scripts/NN-*.sh but for cleanup scripts.
	Scripts []Script `yaml:"scripts"`
	// CachePrefix goes in front of the ids of all cache mounts, for builders
	// that allow certain ids only.
	CachePrefix Text `yaml:"cache_prefix"`
	// BuildArtifacts are scratch directories: there while scripts run, shared
	// by none of them, never in a layer.
	BuildArtifacts []Text `yaml:"build_artifacts"`
	// FinalCleanup scripts run last; what they delete really leaves the image.
	// Default: setup/scripts/NN-*cleanup*.sh.
	FinalCleanup []Script `yaml:"final_cleanup"`
}

// Dependencies are distribution packages, each `name` or `name=version`.
type Dependencies struct {
	// Build packages are there while scripts run and never in the image.
	Build []Text `yaml:"build"`
	// Runtime packages are in the image, and there while scripts run.
	Runtime []Text `yaml:"runtime"`
}

// Script is one setup script: a path, or a mapping with a path.
type Script struct {
	// Path is the script's path in the context, or a glob (sorted by name).
	Path Text `yaml:"path"`
	// Outputs make the script isolated: it runs beside its siblings, and only
	// these absolute paths (globs allowed) of what it wrote survive.
	Outputs []Text `yaml:"outputs"`
	// Args are the names of the build arguments in the script's environment.
	// Default (nil): those that the script's text mentions.
	Args []Text `yaml:"args,literal"`
	// Needs names the scripts whose results this one sees. Default (nil): for
	// a script without outputs, those without outputs before it; for an
	// isolated one, none.
	Needs []Text `yaml:"needs,literal"`
	// Caches are cache mounts beyond those inferred from what the script runs:
	// a known name (apt, ccache, pip, …) or an absolute path. The single word
	// none refuses all of them.
	Caches *Caches `yaml:"caches"`
	// Inputs are other context files (or directories, or globs) that it reads.
	Inputs []Text `yaml:"inputs"`
	// Packages are runtime packages of an isolated script's own: there while it
	// runs, and in the image.
	Packages []Text `yaml:"packages"`
	// Secrets are ids of build secrets, mounted at /run/secrets/<id>.
	Secrets []Text `yaml:"secrets,literal"`
	// SSH is true when the script may use the client's ssh agent.
	SSH bool `yaml:"ssh"`
	// Network is default, none or host.
	Network Text `yaml:"network,literal"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

// Caches lists extra cache mounts, or refuses all.
type Caches struct {
	// None refuses every cache mount, inferred ones too.
	None bool
	// Extra are names or absolute paths.
	Extra []Text
}

// Entrypoint is the part of an image that changes many times a day. It is
// file operations alone; nothing in it is executed during a build.
type Entrypoint struct {
	// Script becomes /entrypoint.sh, the image's entry point. Default:
	// entrypoint.d/entrypoint.sh, or entrypoint.sh.
	Script *Text `yaml:"entrypoint_script"`
	// RuntimeScripts land at /opt/container/<path>. Default: everything else
	// in entrypoint.d/.
	RuntimeScripts []Text `yaml:"runtime_scripts"`
	// UtilityScripts land there too, in a layer of their own, since they
	// change less often. Default: entrypoint.d/scripts/utils/**.
	UtilityScripts []Text `yaml:"utility_scripts"`
	// ConfigurationFiles land at their targets. Default: config/** at
	// /opt/container/<path>.
	ConfigurationFiles []ConfigFile `yaml:"configuration_files"`
}

// ConfigFile is a file that is copied to a place of its own.
type ConfigFile struct {
	// Source is the path in the context.
	Source Text `yaml:"source"`
	// Target is the absolute path in the image.
	Target Text `yaml:"target"`
	// Mode is the permission bits in octal. Default 0644.
	Mode *Mode `yaml:"mode"`
	// Owner is `user[:group]`, numeric, or root or the build file's user by
	// name. Default root with the user's group.
	Owner Text `yaml:"owner"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

// Mode is permission bits, 0 to 07777.
type Mode struct {
	Bits uint32
	At   Range
}

// CacheBoundary separates setup from entrypoint by file: no setup script may
// read a volatile file, and no entrypoint file may be a stable one.
type CacheBoundary struct {
	// StableFiles are globs of setup files. Default: setup/**.
	StableFiles []Text `yaml:"stable_files"`
	// VolatileFiles are globs of entrypoint files. Default: entrypoint.d/**
	// and config/**.
	VolatileFiles []Text `yaml:"volatile_files"`
	// Rules say when something that is cached is built again all the same.
	Rules []Rule `yaml:"cache_invalidation_rules"`
}

// Rule makes a layer run again although nothing that it reads has changed.
type Rule struct {
	// Layer is setup, toolchain or setup/<script>.
	Layer Text `yaml:"layer,literal"`
	// MaxAge is how old the layer may become. Time is cut into periods of this
	// length, the same on every machine; the layer runs once in each.
	MaxAge Duration `yaml:"max_age"`
	// WhenChanged lists what else makes it run: base, arg:NAME, file:GLOB or
	// package:NAME (its newest version in the archive, asked once a day).
	WhenChanged []Text `yaml:"when_changed"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

// Image is the image's configuration, as `docker inspect` shows it.
type Image struct {
	// Env is added to the base's environment. Values see the args and the
	// base's own variables (`${PATH}`).
	Env []Pair `yaml:"env,late"`
	// Labels are added to the base's labels.
	Labels []Pair `yaml:"labels"`
	// Expose lists ports: `5432` or `5432/tcp`.
	Expose []Text `yaml:"expose"`
	// Volumes lists absolute paths.
	Volumes []Text `yaml:"volumes"`
	// StopSignal is a signal's name or number.
	StopSignal Text `yaml:"stop_signal"`
	// Cmd is the default arguments of the entry point.
	Cmd []Text `yaml:"cmd,literal"`
	// WorkingDir is an absolute path.
	WorkingDir Text `yaml:"working_dir"`
	// Healthcheck is the container's health check.
	Healthcheck *Healthcheck `yaml:"healthcheck"`
}

// Healthcheck is Docker's HEALTHCHECK.
type Healthcheck struct {
	// Command is the program and its arguments; no shell is involved.
	Command []Text `yaml:"command,literal"`
	// Interval, Timeout and StartPeriod are durations; Docker's defaults
	// apply where they are absent.
	Interval    Duration `yaml:"interval"`
	Timeout     Duration `yaml:"timeout"`
	StartPeriod Duration `yaml:"start_period"`
	// Retries is how many failures in a row make a container unhealthy.
	Retries int `yaml:"retries"`
	// At is the place of the whole mapping.
	At Range `yaml:"-"`
}

// Duration is a length of time in Go's notation, such as 30s or 168h.
type Duration struct {
	time.Duration
	At Range
}

// Test is a script that must succeed in a container of the finished image.
type Test struct {
	// Name says what is tested.
	Name Text `yaml:"name"`
	// Run is the script's path in the context.
	Run Text `yaml:"run"`
	// Timeout ends the script. Default one minute.
	Timeout Duration `yaml:"timeout"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

// Pair is one entry of a mapping whose keys are the user's own.
type Pair struct {
	Key   Text
	Value Text
}

// Text is a scalar with its place. Build arguments in it (`${NAME}`) have
// been replaced, but in fields that a container's shell reads.
type Text struct {
	Value string
	At    Range
}

// String returns the value.
func (t Text) String() string { return t.Value }

// Range is a part of the build file, from Start up to and including End.
// The zero Range is no place at all.
type Range struct {
	Start, End Position
}

// Position is a place in the build file; line and column count from 1, the
// column in characters.
type Position struct {
	Line, Column int
}
