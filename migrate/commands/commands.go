// Package commands takes a Dockerfile's instructions apart into the things that
// setup does one after the other, and tells what each of them reads and changes.
package commands

import (
	"slices"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/shell"
)

// Op is one thing that setup does, in the Dockerfile's order.
type Op struct {
	Step *dockerfile.Step
	// Text is the command, Prelude those that change what holds for it. A state
	// is such a command itself.
	Text    string
	Prelude []string
	State   bool
	// Raw is a whole script in place of a command.
	Raw string
	// Call is the script of the context that it runs, when it does no more.
	Call *call
	// Place are files that setup puts into the image; Unpack says that they are
	// archives, which go to Dest.
	Place  []*Copied
	Wholes []Whole // directories all of whose files are among them
	Unpack bool
	Dest   string
	// Directory is a directory that WORKDIR makes, DirectoryText the same in the build
	// file's notation.
	Directory, DirectoryText string

	// Source is what is fetched for it, Fetched are the commands that copy it.
	Source  *buildfile.Source
	Fetched []string

	Facts *dockerfile.Facts
	Files map[string]*dockerfile.CopiedFile
	Dir   string
	When  []string
	// Wants are the variables that it reads from args, Overrides those that it
	// has to set for itself, in the build file's notation.
	Wants     map[string]Wanted
	Overrides map[string]string
	// Owner is whom it gives copied files to, when only a build knows the number.
	Owner string
	// Given are copied files whose owner or mode it set, and no longer does.
	Given map[*Copied]bool
	// Gone says that nothing is left to do for it.
	Gone bool
}

// call is a script that is run.
type call struct {
	// Source is its path in the context, Target that in the Dockerfile's image.
	Source, Target string
	Child          *shell.Child
	// Driver is the script that runs it, nil for the RUN line itself.
	Driver *shell.Program
	Env    []shell.EnvVar
	Varies []string
	// Whole says that it runs other scripts, and could not be taken apart.
	Whole bool
}

// Wanted is a variable that an op may read, as the Dockerfile has it there.
type Wanted struct {
	Value string
	// Text is how the build file writes it, when it does not say the value.
	Text string
	// Set is the ENV that sets it, nil for none; Line its line, or that of the
	// RUN that exports it.
	Set  *dockerfile.Step
	Line int
	// Open says that its value depends on the base image's environment.
	Open bool
}

// Line is the op's line in the Dockerfile.
func (o *Op) Line() int { return o.Step.Start }

// Driven reports whether a driver script runs the op.
func (o *Op) Driven() bool { return o.Call != nil && o.Call.Driver != nil }

// Script reports whether the op runs a script of the context.
func (o *Op) Script() bool { return o.Call != nil && o.Call.Source != "" }

// Command reports whether it is a command of the Dockerfile or of a driver.
func (o *Op) Command() bool { return o.Text != "" && !o.Script() && !o.State }

// Calls are the programs that the op may run.
func (o *Op) Calls() []*shell.Call {
	if o.Facts == nil {
		return nil
	}
	return o.Facts.Calls()
}

// Own are the calls of a command's own text, without those of scripts that it
// runs; ok is false when that is not all that it does.
func (o *Op) Own() (calls []*shell.Call, ok bool) {
	if o.Facts == nil || o.Facts.Program == nil || o.Facts.Opaque != "" || len(o.Facts.Program.Children) > 0 || len(o.Facts.Program.Helpers) > 0 {
		return nil, false
	}
	for _, c := range o.Facts.Program.Main.Calls {
		if c.Kind == shell.CallDynamic || c.Loop || c.Nested || c.Background || c.Subshell || len(c.Wrappers) > 0 || c.Pipe.Stages > 0 || c.Unreached {
			return nil, false
		}
		if slices.ContainsFunc(c.Guards, func(g shell.Guard) bool { return g.Kind != shell.GuardAnd }) {
			return nil, false
		}
		if c.Kind == shell.CallBuiltin && c.Name != "echo" && c.Name != "printf" && c.Name != "test" && c.Name != "[" {
			continue // set, cd, export of the prelude
		}
		calls = append(calls, c)
	}
	return calls, true
}

// Single is the only call of a command.
func (o *Op) Single() *shell.Call {
	calls, ok := o.Own()
	if !ok || len(calls) != 1 {
		return nil
	}
	return calls[0]
}
