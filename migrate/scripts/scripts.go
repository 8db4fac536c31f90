// Package scripts makes the scripts of setup of its commands, and puts them in
// their places.
package scripts

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/variables"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Scripts are what scripts are made of: all commands have their places, and all variables
// their values.
type Scripts struct {
	*variables.Variables
	// uses counts how often a script is run, basenames how often a name occurs: what
	// pgstrata tells scripts apart by.
	uses, basenames map[string]int
	// links lead from where the Dockerfile has files to where setup scripts have
	// them.
	links map[string]string
}

// New is what scripts are made of, with a count of how often each is run.
func New(v *variables.Variables) *Scripts {
	out := &Scripts{Variables: v, uses: map[string]int{}, basenames: map[string]int{}, links: map[string]string{}}
	for _, o := range v.Ops {
		if o.Gone || !o.Script() {
			continue
		}
		out.uses[o.Call.Source]++
		if out.uses[o.Call.Source] == 1 {
			out.basenames[scriptName(o.Call.Source)]++
		}
	}
	return out
}

// Entry is a script in the making.
type Entry struct {
	buildfile.Script
	// Ops are what it was made of, generated the script that was made of them,
	// and Title what that is called.
	Ops       []*commands.Op
	Generated *buildfile.File
	Title     string
	// Sees are all args that it reads.
	Sees []string
	// After are isolated scripts whose outputs it has to see.
	After []*Entry
}

// Entries turns ops into scripts of setup: those that run a script of the
// context and nothing more name it; all else becomes generated scripts.
func (m *Scripts) Entries(ops []*commands.Op) []*Entry {
	ops = slices.DeleteFunc(slices.Clone(ops), func(o *commands.Op) bool { return o.Gone })
	var out []*Entry
	for i := 0; i < len(ops); {
		o := ops[i]
		if o.Script() && m.Direct(o) {
			out = append(out, m.scriptEntry(o))
			i++
			continue
		}
		n := i + 1
		for n < len(ops) && m.together(ops[n-1], ops[n]) {
			n++
		}
		if e := m.generate(ops[i:n]); e != nil {
			out = append(out, e)
		}
		i = n
	}
	return out
}

// together reports whether two ops become one generated script: commands of one
// RUN, and what stands around them.
func (m *Scripts) together(a, b *commands.Op) bool {
	if len(a.Fetched) > 0 || len(b.Fetched) > 0 {
		return false
	}
	if b.Directory != "" && a.Step != b.Step || b.Raw != "" || a.Raw != "" || len(a.Place) > 0 || len(b.Place) > 0 {
		return a.Directory != "" && b.Directory != ""
	}
	if a.Directory != "" && a.Step != b.Step { // a directory is made by the script that needs it
		return b.Call == nil && b.Raw == "" && b.Step.Scope.Root()
	}
	if a.Step != b.Step || !slices.Equal(a.When, b.When) {
		return false
	}
	if a.Call != nil && a.Call.Driver != nil || b.Call != nil && b.Call.Driver != nil {
		return false
	}
	return (!b.Script() || !m.Direct(b)) && (!a.Script() || !m.Direct(a))
}

// Direct reports whether pgstrata starts a script just as the Dockerfile does.
func (m *Scripts) Direct(o *commands.Op) bool { return m.indirect(o) == "" }

// indirect tells what a script has to be given that an entry of the build file
// cannot give it, "" for nothing.
func (m *Scripts) indirect(o *commands.Op) string {
	c := o.Call.Child
	switch {
	case m.PlacedTarget(o):
		return "runs where the Dockerfile has it"
	case !o.Step.Scope.Root() || c.User != "" && c.User != "root":
		return "does not run as root"
	case len(c.Args) > 0:
		return "gets arguments"
	case len(c.Redirects) > 0:
		return "has its output redirected"
	case c.Pipe.Stages > 0:
		return "has its output piped"
	case slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return !w.Function && w.Name != "time" }):
		return "runs through " + c.Wrappers[0].Name
	case slices.ContainsFunc(o.Prelude, func(s string) bool { return strings.HasPrefix(s, "umask") || strings.HasPrefix(s, "ulimit") }):
		return "has limits of its own"
	case !m.sameInterpreter(o):
		return "is run by " + c.Interpreter
	case m.uses[o.Call.Source] > 1 || m.basenames[scriptName(o.Call.Source)] > 1:
		return "shares its name with another"
	case o.Dir != "/" && commands.UsesDir(o):
		return "uses its working directory"
	case len(o.Overrides) > 0 || len(c.Assigns) > 0:
		return "has variables of its own"
	}
	return ""
}

// scriptName is what pgstrata calls a script.
func scriptName(source string) string {
	return strings.TrimSuffix(path.Base(source), path.Ext(source))
}

// sameInterpreter reports whether the kernel, which reads the first line, starts
// the same interpreter as the Dockerfile.
func (m *Scripts) sameInterpreter(o *commands.Op) bool {
	c := o.Call.Child
	program := m.Load(o.Call.Source)
	if program == nil {
		return false
	}
	own := program.Main.Interpreter
	if own == "" {
		own = "sh"
	}
	if c.Interpreter == "" {
		return true
	}
	options := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return w != "-x" && w != "-u" })
	}
	var given []string
	for _, w := range c.InterpreterArgs {
		given = append(given, w.Value)
	}
	return path.Base(c.Interpreter) == own && !options(given) && !options(program.Main.Shebang.Args) || slices.Equal(given, program.Main.Shebang.Args) && path.Base(c.Interpreter) == own
}

// scriptEntry is the entry of a script that needs nothing around it.
func (m *Scripts) scriptEntry(o *commands.Op) *Entry {
	e := &Entry{Script: buildfile.Script{Path: o.Call.Source, When: o.When}, Ops: []*commands.Op{o}}
	if o.Call.Whole {
		e.Notes = append(e.Notes, path.Base(o.Call.Source)+" runs other scripts, and could not be taken apart: an edit of one runs all")
	}
	return e
}

// finish adds what an entry's script reads: files, variables, mounts.
func (m *Scripts) finish(e *Entry) {
	program := m.Load(e.Path)
	if program == nil {
		return
	}
	seen := map[string]bool{e.Path: true}
	for _, s := range program.Closure() {
		seen[s.Path] = true
	}
	inputs := map[string]bool{}
	for _, o := range e.Ops {
		e.Sees = append(append(e.Sees, slices.Sorted(maps.Keys(o.Wants))...), m.refersTo(o)...)
		m.mounts(e, o)
		if o.Source != nil {
			e.Sources = append(e.Sources, o.Source.Name)
		}
		for _, dir := range o.Wholes {
			e.Inputs = append(e.Inputs, m.ContextText(o.Step, dir.Source)+"/")
		}
		for _, f := range o.Place {
			if f.Mode&fs.ModeSymlink == 0 && !o.IsWhole(f) { // a link is made, not copied
				inputs[f.Source] = true
			}
		}
		if len(e.Outputs) > 0 && e.Generated != nil {
			continue // its files are those of the stage's COPY instructions
		}
		if files.SpeaksOnly(o) {
			continue
		}
		for target, f := range o.Reads() {
			placed := m.FileOf(o, target)
			if seen[f.Source] || placed != nil && placed.Placed {
				continue
			}
			inputs[f.Source] = true
			if commands.SpeaksOf(program, target) || !commands.Finds(program, f.Source) {
				m.link(target, f.Source)
			}
		}
		m.opaque(e, o, inputs)
	}
	e.Sees = slices.Compact(slices.Sorted(slices.Values(e.Sees)))
	e.Inputs = slices.Compact(slices.Sorted(slices.Values(append(e.Inputs, m.inputTexts(m.Joined(slices.Sorted(maps.Keys(inputs)), nil, 2))...))))
}

// opaque gives a script whose reads are not all known the whole folder that it
// came with, and tells so.
func (m *Scripts) opaque(e *Entry, o *commands.Op, inputs map[string]bool) {
	if o.Facts == nil || o.Facts.Opaque == "" || !o.Script() {
		return
	}
	f := m.FileOf(o, o.Call.Target)
	if f == nil || f.Placed {
		return
	}
	why := commands.Subject(o.Facts.Opaque, path.Base(o.Call.Source))
	dir := path.Dir(o.Call.Source)
	for _, other := range m.Copies {
		if other.By == f.By && other.Class == commands.SetupOnly && paths.Within(other.Source, dir) {
			inputs[other.Source] = true
		}
	}
	e.Notes = append(e.Notes, "What it reads is not all known, so it sees its whole folder: "+why)
	m.Report.Note(o.Call.Source, "could not be followed: %s. It sees its whole folder, and is taken to change none of the copied files", why)
}
