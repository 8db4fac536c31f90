package commands

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/paths"
)

// Copied is a file that a COPY or ADD brings, and what becomes of it.
type Copied struct {
	*dockerfile.CopiedFile
	UID, GID  int
	ImageMode fs.FileMode
	// Owner is its owner as the build file has it, where its numbers are args; else "".
	Owner string
	// Unowned is an owner whose number is not known.
	Unowned string
	// Used are the ops that need it; Placed says that setup puts it where the
	// Dockerfile has it.
	Used   []*Op
	Placed bool
	// Removed and Replaced say that the image does not have it in the end.
	Removed, Replaced bool
	// Runtime says that something that a container runs speaks of it.
	Runtime bool
	Class   class
	// Folded says that a recursive chmod or chown was made its mode and owner.
	Folded bool
	// Entrypoint says that it is the entrypoint script.
	Entrypoint bool
}

// class is where a copied file goes.
type class int

const (
	_ class = iota
	// SetupOnly is what scripts find below /context, and no image has.
	SetupOnly
	// InSetup is what a generated script puts in its place.
	InSetup
	// AtRuntime is an entrypoint file.
	AtRuntime
)

// OwnerFlags are what install is told of the owner. A name whose number only a
// build knows stays a name, which stands for what it does at that place.
func (f *Copied) OwnerFlags() string {
	if user, group, ok := strings.Cut(f.Owner, ":"); ok {
		return " -o " + notation.InShell(user) + " -g " + notation.InShell(group)
	}
	switch user, group, _ := strings.Cut(f.Unowned, ":"); {
	case f.Unowned == "" && f.UID == 0 && f.GID == 0:
		return ""
	case f.Unowned == "":
		return fmt.Sprintf(" -o %d -g %d", f.UID, f.GID)
	case user == "":
		return " -g " + notation.Quoted(group)
	case group == "":
		return fmt.Sprintf(` -o %s -g "$(id -g %[1]s)"`, notation.Quoted(user))
	default:
		return " -o " + notation.Quoted(user) + " -g " + notation.Quoted(group)
	}
}

// Whole is a directory of the context all of whose files go to another one.
type Whole struct{ Source, Target string }

// IsWhole reports whether a file goes along with its directory.
func (o *Op) IsWhole(f *Copied) bool {
	return slices.ContainsFunc(o.Wholes, func(dir Whole) bool { return paths.Below(f.Source, dir.Source) })
}

// HasFile reports whether a path is a copied file, or has some below it.
func (o *Op) HasFile(name string) bool {
	if !path.IsAbs(name) {
		name = path.Join(o.Dir, name)
	}
	name = path.Clean(name)
	for at := range o.Files {
		if paths.Within(at, name) || glob.Path(name, at) {
			return true
		}
	}
	return false
}
