package buildfile

// Script is one script of setup.
type Script struct {
	Path    string
	When    []string
	Base    string // "" for the image's own
	Build   []string
	Outputs []Output
	Needs   []string
	Inputs  []string
	Caches  []string
	Secrets []Secret
	Sources []string
	SSH     bool
	Network string
	// Args are written where they are not those that pgstrata infers.
	Args *[]string
	// Notes stand above it; Proposal is written as a comment below it.
	Notes    []string
	Proposal *Script
}

// Secret is a build secret of a script; target, mode and env are "" where they are
// the build file's own.
type Secret struct {
	ID, Target, Mode, Env string
	Required              bool
}

// Output is a path that an isolated script gives the image, in the build file's
// notation: where it is there, and from where, "" for the same place.
type Output struct {
	Path, From string
	// Into is the directory that a glob's files go into.
	Into string
	// Owner is its user and group, "" for that which it has.
	Owner string
}
