// Package buildfile is a build file in the making, and how it is written as YAML.
package buildfile

import (
	"io/fs"
	"slices"
)

// Build is a build file in the making. Its texts are in the build file's
// notation: what is literal in them is escaped.
type Build struct {
	Base string
	Args []*Arg
	User *User
	// Accounts are further ones.
	Accounts []*User

	Sources            []*Source
	Runtime, Toolchain []string // packages
	Scripts, Cleanup   []*Script
	ScriptNotes        []string
	Artifacts          []string
	MaybeArtifacts     []string
	Folders            []Folder

	Entrypoint          *string // nil to leave it to discovery
	Configs             []*Config
	Utilities, Runtimes []string
	Stable, Volatile    []string
	Image               Image
	// NoCleanup says that no convention would find a cleanup script.
	NoCleanup bool
	// Notes are comments above keys, by their paths: image.user.
	Notes map[string][]string
}

// Folder is a directory that a COPY makes for an owner. Keep says that one which is
// there stays as it is.
type Folder struct {
	Path, Owner string
	Keep        bool
}

// Users are all accounts that the build file makes.
func (b *Build) Users() []*User {
	if b.User == nil {
		return b.Accounts
	}
	return append(slices.Clone(b.Accounts), b.User)
}

// Arg is a build argument.
type Arg struct {
	Name, Text string
	// Comment describes it, as BuildKit reads it above the ARG.
	Comment string
	// Lines are those of the Dockerfile that declare it; Unset says that none of
	// them has a value.
	Lines []int
	Unset bool
	// FromEnv says that it is a variable of ENV, which scripts read.
	FromEnv bool
	// Notes stand above it.
	Notes []string
}

// User is the account that the image gets.
type User struct {
	Name, Home, Shell string
	UID, GID          int
	Groups            []string
	Notes             []string
}

// Source is one of setup.sources.
type Source struct {
	Name, Image, URL, Checksum, Git, Ref string
}

// Config is a file that is copied to a place of its own; its paths are in the
// build file's notation.
type Config struct {
	Source, Target, Owner string
	Mode                  fs.FileMode
}

// Image is the image's configuration.
type Image struct {
	Env, Labels     []Pair
	Expose, Volumes []string
	Entrypoint, Cmd []string
	StopSignal      string
	WorkingDir      string
	User            string
	Health          *Health
}

// Pair is an entry of a mapping.
type Pair struct {
	Key, Text string
	Notes     []string
}

// Health is the container's health check.
type Health struct {
	Command                        []string
	Interval, Timeout, StartPeriod string
	Retries                        int
}

// File is a generated file of the build context.
type File struct {
	// Path is relative to the context.
	Path string
	Data []byte
	// Mode is what it is to be created with.
	Mode fs.FileMode
}
