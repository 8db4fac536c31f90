package isolate

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/fetch"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/migrate/scripts"
	"github.com/pgstrata/pgstrata/paths"
)

// stageWriter makes one script of a stage, and of the stages that it is made
// from.
type stageWriter struct {
	m      isolation
	stages []*dockerfile.StageReading
	steps  []*dockerfile.Step
	list   []*fetch.Taken
	ops    []*commands.Op
	// sources are those that it copies files of.
	sources []string
}

// flatten lists a stage's instructions, those of other stages that it copies
// from ahead of it. It returns why that is no script, "" if it is one.
func (w *stageWriter) flatten(s *dockerfile.StageReading, done map[*dockerfile.StageReading]bool) string {
	if done[s] {
		return ""
	}
	done[s] = true
	if s.Bottom().Image == "scratch" && !fetch.Collects(s) {
		return "the stage's base is scratch: a script needs a shell"
	}
	if s.On != nil {
		if from := w.flatten(s.On, done); from != "" {
			return from
		}
	}
	for _, step := range s.Steps {
		if c := step.Copy; c != nil && c.From != "" {
			if w.m.FromOutside(c) {
				continue // a source
			}
			if a, b := w.m.ownBase(s), w.m.ownBase(c.Stage); a != b {
				return fmt.Sprintf("the stage copies from the stage %s, which has another base: one script has one", draft.StageName(c.Stage.Stage))
			}
			if from := w.flatten(c.Stage, done); from != "" {
				return from
			}
		}
	}
	w.stages = append(w.stages, s)
	w.steps = append(w.steps, s.Steps...)
	return ""
}

// entry is the stage's script: one of the context where that is all that the
// stage runs, else a generated one.
func (w *stageWriter) entry() *scripts.Entry {
	if o := w.only(); o != nil {
		return &scripts.Entry{Script: buildfile.Script{Path: o.Call.Source}, Ops: []*commands.Op{o}}
	}
	text := w.script()
	e := &scripts.Entry{Generated: &buildfile.File{Data: []byte(text), Mode: 0o755}, Title: w.title(), Ops: w.ops}
	e.Sources = slices.Compact(slices.Sorted(slices.Values(w.sources)))
	if len(w.sources) > 0 {
		e.Network = "default" // as any RUN has it
	}
	for _, step := range w.steps {
		if step.Copy == nil || step.Copy.From != "" {
			continue
		}
		for _, f := range w.m.Flagged(step) {
			e.Inputs = append(e.Inputs, notation.EscapedGlob(f.Source))
		}
		for n := range step.Copy.Sources {
			if step.Copy.Known {
				e.Inputs = append(e.Inputs, w.m.InputsOf(step, n)...)
			}
		}
	}
	return e
}

func (w *stageWriter) title() string {
	last := w.stages[len(w.stages)-1]
	if last.Name != "" {
		return notation.Slug(last.Name)
	}
	return fmt.Sprintf("stage-%d", last.Index)
}

// only is the script that the stage runs, when it does no more, and finds all
// that it reads by its own place.
func (w *stageWriter) only() *commands.Op {
	var found *commands.Op
	for _, o := range w.ops {
		if o.Gone || o.State {
			continue
		}
		if found != nil || !o.Script() || !w.m.Direct(o) {
			return nil
		}
		found = o
	}
	if found == nil || slices.ContainsFunc(w.list, func(t *fetch.Taken) bool { return len(t.Moves) > 0 }) {
		return nil
	}
	program := w.m.Load(found.Call.Source)
	if program == nil || found.Facts.Opaque != "" {
		return nil
	}
	seen := map[string]bool{found.Call.Source: true}
	for _, s := range program.Closure() {
		seen[s.Path] = true
	}
	for target, f := range found.Reads() {
		if !seen[f.Source] && (commands.SpeaksOf(program, target) || !commands.Finds(program, f.Source)) {
			return nil
		}
		if found.Touches(target) {
			return nil
		}
	}
	if slices.ContainsFunc(w.steps, func(s *dockerfile.Step) bool { return s.Copy != nil && s.Copy.From != "" }) {
		return nil
	}
	return found
}

// script writes what the stage does, in its order. Files of the context come to
// where the Dockerfile has them; each RUN is a subshell.
func (w *stageWriter) script() string {
	var b strings.Builder
	interpreter := "/bin/sh"
	for _, step := range w.steps {
		if len(step.Scope.Shell) > 0 && strings.HasSuffix(step.Scope.Shell[0], "bash") {
			interpreter = "/bin/bash"
		}
	}
	var from []string
	for _, s := range w.stages {
		last := s.From.End
		for _, step := range s.Steps {
			last = max(last, step.End)
		}
		from = append(from, fmt.Sprintf("%d-%d", s.From.Start, last))
	}
	fmt.Fprintf(&b, "#!%s\n# From %s:%s.\nset -e\n", interpreter, w.m.File.Name, strings.Join(from, ", "))
	for _, step := range w.steps {
		switch step.Command.(type) {
		case *instructions.CopyCommand, *instructions.AddCommand:
			b.WriteString(w.copying(step))
		case *instructions.WorkdirCommand:
			if dir, ok := commands.Workdir(step); ok {
				fmt.Fprintf(&b, "mkdir -p %s\n", notation.InShell(w.m.DirectoryText(step, dir)))
			}
		case *instructions.RunCommand:
			b.WriteString(w.run(step))
		}
	}
	for _, t := range w.list {
		for _, l := range t.Moves {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// copying are the commands that do what a COPY does.
func (w *stageWriter) copying(step *dockerfile.Step) string {
	c := step.Copy
	if w.m.FromOutside(c) {
		return w.fetched(w.m.FromImage(step))
	}
	if c.From != "" {
		t := w.m.Take(step)
		if t == nil {
			return ""
		}
		lines := t.Here()
		if w.m.GivesLater(c) {
			lines = append(lines, t.Giving()...)
		}
		return strings.Join(append(lines, ""), "\n")
	}
	if add, ok := step.Command.(*instructions.AddCommand); ok && !c.Known {
		if o := w.m.Download(step, add); o != nil {
			return w.fetched(o)
		}
	}
	files := slices.Concat(c.Files, w.m.Flagged(step))
	if !c.Known && len(files) == 0 {
		w.m.Report.Record(step.Start, report.Lost, "which files it copies is not known")
		return ""
	}
	var lines []string
	for n, source := range c.Sources {
		name := paths.Inside(source)
		if c.Known && w.m.IsDir(name) {
			lines = append(lines, w.directory(step, n)...)
			continue
		}
		for _, f := range files {
			if f.Source == name || c.Known && glob.Has(name) || !c.Known && paths.Within(f.Source, path.Clean(name)) {
				lines = append(lines, w.file(step, f)...)
			}
		}
	}
	return strings.Join(append(lines, ""), "\n")
}

// file are the commands that copy one file of the context.
func (w *stageWriter) file(step *dockerfile.Step, f *dockerfile.CopiedFile) []string {
	target := w.m.TargetText(step, f.Target)
	out := append(w.folders(step, path.Dir(target)), fmt.Sprintf("cp -a %s %s", w.m.ContextFile(&commands.Copied{CopiedFile: f}), notation.InShell(target)))
	for _, set := range w.attributes(step) {
		if f.Mode&fs.ModeSymlink == 0 || !strings.HasPrefix(set, "chmod") {
			out = append(out, set+" "+notation.InShell(target))
		}
	}
	return out
}

// folders are the commands that make a directory; with --chown, it is the owner's
// where it is new, and so are those above it.
func (w *stageWriter) folders(step *dockerfile.Step, dir string) []string {
	if step.Copy.Chown == "" {
		return []string{"mkdir -p " + notation.InShell(dir)}
	}
	var out []string
	for at := dir; !paths.Everywhere(at) && at != "."; at = path.Dir(at) {
		out = append(out, fmt.Sprintf("[ -d %s ] || { mkdir %[1]s && %s %[1]s; }", notation.InShell(at), w.attributes(step)[0]))
	}
	slices.Reverse(out)
	return out
}

// directory are the commands that copy what is in a step's n-th source. Owner and
// mode are given to that alone.
func (w *stageWriter) directory(step *dockerfile.Step, n int) []string {
	dest, from := notation.InShell(w.m.DestText(step)), notation.InShell(graph.ContextMount+"/"+w.m.SourceText(step, n))
	out := append(w.folders(step, w.m.DestText(step)), scripts.WholeLine(w.stages[0], from, dest))
	for _, set := range w.attributes(step) {
		which := ""
		if strings.HasPrefix(set, "chmod") {
			which = "! -type l "
		}
		out = append(out, fmt.Sprintf("(cd %s && find . -mindepth 1 %s-exec %s %s/{} \\;)", from, which, set, dest))
	}
	return out
}

// attributes are the commands that give owner and mode, as the flags of a COPY say.
func (w *stageWriter) attributes(step *dockerfile.Step) []string {
	var out []string
	if c := step.Copy; c.Chown != "" {
		text, _ := w.m.Text(c.Chown, step.Scope, w.m.NamesAt(step))
		owner := notation.InShell(text)
		if !strings.Contains(text, "$") {
			owner = fetch.WithGroup(text)
		}
		out = append(out, "chown -h "+owner)
	}
	if c := step.Copy; c.Chmod != "" {
		text, _ := w.m.Text(c.Chmod, step.Scope, w.m.NamesAt(step))
		out = append(out, "chmod "+notation.InShell(text))
	}
	return out
}

// fetched are the commands that copy out of a source.
func (w *stageWriter) fetched(o *commands.Op) string {
	if o == nil {
		return "" // it is lost
	}
	w.sources = append(w.sources, o.Source.Name)
	return strings.Join(append(o.Fetched, ""), "\n")
}

// run is a RUN as a subshell.
func (w *stageWriter) run(step *dockerfile.Step) string {
	var ops []*commands.Op
	for _, o := range w.ops {
		if o.Step == step && !o.Gone {
			ops = append(ops, o)
		}
	}
	return w.m.Subshell(ops)
}
