package migrate

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
	"github.com/pgstrata/pgstrata/paths"
)

// stageWriter makes one script of a stage, and of the stages that it is made
// from.
type stageWriter struct {
	m      isolation
	stages []*dockerfile.StageReading
	steps  []*dockerfile.Step
	list   []*taken
	ops    []*op
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
	if s.Bottom().Image == "scratch" && !collects(s) {
		return "the stage's base is scratch: a script needs a shell"
	}
	if s.On != nil {
		if from := w.flatten(s.On, done); from != "" {
			return from
		}
	}
	for _, step := range s.Steps {
		if c := step.Copy; c != nil && c.From != "" {
			if w.m.fromOutside(c) {
				continue // a source
			}
			if a, b := w.m.ownBase(s), w.m.ownBase(c.Stage); a != b {
				return fmt.Sprintf("the stage copies from the stage %s, which has another base: one script has one", stageName(c.Stage.Stage))
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
func (w *stageWriter) entry() *entry {
	if o := w.only(); o != nil {
		return &entry{script: script{path: o.call.source}, ops: []*op{o}}
	}
	text := w.script()
	e := &entry{generated: &File{Data: []byte(text), Mode: 0o755}, title: w.title(), ops: w.ops}
	e.sources = slices.Compact(slices.Sorted(slices.Values(w.sources)))
	if len(w.sources) > 0 {
		e.network = "default" // as any RUN has it
	}
	for _, step := range w.steps {
		if step.Copy == nil || step.Copy.From != "" {
			continue
		}
		for _, f := range w.m.flagged(step) {
			e.inputs = append(e.inputs, escapedGlob(f.Source))
		}
		for n := range step.Copy.Sources {
			if step.Copy.Known {
				e.inputs = append(e.inputs, w.m.inputsOf(step, n)...)
			}
		}
	}
	return e
}

func (w *stageWriter) title() string {
	last := w.stages[len(w.stages)-1]
	if last.Name != "" {
		return slug(last.Name)
	}
	return fmt.Sprintf("stage-%d", last.Index)
}

// only is the script that the stage runs, when it does no more, and finds all
// that it reads by its own place.
func (w *stageWriter) only() *op {
	var found *op
	for _, o := range w.ops {
		if o.gone || o.state {
			continue
		}
		if found != nil || !o.script() || !w.m.direct(o) {
			return nil
		}
		found = o
	}
	if found == nil || slices.ContainsFunc(w.list, func(t *taken) bool { return len(t.moves) > 0 }) {
		return nil
	}
	program := w.m.load(found.call.source)
	if program == nil || found.facts.Opaque != "" {
		return nil
	}
	seen := map[string]bool{found.call.source: true}
	for _, s := range program.Closure() {
		seen[s.Path] = true
	}
	for target, f := range found.reads() {
		if !seen[f.Source] && (speaksOf(program, target) || !finds(program, f.Source)) {
			return nil
		}
		if found.touches(target) {
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
	fmt.Fprintf(&b, "#!%s\n# From %s:%s.\nset -e\n", interpreter, w.m.file.Name, strings.Join(from, ", "))
	for _, step := range w.steps {
		switch step.Command.(type) {
		case *instructions.CopyCommand, *instructions.AddCommand:
			b.WriteString(w.copying(step))
		case *instructions.WorkdirCommand:
			if dir, ok := workdir(step); ok {
				fmt.Fprintf(&b, "mkdir -p %s\n", inShell(w.m.madeText(step, dir)))
			}
		case *instructions.RunCommand:
			b.WriteString(w.run(step))
		}
	}
	for _, t := range w.list {
		for _, l := range t.moves {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// copying are the commands that do what a COPY does.
func (w *stageWriter) copying(step *dockerfile.Step) string {
	c := step.Copy
	if w.m.fromOutside(c) {
		return w.fetched(w.m.fromImage(step))
	}
	if c.From != "" {
		t := w.m.take(step)
		if t == nil {
			return ""
		}
		lines := t.here()
		if w.m.givesLater(c) {
			lines = append(lines, t.giving()...)
		}
		return strings.Join(append(lines, ""), "\n")
	}
	if add, ok := step.Command.(*instructions.AddCommand); ok && !c.Known {
		if o := w.m.download(step, add); o != nil {
			return w.fetched(o)
		}
	}
	files := slices.Concat(c.Files, w.m.flagged(step))
	if !c.Known && len(files) == 0 {
		w.m.report.went(step.Start, Lost, "which files it copies is not known")
		return ""
	}
	var lines []string
	for n, source := range c.Sources {
		name := paths.Inside(source)
		if c.Known && w.m.isDir(name) {
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
	target := w.m.targetText(step, f.Target)
	out := append(w.folders(step, path.Dir(target)), fmt.Sprintf("cp -a %s %s", w.m.contextFile(&copied{CopiedFile: f}), inShell(target)))
	for _, set := range w.attributes(step) {
		if f.Mode&fs.ModeSymlink == 0 || !strings.HasPrefix(set, "chmod") {
			out = append(out, set+" "+inShell(target))
		}
	}
	return out
}

// folders are the commands that make a directory; with --chown, it is the owner's
// where it is new, and so are those above it.
func (w *stageWriter) folders(step *dockerfile.Step, dir string) []string {
	if step.Copy.Chown == "" {
		return []string{"mkdir -p " + inShell(dir)}
	}
	var out []string
	for at := dir; !paths.Everywhere(at) && at != "."; at = path.Dir(at) {
		out = append(out, fmt.Sprintf("[ -d %s ] || { mkdir %[1]s && %s %[1]s; }", inShell(at), w.attributes(step)[0]))
	}
	slices.Reverse(out)
	return out
}

// directory are the commands that copy what is in a step's n-th source. Owner and
// mode are given to that alone.
func (w *stageWriter) directory(step *dockerfile.Step, n int) []string {
	dest, from := inShell(w.m.destText(step)), inShell(graph.ContextMount+"/"+w.m.sourceText(step, n))
	out := append(w.folders(step, w.m.destText(step)), wholeLine(w.stages[0], from, dest))
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
		text, _ := w.m.text(c.Chown, step.Scope, w.m.namesAt(step))
		owner := inShell(text)
		if !strings.Contains(text, "$") {
			owner = withGroup(text)
		}
		out = append(out, "chown -h "+owner)
	}
	if c := step.Copy; c.Chmod != "" {
		text, _ := w.m.text(c.Chmod, step.Scope, w.m.namesAt(step))
		out = append(out, "chmod "+inShell(text))
	}
	return out
}

// fetched are the commands that copy out of a source.
func (w *stageWriter) fetched(o *op) string {
	if o == nil {
		return "" // it is lost
	}
	w.sources = append(w.sources, o.source.name)
	return strings.Join(append(o.fetched, ""), "\n")
}

// run is a RUN as a subshell.
func (w *stageWriter) run(step *dockerfile.Step) string {
	var ops []*op
	for _, o := range w.ops {
		if o.step == step && !o.gone {
			ops = append(ops, o)
		}
	}
	if !slices.ContainsFunc(ops, func(o *op) bool { return !o.state }) {
		return ""
	}
	g := &generator{m: w.m.counted, ops: ops, verbatim: true}
	_, options := shebang(step.Scope.Shell)
	how := g.joined(options)
	var b strings.Builder
	b.WriteString("(\n")
	if how == byAnd || how == byLine && !slices.Contains(options, "-e") && !slices.ContainsFunc(ops, func(o *op) bool { return setsErrexit(o.text) }) {
		b.WriteString("set +e\n")
	}
	if len(options) > 0 {
		b.WriteString("set " + strings.Join(options, " ") + "\n")
	}
	for _, v := range g.overrides() {
		b.WriteString("export " + v + "\n")
	}
	g.body(how)
	b.WriteString(g.b.String() + ")\n")
	return b.String()
}

// here are the commands that do in the script itself what its outputs would say.
func (t *taken) here() []string {
	out := slices.Clone(t.moves)
	for _, o := range t.outputs {
		if o.into != "" {
			out = append(out, "mkdir -p "+inShell(o.into), fmt.Sprintf("cp -a %s %s", o.from, inShell(o.into)))
		}
		if o.owner != "" {
			out = append(out, fmt.Sprintf("chown -R %s %s", o.owner, o.path))
		}
	}
	return out
}
