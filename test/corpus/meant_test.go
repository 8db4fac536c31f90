package corpus

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// difference is one between the two builds that is meant. Everything else has
// to be equal.
type difference struct {
	what, why string
	// config takes it out of a configuration, file says which files have it:
	// these are not compared. What neither has is not read in the first place,
	// or a specimen says where it is (see its setting `differs`).
	config func(*v1.ConfigFile)
	file   func(name string) bool
}

// meant are all of them, as docs/dockerfile-equivalence.md has them.
func meant() []difference {
	return []difference{
		{
			what:   "layers",
			why:    "the steps that one `RUN` became are one layer, and what is copied lies above it",
			config: func(c *v1.ConfigFile) { c.RootFS.DiffIDs = nil },
		},
		{
			what:   "history",
			why:    "it tells of the layers",
			config: func(c *v1.ConfigFile) { c.History = nil },
		},
		{
			what:   "times",
			why:    "two builds run at two times; so it is with any two builds of one Dockerfile",
			config: func(c *v1.ConfigFile) { c.Created = v1.Time{Time: time.Time{}} },
		},
		{
			what: "caches",
			why:  "what a package manager only keeps for the next build lies in a cache mount: the archives of apt, the downloads of pip and npm",
			file: below("/var/cache/apt/", "/root/.cache/pip/", "/root/.npm/"),
		},
		{
			what: "logs",
			why:  "apt, dpkg and ldconfig write times and numbers of inodes into them",
			file: below("/var/log/apt/", "/var/log/dpkg.log", "/var/log/alternatives.log", "/var/cache/ldconfig/aux-cache"),
		},
		{
			what: "driver's output",
			why:  "a driver that was split is not run, so it prints nothing: what it would say after a script has failed is not shown",
		},
		{
			what: "layered file system",
			why: "steps lie on each other's layers, as separate `RUN` lines always did: the system call does not rename a folder of an earlier step, " +
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

func TestDocumentationIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/dockerfile-equivalence.md")
	require.NoError(t, err)
	for _, d := range meant() {
		assert.Contains(t, string(page), "| "+d.what+" | "+d.why+" |")
	}
	assert.Contains(t, string(page), fmt.Sprintf("has %d Dockerfiles", len(specimens(t, "testdata"))))
}
