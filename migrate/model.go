package migrate

import (
	"io/fs"
	"slices"
)

// build is a build file in the making. Its texts are in the build file's
// notation: what is literal in them is escaped.
type build struct {
	base string
	args []*arg
	user *user
	// accounts are further ones.
	accounts []*user

	sources            []*source
	runtime, toolchain []string // packages
	scripts, cleanup   []*script
	scriptNotes        []string
	artifacts          []string
	maybeArtifacts     []string

	entrypoint          *string // nil to leave it to discovery
	configs             []*config
	utilities, runtimes []string
	stable, volatile    []string
	image               image
	// noCleanup says that no convention would find a cleanup script.
	noCleanup bool
	// notes are comments above keys, by their paths: image.user.
	notes map[string][]string
}

// users are all accounts that the build file makes.
func (b *build) users() []*user {
	if b.user == nil {
		return b.accounts
	}
	return append(slices.Clone(b.accounts), b.user)
}

// arg is a build argument.
type arg struct {
	name, text string
	// comment describes it, as BuildKit reads it above the ARG.
	comment string
	// lines are those of the Dockerfile that declare it; unset says that none of
	// them has a value.
	lines []int
	unset bool
	// fromEnv says that it is a variable of ENV, which scripts read.
	fromEnv bool
	// notes stand above it.
	notes []string
}

// user is the account that the image gets.
type user struct {
	name, home, shell string
	uid, gid          int
	groups            []string
	notes             []string
}

// secret is a build secret of a script; target, mode and env are "" where they are
// the build file's own.
type secret struct {
	id, target, mode, env string
	required              bool
}

// source is one of setup.sources.
type source struct {
	name, image, url, checksum, git, ref string
}

// script is one script of setup.
type script struct {
	path             string
	when             []string
	base             string // "" for the image's own
	build            []string
	outputs          []output
	needs            []string
	inputs           []string
	caches, packages []string
	secrets          []secret
	sources          []string
	ssh              bool
	network          string
	// args are written where they are not those that pgstrata infers.
	args *[]string
	// notes stand above it; proposal is written as a comment below it.
	notes    []string
	proposal *script
}

// output is a path that an isolated script gives the image, in the build file's
// notation: where it is there, and from where, "" for the same place.
type output struct {
	path, from string
	// into is the directory that a glob's files go into.
	into string
	// owner is its user and group, "" for that which it has.
	owner string
}

// config is a file that is copied to a place of its own; its paths are in the
// build file's notation.
type config struct {
	source, target, owner string
	mode                  fs.FileMode
}

// image is the image's configuration.
type image struct {
	env, labels     []pair
	expose, volumes []string
	entrypoint, cmd []string
	stopSignal      string
	workingDir      string
	user            string
	health          *health
}

type pair struct {
	key, text string
	notes     []string
}

type health struct {
	command                        []string
	interval, timeout, startPeriod string
	retries                        int
}

// File is a generated file of the build context.
type File struct {
	// Path is relative to the context.
	Path string
	Data []byte
	// Mode is what it is to be created with.
	Mode fs.FileMode
}
