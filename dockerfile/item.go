package dockerfile

import (
	"fmt"
	"maps"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/cache"
)

// Item is one instruction of a layout.
type Item struct {
	// In is the instruction that it comes from.
	In *Instruction
	// Mounts and Caches are what a step gets.
	Mounts []Mount
	Caches []cache.Mount

	// own is its variable, of an ARG that declares several; fixed is the value of
	// one that is declared again.
	own   *instructions.KeyValuePairOptional
	fixed *string
	// command is what a step runs, "" for the original's; without are the flags
	// of the original that it does not have.
	command string
	without []string
	// listed says that a COPY names the files that it makes, excludes are the names
	// that it leaves out, and owner is what it got from a step.
	listed   bool
	excludes []string
	owner    attributes
	// names stand in place of the numbers of stages.
	names map[string]string

	// scope is what holds in front of the original.
	scope *Scope
	// arg is the variable of an ARG, copy the effect of a COPY, facts those of
	// a RUN.
	arg   string
	copy  *copyEffect
	facts *Facts
	// layer numbers the RUN line that a step is a part of, 0 for a whole one; group
	// is the same where the line runs scripts, which its steps are spared.
	layer, group int
	// part is what it is of that line; nil for a whole one.
	part *Part
	// whole is the COPY, or the step, that was taken apart to make it; nil for
	// any other.
	whole *Item
	// first is the part of the same COPY that makes the directories; nil where
	// there is none.
	first *Item
	// varies are the args that its driver makes its text of.
	varies map[string]bool
	// spared says that a COPY holds, or that a step changes, only what not every
	// step of a driver sees.
	spared bool
	// folded says that a COPY got owner and mode from a step.
	folded bool
	// moved says that it comes after a step which it was in front of.
	moved bool
	// moded is what a step sets the mode of, when it does no more than that.
	moded *modeChange
	// order is its place in the original.
	order int
}

// Mount makes a part of the build context visible in a step. The mode is that
// of a file which has another in the context, "" for the same.
type Mount struct{ Source, Target, Mode string }

// Sources are the paths of the build context that a COPY or ADD names, as they
// are written.
func (it *Item) Sources() []string {
	if !it.listed {
		return sourcesOf(it.In.Command).context()
	}
	var out []string
	for _, name := range it.copy.files {
		out = append(out, it.copy.by[name].Source)
	}
	return out
}

// stageReader turns a stage into items.
type stageReader struct {
	file      *File
	stage     *Stage
	below     *stageReader // of the stage that it builds on; nil for an image
	opt       *Options
	global    *Scope
	scope     *Scope
	root      *rootfs
	items     []*Item
	layers    int
	groups    int             // those of them whose steps are spared each other's scripts
	asked     []asked         // by each layer
	withheld  map[string]bool // what the driver of the last RUN exports and not every step gets
	moved     bool
	decisions []Decision
}

func (r *stageReader) decide(in *Instruction, kind DecisionKind, format string, args ...any) {
	r.decisions = append(r.decisions, Decision{in.Start, kind, fmt.Sprintf(format, args...)})
}

// walk goes through the stage's instructions in order: visit gets each with what
// holds in front of it, and a COPY with its effect.
func (r *stageReader) walk(visit func(it *Item)) {
	for _, in := range r.stage.Instructions {
		it := &Item{In: in, scope: r.scope.clone()}
		switch in.Command.(type) {
		case *instructions.CopyCommand, *instructions.AddCommand:
			it.copy = r.root.copies(it)
		}
		visit(it)
		r.scope.apply(in.Command, r.global, r.opt.Args)
	}
}

// read makes items of an instruction.
func (r *stageReader) read(it *Item) {
	switch cmd := it.In.Command.(type) {
	case *instructions.RunCommand:
		r.run(it, cmd)
	case *instructions.ArgCommand:
		r.args(it, cmd)
	default:
		if it.copy != nil {
			it.copy.unasked = r.opt.Unasked
		}
		r.add(it)
	}
}

func (r *stageReader) add(it *Item) {
	it.order = len(r.items)
	r.items = append(r.items, it)
}

// args makes an item of each variable, so that each can move on its own.
func (r *stageReader) args(it *Item, cmd *instructions.ArgCommand) {
	if len(cmd.Args) == 1 {
		it.arg = cmd.Args[0].Key
		r.add(it)
		return
	}
	for i := range cmd.Args {
		one := *it
		one.arg, one.own = cmd.Args[i].Key, &cmd.Args[i]
		r.add(&one)
	}
}

// run reads a RUN instruction, and takes it apart where that is safe.
func (r *stageReader) run(it *Item, cmd *instructions.RunCommand) {
	text, ok := runText(cmd)
	if !ok {
		it.facts = &Facts{Touched: Paths{"/": true}}
		it.facts.giveUp(nil, cannot(forNoShell))
		r.tellUntouched(it, r.root, it.In.Text)
		r.root.forgetAll()
		r.add(it)
		return
	}
	binds, root := r.binds(it)
	root.asked = asked{}
	f := root.examine(text, it.scope)
	parts, name, err := root.split(text, it.scope, f)
	if err == nil && len(parts) > 0 {
		it.facts = f
		err = r.unsplittable(it)
	}
	if program, file := root.doubtful(f); program != "" && (err != nil || len(parts) > 0) {
		err = cannot(changedByOther, program, file)
	}
	var steps []*Item
	r.withheld = map[string]bool{}
	if err == nil && len(parts) > 0 {
		if steps, err = r.steps(root, it, f, parts); err == nil {
			err = r.unanswered(it, root.asked)
		}
	}
	if err != nil || len(parts) == 0 {
		root.asked = nil
		it.facts = root.examine(text, it.scope)
		steps := r.divide(root, it, text)
		if steps == nil {
			steps = []*Item{it}
			if err == nil {
				r.tellUntouched(it, root, text)
			}
			r.after(it)
		}
		for _, step := range steps {
			r.add(step)
		}
		r.tellWhole(steps, err)
		return
	}
	r.layers++
	r.groups++
	r.asked = append(r.asked, root.asked)
	if r.opt.Unasked {
		root.asked = nil
	}
	varies := r.varying(root, text, it, f, parts)
	for _, step := range steps {
		step.layer, step.group, step.varies = r.layers, r.layers, varies
		r.after(step)
		r.add(step)
	}
	if slices.ContainsFunc(steps, func(step *Item) bool { return step.facts.opened }) {
		r.root.forgetAll()
	}
	narrowed := narrow(steps, binds)
	r.decide(it.In, Split, "%s split into %d steps", name, len(steps))
	if len(r.withheld) > 0 {
		r.decide(it.In, Moved, "what it exports is given only to the steps that may read it: %s", few(slices.Sorted(maps.Keys(r.withheld))))
	}
	if len(narrowed) > 0 {
		r.decide(it.In, Narrowed, "steps that are known get the files that they read in place of the mount of %s", few(narrowed))
	}
}

// tellWhole says what became of a RUN whose scripts are no steps: err is why.
func (r *stageReader) tellWhole(steps []*Item, err error) {
	if len(steps) == 1 {
		if err != nil {
			r.decide(steps[0].In, Whole, "kept whole: %s", explained(err))
		}
		return
	}
	layers := "a layer each"
	if steps[0].layer > 0 {
		layers = "which become one layer"
	}
	why := ""
	if err != nil {
		why = "; its scripts are not told apart: " + explained(err)
	}
	r.decide(steps[0].In, Divided, "divided after the commands that take long: %d steps, %s%s", len(steps), layers, why)
}

// divide makes steps of a RUN that is a chain of commands; nil of any other.
func (r *stageReader) divide(root *rootfs, it *Item, text string) []*Item {
	if r.opt.Whole[it.In.Start] != "" || keepsState(it) != nil || readFirst(it.scope) != "" {
		return nil
	}
	parts, layered := root.divide(text, it.scope, it.facts)
	if len(parts) == 0 || !layered && (r.opt.NoDiff || r.undividable(it) != nil) {
		return nil
	}
	for i := range parts {
		f := root.examine(parts[i].Text, it.scope)
		if slices.ContainsFunc(parts[i+1:], func(later Part) bool { return f.removesDir(later.starts) != "" }) {
			return nil
		}
	}
	layer := 0
	if !layered {
		r.layers++
		r.asked = append(r.asked, nil)
		layer = r.layers
	}
	r.moved = true
	var out []*Item
	for i := range parts {
		step := r.step(root, it, &parts[i], func(string) bool { return true })
		step.layer, step.group = layer, 0
		forget.after(root, step.facts)
		r.after(step)
		step.moded = nil // what it changes it changes in its place
		out = append(out, step)
	}
	return out
}

// after carries what is known of the files over a step. A program of which is not
// known what it writes may have changed each of them, unless it is one of a driver's:
// what the steps of one RUN write is for them to know.
func (r *stageReader) after(it *Item) {
	it.moded = forget.after(r.root, it.facts)
	if f := it.facts; it.group == 0 && f.Opaque == "" {
		switch {
		case f.Unknown != "":
			r.root.doubt(f.Unknown + " in " + r.place(it.In))
		case f.Wild != "":
			r.root.doubt("a program in " + r.place(it.In))
		}
	}
}
