// Package spec is what the user wrote: the build file's types, loaded with
// their places in the text, and completed with what the conventional tree
// (setup/, entrypoint.d/, config/) holds.
//
// Nothing in it knows how an image is built; package graph reads a [File] and
// decides that.
package spec

import "time"

// File is one build file. Lists that are nil (absent from the text, not merely
// empty) are filled by [File.Discover].
//
// The comments of fields here and below are the reference that users read, and
// their `is` tags say what a value looks like: packages below spec/schema make
// docs/build-file.md's tables and the JSON Schema of both. `Default: …` goes
// into a column of its own; a heading of that page in quotes becomes a link.
type File struct {
	// Name is the file's name as the user gave it, used in messages.
	Name string `yaml:"-"`
	// The format that the file is written in: `1`, the only one so far. Default:
	// `1`.
	Version Text `yaml:"version,literal" is:"format version"`
	// The image to build on. Not `scratch`: scripts need a shell.
	Base Text `yaml:"base" is:"image reference,required"`
	// Build arguments: `NAME: value`, or `NAME: {default: value, description:
	// text}`. `--build-arg` gives another value. See "Args".
	Args []Arg `yaml:"args"`
	// The account that the container's process runs as. Default: root.
	User *User `yaml:"user"`
	// Further accounts, with the keys of `user`.
	Accounts []User `yaml:"accounts" is:"account"`
	// What the image installs: slow, and changed rarely. See "setup". Default:
	// discovered.
	Setup Setup `yaml:"setup"`
	// What the container runs: changed many times a day. See "entrypoint".
	// Default: discovered.
	Entrypoint Entrypoint `yaml:"entrypoint"`
	// Which files are stable, which volatile. See "cache_boundary". Default:
	// see there.
	CacheBoundary CacheBoundary `yaml:"cache_boundary"`
	// The image's configuration. See "image". Default: the base's.
	Image Image `yaml:"image"`
	// What must succeed in the image. See "tests".
	Tests []Test `yaml:"tests" is:"test"`
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

// LongArg is the notation of an [Arg] that is a mapping.
type LongArg struct {
	// The value where `--build-arg` gives none. Default: empty.
	Default Text `yaml:"default" is:"text"`
	// Shown by `docker buildx build --call outline .`
	Description Text `yaml:"description,literal" is:"text"`
}

// Setup is the slow part of an image.
type Setup struct {
	// What isolated scripts run on. Pinned by a digest, it keeps a security
	// update of the base from compiling anything. See "A pinned base for
	// setup". Default: the image's base.
	Base Text `yaml:"base" is:"image reference"`
	// What happens when an output of an isolated script lacks a shared library
	// in the image: `fail`, or `rebuild`, which runs the isolated scripts on the
	// image's own base. Default: `fail`.
	OnMissingLibrary Text `yaml:"on_missing_library,literal" is:"fail|rebuild"`
	// Package repositories besides the base's own. See "repositories".
	Repositories []Repository `yaml:"repositories" is:"repository"`
	// What scripts compile or install from, by name. See "sources".
	Sources []Source `yaml:"sources"`
	// Distribution packages.
	Dependencies Dependencies `yaml:"dependencies"`
	// What installs the image, in this order but for isolated scripts, which run
	// beside each other. Default: discovered.
	Scripts []Script `yaml:"scripts" is:"script"`
	// The network of scripts that say nothing of it. Default: `default`, and `none`
	// for those with sources.
	Network Text `yaml:"network,literal" is:"default|none|host"`
	// Directories, links and small files. See "filesystem".
	Filesystem []Entry `yaml:"filesystem" is:"path"`
	// Goes in front of the id of each cache mount, for builders that allow
	// certain ids only. Default: empty.
	CachePrefix Text `yaml:"cache_prefix" is:"text"`
	// Where debug symbols of isolated scripts' outputs are: `kept` in them, or
	// `apart`, in an image of their own, the target `symbols`. Default: `kept`.
	DebugSymbols Text `yaml:"debug_symbols,literal" is:"kept|apart"`
	// Scratch directories: an empty one in memory for each script, in no layer.
	BuildArtifacts []Text `yaml:"build_artifacts" is:"image path"`
	// LeftOut are the scripts whose conditions do not hold, once the file was
	// discovered.
	LeftOut []Script `yaml:"-"`
	// Run last, after the chain. What they delete really leaves the image.
	// Default: discovered.
	FinalCleanup []Script `yaml:"final_cleanup" is:"script"`
}

// Dependencies are distribution packages.
type Dependencies struct {
	// There while scripts run, never in the image.
	Build []Package `yaml:"build" is:"package"`
	// There while scripts run, and in the image. PostgreSQL's packages make no
	// cluster while they are installed, and the private key of `ssl-cert` is not
	// left in the image.
	Runtime []Package `yaml:"runtime" is:"package"`
	// In the image and under the chain, but under no isolated script: a new one
	// compiles nothing.
	Image []Package `yaml:"image" is:"package"`
}

// Script is one setup script: a path, or a mapping with a path.
type Script struct {
	// The script. With a glob (sorted by name), the other keys hold for each
	// match.
	Path Text `yaml:"path" is:"context path or glob,required"`
	// Makes the script isolated: it runs beside its siblings, and only these
	// paths of what it wrote survive; with `auto` all of them. See "Isolated
	// scripts".
	Outputs []Output `yaml:"outputs" is:"output path,some"`
	// The declared args in its environment. See "Args". Default: those it reads.
	Args []Text `yaml:"args,literal" is:"name"`
	// Comparisons that must hold, such as `${PG_MAJOR} >= 14`; else the script is
	// left out. See "Conditions". Default: it always runs.
	When []Condition `yaml:"when" is:"comparison"`
	// Runs it once for each combination of these values, `NAME: [value, …]`, which
	// are args of that run. Each is a script of its own, called after its values. See
	// "One script several times".
	For []Each `yaml:"for,literal" is:"values"`
	// With are the values of one combination, once the file is loaded.
	With []Pair `yaml:"-,literal"`
	// Scripts, by name or path, whose results it sees. See "Isolated scripts".
	// Default: those before it in the chain; none for an isolated one.
	Needs []Text `yaml:"needs,literal" is:"script name"`
	// Cache mounts beyond the inferred ones: names such as `ccache`, or absolute
	// paths. `none` refuses all. See "Caches". Default: inferred.
	Caches *Caches `yaml:"caches" is:"cache"`
	// What it compiles or installs from: names of sources, each a directory
	// `/context/sources/NAME`. See "sources".
	Sources []Text `yaml:"sources,literal" is:"source name"`
	// Other files and directories that it reads.
	Inputs []Text `yaml:"inputs" is:"context path or glob"`
	// Runtime packages of an isolated script: there while it runs, and in the
	// image.
	Packages []Package `yaml:"packages" is:"package"`
	// An image that an isolated script runs on, as it is: without the build file's
	// user, repositories and packages, but for those of its own `build`. Pinned by a
	// digest, or by the lock file. Default: what all isolated scripts run on.
	Base Text `yaml:"base" is:"image reference"`
	// Build packages of an isolated script, in the place of those that all have.
	// Scripts that name the same ones share them. Default:
	// `setup.dependencies.build`.
	Build []Package `yaml:"build" is:"package"`
	// Build secrets that it sees: ids, or mappings. See "Secrets".
	Secrets []Secret `yaml:"secrets" is:"secret"`
	// Forward the client's ssh agent. Default: `false`.
	SSH bool `yaml:"ssh" is:"true or false"`
	// `default` is what the client asks for. `host` needs `--allow network.host`.
	// Default: `none` for a script with sources, else setup's.
	Network Text `yaml:"network,literal" is:"default|none|host"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

// Secret is a build secret that a script sees: an id, or a mapping with an id.
type Secret struct {
	// What `--secret id=ID` calls it.
	ID Text `yaml:"id,literal" is:"id,required"`
	// The file that holds it, readable for root. Default: `/run/secrets/ID`; none
	// with `env`.
	Target Text `yaml:"target" is:"image path"`
	// The file's mode. Default: `0400`.
	Mode *Mode `yaml:"mode" is:"octal bits"`
	// An environment variable that holds it.
	Env Text `yaml:"env,literal" is:"name"`
	// Whether a build without it fails. Default: `true`.
	Required *bool `yaml:"required" is:"true or false"`
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
	// Files that are copied to their targets. Default: discovered.
	ConfigurationFiles []ConfigFile `yaml:"configuration_files" is:"configuration file"`
	// Files, globs and directories that are copied to `/opt/container/PATH`,
	// owned by root, with mode 0755. They change less often than runtime scripts.
	// Default: discovered.
	UtilityScripts []Text `yaml:"utility_scripts" is:"context path or glob"`
	// The same for files that change often. Default: discovered.
	RuntimeScripts []Text `yaml:"runtime_scripts" is:"context path or glob"`
	// Becomes `/entrypoint.sh`, the image's entry point, owned by root, with mode
	// 0755. An empty value says that there is none. Default: discovered.
	Script *Text `yaml:"entrypoint_script" is:"context path or nothing"`
}

// ConfigFile is a file that is copied to a place of its own.
type ConfigFile struct {
	// One file; or a directory, for all files in it, where the target ends in `/`.
	Source Text `yaml:"source" is:"context path,required"`
	// The file's own path. With `/` at its end: the directory that the files of the
	// source go to, as they lie there; a file whose target has an entry of its own
	// is left to that.
	Target Text `yaml:"target" is:"image path,required"`
	// Permission bits. Default: `0644`.
	Mode *Mode `yaml:"mode" is:"octal bits"`
	// `user[:group]`: numbers, `root`, or the name of the build file's user.
	// Default: root, and the user's group.
	Owner Text `yaml:"owner" is:"owner"`
	// Tree tells that the source is a directory. [File.Discover] replaces it by its
	// files.
	Tree bool `yaml:"-"`
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
	// Files of setup. Default: `setup/**`.
	StableFiles []Text `yaml:"stable_files" is:"glob"`
	// Files of the entrypoint. Default: `entrypoint.d/**`, `config/**`.
	VolatileFiles []Text `yaml:"volatile_files" is:"glob"`
	// When a cached layer is built again all the same.
	Rules []Rule `yaml:"cache_invalidation_rules" is:"rule"`
}

// Rule makes a layer run again although nothing that it reads has changed.
type Rule struct {
	// `setup`, `toolchain` or `setup/NAME`.
	Layer Text `yaml:"layer,literal" is:"layer,required"`
	// How old the layer may become, `1m` or more. Time is cut into periods of
	// this length, the same on every machine; the layer runs once in each.
	MaxAge Duration `yaml:"max_age" is:"duration"`
	// What else makes it run: `base`, `arg:NAME`, `file:GLOB`, `package:NAME`.
	WhenChanged []Text `yaml:"when_changed" is:"condition"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

// Image is the image's configuration, as `docker inspect` shows it.
type Image struct {
	// Added to the base's environment. Values see the args and the base's own
	// variables (`${PATH}`).
	Env []Pair `yaml:"env,late" is:"variable"`
	// Added to the base's labels; `--label` wins. Values see the args and the base's
	// own variables.
	Labels []Pair `yaml:"labels,late" is:"label"`
	// `5432`, `5432/tcp`, `5432/udp` or `5432/sctp`.
	Expose []Text `yaml:"expose" is:"port"`
	// Directories for data that outlives a container.
	Volumes []Text `yaml:"volumes" is:"image path"`
	// What stops the container, such as `SIGINT`. Default: the base's.
	StopSignal Text `yaml:"stop_signal" is:"signal"`
	// The program that a container starts, and its first arguments; `[]` takes the
	// base's away. Default: `/entrypoint.sh` where there is an entrypoint script,
	// else the base's.
	Entrypoint []Text `yaml:"entrypoint,literal" is:"word"`
	// Arguments of the entry point. Default: see "entrypoint".
	Cmd []Text `yaml:"cmd,literal" is:"word"`
	// `user[:group]`, names or numbers, that the container's process starts as,
	// where that is not the build file's user: `root` for an entry point that
	// steps down by itself. It sees the args and the base's own variables. Default:
	// the build file's user, else the base's.
	User Text `yaml:"user,late" is:"user"`
	// Where the container's process starts. Default: the base's.
	WorkingDir Text `yaml:"working_dir" is:"image path"`
	// How Docker asks whether the container works. Default: the base's.
	Healthcheck *Healthcheck `yaml:"healthcheck"`
}

// Healthcheck is Docker's HEALTHCHECK.
type Healthcheck struct {
	// The program and its arguments. No shell is involved. `[]` takes the base's
	// health check away.
	Command []Text `yaml:"command,literal" is:"word,required"`
	// Time between two checks. Default: Docker's.
	Interval Duration `yaml:"interval" is:"duration"`
	// Time after which a check has failed. Default: Docker's.
	Timeout Duration `yaml:"timeout" is:"duration"`
	// Time after the start in which failures do not count. Default: Docker's.
	StartPeriod Duration `yaml:"start_period" is:"duration"`
	// Failures in a row that make a container unhealthy. Default: Docker's.
	Retries int `yaml:"retries" is:"number"`
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
	// What is tested. Each name once.
	Name Text `yaml:"name" is:"text,required"`
	// The script.
	Run Text `yaml:"run" is:"context path,required"`
	// Then it is ended, and has failed with 124. The image needs `timeout` of
	// coreutils. Default: `1m`.
	Timeout Duration `yaml:"timeout" is:"duration"`
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
