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
	scripts, cleanup   []*entry
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

// entry is one script of setup.
type entry struct {
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
	// args are written where they are not those that pgstrata infers; sees are
	// all that the script reads.
	args *[]string
	sees []string
	// after are isolated scripts whose outputs it has to see.
	after []*entry
	// notes stand above it; proposal is written as a comment below it.
	notes    []string
	proposal *entry
	// ops are what it was made of, generated the script that was made of them,
	// and title what that is called.
	ops       []*op
	generated *File
	title     string
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

func (o output) node() *node {
	if o.from+o.into+o.owner == "" {
		return str("", o.path)
	}
	from, to := o.from, o.path
	if from == "" {
		from, to = o.path, ""
	}
	if o.into != "" {
		to = o.into
	}
	n := mapping("", str("from", from))
	for _, p := range []pair{{key: "to", text: to}, {key: "owner", text: o.owner}} {
		if p.text != "" {
			n.pairs = append(n.pairs, str(p.key, p.text))
		}
	}
	return n
}

func outputsNode(list []output) *node {
	n := &node{key: "outputs", kind: isList}
	for _, o := range list {
		n.list = append(n.list, o.node())
	}
	return n
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
