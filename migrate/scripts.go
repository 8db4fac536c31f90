package migrate

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// counted are contents that scripts are made of: all commands have their places,
// and all variables their values.
type counted struct {
	*variables
	// uses counts how often a script is run, basenames how often a name occurs: what
	// pgstrata tells scripts apart by.
	uses, basenames map[string]int
	// links lead from where the Dockerfile has files to where setup scripts have
	// them.
	links map[string]string
}

// newScripts counts how often scripts are run.
func newScripts(v *variables) *counted {
	out := &counted{variables: v, uses: map[string]int{}, basenames: map[string]int{}, links: map[string]string{}}
	for _, o := range v.ops {
		if o.gone || !o.script() {
			continue
		}
		out.uses[o.call.source]++
		if out.uses[o.call.source] == 1 {
			out.basenames[scriptName(o.call.source)]++
		}
	}
	return out
}

// entry is a script in the making.
type entry struct {
	script
	// ops are what it was made of, generated the script that was made of them,
	// and title what that is called.
	ops       []*op
	generated *File
	title     string
	// sees are all args that it reads.
	sees []string
	// after are isolated scripts whose outputs it has to see.
	after []*entry
}

// entries turns ops into scripts of setup: those that run a script of the
// context and nothing more name it; all else becomes generated scripts.
func (m *counted) entries(ops []*op) []*entry {
	ops = slices.DeleteFunc(slices.Clone(ops), func(o *op) bool { return o.gone })
	var out []*entry
	for i := 0; i < len(ops); {
		o := ops[i]
		if o.script() && m.direct(o) {
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
func (m *counted) together(a, b *op) bool {
	if len(a.fetched) > 0 || len(b.fetched) > 0 {
		return false
	}
	if b.made != "" && a.step != b.step || b.raw != "" || a.raw != "" || len(a.place) > 0 || len(b.place) > 0 {
		return a.made != "" && b.made != ""
	}
	if a.made != "" && a.step != b.step { // a directory is made by the script that needs it
		return b.call == nil && b.raw == "" && b.step.Scope.Root()
	}
	if a.step != b.step || !slices.Equal(a.when, b.when) {
		return false
	}
	if a.call != nil && a.call.driver != nil || b.call != nil && b.call.driver != nil {
		return false
	}
	return (!b.script() || !m.direct(b)) && (!a.script() || !m.direct(a))
}

// direct reports whether pgstrata starts a script just as the Dockerfile does.
func (m *counted) direct(o *op) bool { return m.indirect(o) == "" }

// indirect tells what a script has to be given that an entry of the build file
// cannot give it, "" for nothing.
func (m *counted) indirect(o *op) string {
	c := o.call.child
	switch {
	case m.placedTarget(o):
		return "runs where the Dockerfile has it"
	case !o.step.Scope.Root() || c.User != "" && c.User != "root":
		return "does not run as root"
	case len(c.Args) > 0:
		return "gets arguments"
	case len(c.Redirects) > 0:
		return "has its output redirected"
	case c.Pipe.Stages > 0:
		return "has its output piped"
	case slices.ContainsFunc(c.Wrappers, func(w shell.Wrapper) bool { return !w.Function && w.Name != "time" }):
		return "runs through " + c.Wrappers[0].Name
	case slices.ContainsFunc(o.prelude, func(s string) bool { return strings.HasPrefix(s, "umask") || strings.HasPrefix(s, "ulimit") }):
		return "has limits of its own"
	case !m.sameInterpreter(o):
		return "is run by " + c.Interpreter
	case m.uses[o.call.source] > 1 || m.basenames[scriptName(o.call.source)] > 1:
		return "shares its name with another"
	case o.dir != "/" && usesDir(o):
		return "uses its working directory"
	case len(o.overrides) > 0 || len(c.Assigns) > 0:
		return "has variables of its own"
	}
	return ""
}

// placedTarget reports whether a script is one that setup copies into its place.
func (m *contents) placedTarget(o *op) bool {
	f := m.fileOf(o, o.call.target)
	return f != nil && f.placed
}

// fileOf is the copied file that is at a path when an op starts.
func (m *contents) fileOf(o *op, target string) *copied {
	for _, f := range m.copies {
		if f.Target == target && o.files[target] == f.CopiedFile {
			return f
		}
	}
	return nil
}

// scriptName is what pgstrata calls a script.
func scriptName(source string) string {
	return strings.TrimSuffix(path.Base(source), path.Ext(source))
}

// sameInterpreter reports whether the kernel, which reads the first line, starts
// the same interpreter as the Dockerfile.
func (m *counted) sameInterpreter(o *op) bool {
	c := o.call.child
	program := m.load(o.call.source)
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
func (m *counted) scriptEntry(o *op) *entry {
	e := &entry{script: script{path: o.call.source, when: o.when}, ops: []*op{o}}
	if o.call.whole {
		e.notes = append(e.notes, path.Base(o.call.source)+" runs other scripts, and could not be taken apart: an edit of one runs all")
	}
	return e
}

// finish adds what an entry's script reads: files, variables, mounts.
func (m *counted) finish(e *entry) {
	program := m.load(e.path)
	if program == nil {
		return
	}
	seen := map[string]bool{e.path: true}
	for _, s := range program.Closure() {
		seen[s.Path] = true
	}
	inputs := map[string]bool{}
	for _, o := range e.ops {
		e.sees = append(append(e.sees, slices.Sorted(maps.Keys(o.wants))...), m.refersTo(o)...)
		m.mounts(e, o)
		if o.source != nil {
			e.sources = append(e.sources, o.source.name)
		}
		for _, dir := range o.wholes {
			e.inputs = append(e.inputs, m.contextText(o.step, dir.source)+"/")
		}
		for _, f := range o.place {
			if f.Mode&fs.ModeSymlink == 0 && !o.isWhole(f) { // a link is made, not copied
				inputs[f.Source] = true
			}
		}
		if len(e.outputs) > 0 && e.generated != nil {
			continue // its files are those of the stage's COPY instructions
		}
		if speaksOnly(o) {
			continue
		}
		for target, f := range o.reads() {
			placed := m.fileOf(o, target)
			if seen[f.Source] || placed != nil && placed.placed {
				continue
			}
			inputs[f.Source] = true
			if speaksOf(program, target) || !finds(program, f.Source) {
				m.link(target, f.Source)
			}
		}
		m.opaque(e, o, inputs)
	}
	e.sees = slices.Compact(slices.Sorted(slices.Values(e.sees)))
	e.inputs = slices.Compact(slices.Sorted(slices.Values(append(e.inputs, m.inputTexts(m.joined(slices.Sorted(maps.Keys(inputs)), nil, 2))...))))
}

// opaque gives a script whose reads are not all known the whole folder that it
// came with, and tells so.
func (m *counted) opaque(e *entry, o *op, inputs map[string]bool) {
	if o.facts == nil || o.facts.Opaque == "" || !o.script() {
		return
	}
	f := m.fileOf(o, o.call.target)
	if f == nil || f.placed {
		return
	}
	why := subject(o.facts.Opaque, path.Base(o.call.source))
	dir := path.Dir(o.call.source)
	for _, other := range m.copies {
		if other.By == f.By && other.class == setupOnly && paths.Within(other.Source, dir) {
			inputs[other.Source] = true
		}
	}
	e.notes = append(e.notes, "What it reads is not all known, so it sees its whole folder: "+why)
	m.report.note(o.call.source, "could not be followed: %s. It sees its whole folder, and is taken to change none of the copied files", why)
}
