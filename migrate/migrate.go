// Package migrate turns a Dockerfile, and the scripts of its build context that
// it runs, into a build file. It changes no script: what stands in the Dockerfile
// itself becomes generated scripts, and what a driver script does, the build file
// says.
//
// It stands on the same reading of the Dockerfile as the build of one does
// (package dockerfile). What it cannot carry over it tells, line by line.
package migrate

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/declare"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/fetch"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/image"
	"github.com/pgstrata/pgstrata/migrate/isolate"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/migrate/scripts"
	"github.com/pgstrata/pgstrata/migrate/variables"
)

// Options are what a migration depends on besides the Dockerfile's text.
type Options struct {
	// Dockerfile is how the Dockerfile is read: its context, and the stage that
	// becomes the image. Base may be [bases.Known].
	Dockerfile dockerfile.Options
	// Name is what the build file is called.
	Name string
	// Syntax is the frontend image that the build file's first line names.
	Syntax string
	// KeepAccounts leaves all accounts to the scripts that make them.
	KeepAccounts bool
	// Schema is where an editor finds the JSON Schema of the build file, ""
	// for nowhere.
	Schema string
}

// Result is what became of a Dockerfile.
type Result struct {
	// BuildFile is the build file's text.
	BuildFile []byte
	// Files are generated scripts, by their paths in the context.
	Files []*buildfile.File
	// Context is the build context as it is with these.
	Context fs.FS
	// Missing are the args without default that a build has to be given.
	Missing []string
	// Report tells what became of each line.
	Report *report.Report
}

// Migrate makes a build file of a Dockerfile. Its error is of a Dockerfile that
// no build file can stand for, since it has no base image or no such target; or a
// [RefusedError].
func Migrate(f *dockerfile.File, opt Options) (*Result, error) {
	d, err := draft.New(f, opt.Dockerfile, opt.Name)
	if err != nil {
		return nil, err
	}
	a := setup(d, opt.KeepAccounts)
	image.Configure(a.Classified)
	d.Prune()
	a.Explicit()
	a.Boundary()
	d.Discover()
	a.CopyLines()
	d.Unexplained()
	out := &Result{BuildFile: []byte(header(d, opt) + d.Out.Document()), Report: d.Report}
	for _, path := range slices.Sorted(maps.Keys(d.Generated)) {
		out.Files = append(out.Files, d.Generated[path])
		d.Report.Scripts = append(d.Report.Scripts, path)
	}
	if out.Missing, err = verify(d, out.BuildFile); err != nil {
		return nil, err
	}
	out.Context = d.FS()
	return out, nil
}

// setup makes the scripts of setup. Types say what a pass stands on: commands, files,
// files of which it is known where they go, variables, entries.
func setup(d *draft.Draft, keepAccounts bool) *scripts.Arranged {
	r := commands.NewReader(d)
	ops := r.Collect(d.Chain)
	declare.Accounts(r, ops, keepAccounts)
	files := files.Gather(&fetch.Fetcher{Reader: r}, ops)
	d.Out.Runtime, d.Out.Toolchain = declare.Packages(r, ops, "setup.dependencies.runtime")
	files.Modes()
	declare.Scratch(r, ops)
	n := scripts.New(variables.Settle(files.Classify()))
	chain := n.Entries(n.Ops)
	return n.Arrange(isolate.Stages(n, chain), chain)
}

// header are the comments that a build file begins with.
func header(d *draft.Draft, opt Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# syntax=%s\n", opt.Syntax)
	if opt.Schema != "" {
		fmt.Fprintf(&b, "# yaml-language-server: $schema=%s\n", opt.Schema)
	}
	fmt.Fprintf(&b, "#\n# Made from %s by pgstrata migrate.\n", notation.OneLine(d.File.Name))
	for i, l := range d.Report.Lost() {
		if i == 0 {
			b.WriteString("#\n# Not carried over, and to be done by hand:\n")
		}
		fmt.Fprintf(&b, "#   %s:%d: %s\n", d.File.Name, l.Start, notation.OneLine(l.Text))
	}
	return b.String() + "\n"
}
