package imagediff

import (
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Difference is one between the two builds that is meant. Everything else has
// to be equal.
type Difference struct {
	What, Why string
	// config takes it out of a configuration, file says which files have it:
	// these are not compared. What has neither is not read in the first place.
	config func(*v1.ConfigFile)
	file   func(name string) bool
}

// Meant are all differences that are meant, as docs/dockerfile-equivalence.md has them.
func Meant() []Difference {
	return []Difference{
		{
			What:   "layers",
			Why:    "the steps that one `RUN` became are two layers, what they delete and what they make, and what is copied lies above them",
			config: func(c *v1.ConfigFile) { c.RootFS.DiffIDs = nil },
		},
		{
			What:   "history",
			Why:    "it tells of the layers",
			config: func(c *v1.ConfigFile) { c.History = nil },
		},
		{
			What:   "times",
			Why:    "two builds run at two times; so it is with any two builds of one Dockerfile",
			config: func(c *v1.ConfigFile) { c.Created = v1.Time{Time: time.Time{}} },
		},
		{
			What: "caches",
			Why:  "what a package manager only keeps for the next build lies in a cache mount: the archives of apt, the downloads of pip and npm",
			file: below("/var/cache/apt/", "/root/.cache/pip/", "/root/.npm/"),
		},
		{
			What: "logs",
			Why:  "apt, dpkg and ldconfig write times and numbers of inodes into them",
			file: below("/var/log/apt/", "/var/log/dpkg.log", "/var/log/alternatives.log", "/var/cache/ldconfig/aux-cache"),
		},
		{
			What: "driver's output",
			Why:  "a driver that was split is not run, so it prints nothing: what it would say after a script has failed is not shown",
		},
		{
			What: "layered file system",
			Why: "steps lie on each other's layers, as separate `RUN` lines always did: the system call does not rename a folder of an earlier step, " +
				"and writing to one of a file's names parts it from the others",
		},
	}
}

// below finds files by name, and by a name that ends with a slash all that a
// folder holds.
func below(places ...string) func(string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(places, func(place string) bool {
			return name == place || strings.HasSuffix(place, "/") && strings.HasPrefix(name, place)
		})
	}
}
