package dockerfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/cache"
)

// item is one instruction of the rewritten Dockerfile.
type item struct {
	// in is the instruction that it comes from.
	in *Instruction
	// text is what is written.
	text string
	// scope is what holds in front of the original.
	scope *scope
	// arg is the variable of an ARG, copy the effect of a COPY, facts those of
	// a RUN.
	arg   string
	copy  *copying
	facts *facts
	// group numbers the RUN line that a step is a part of, 0 for a whole one.
	group int
	// part is what it is of that line; nil for a whole one.
	part *part
	// whole is the COPY, or the step, that was taken apart to make it; nil for
	// any other.
	whole *item
	// first is the part of the same COPY that makes the directories; nil where
	// there is none.
	first *item
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
	moded *moding
	// mounts and caches are what the step gets.
	mounts []mount
	caches []cache.Mount
	// order is its place in the original.
	order int
}

// mount makes a part of the build context visible in a step. The mode is that
// of a file which has another in the context.
type mount struct{ source, target, mode string }

// Decision tells what became of an instruction.
type Decision struct {
	// Line is the instruction's, counted from 1.
	Line int
	// Text tells it, without file and line.
	Text string
}

// stageReader turns a stage into items.
type stageReader struct {
	file      *File
	stage     *Stage
	below     *stageReader // of the stage that it builds on; nil for an image
	opt       *Options
	global    *scope
	scope     *scope
	root      *rootfs
	items     []*item
	groups    int
	asked     []asked         // by each group
	withheld  map[string]bool // what the driver of the last RUN exports and not every step gets
	moved     bool
	decisions []Decision
}

func (r *stageReader) decide(in *Instruction, format string, args ...any) {
	r.decisions = append(r.decisions, Decision{in.Start, fmt.Sprintf(format, args...)})
}

// read goes through the stage's instructions in order.
func (r *stageReader) read() {
	for _, in := range r.stage.Instructions {
		it := &item{in: in, text: in.Text, scope: r.scope.clone()}
		switch cmd := in.Command.(type) {
		case *instructions.CopyCommand, *instructions.AddCommand:
			if it.copy = r.root.copies(it); it.copy != nil {
				it.copy.unasked = r.opt.Unasked
			}
			r.add(it)
		case *instructions.RunCommand:
			r.run(it, cmd)
		case *instructions.ArgCommand:
			r.args(it, cmd)
		default:
			r.add(it)
		}
		r.scope.apply(in.Command, r.global, r.opt.Args)
	}
}

func (r *stageReader) add(it *item) {
	it.order = len(r.items)
	r.items = append(r.items, it)
}

// args makes an item of each variable, so that each can move on its own.
func (r *stageReader) args(it *item, cmd *instructions.ArgCommand) {
	if len(cmd.Args) == 1 {
		it.arg = cmd.Args[0].Key
		r.add(it)
		return
	}
	for _, a := range cmd.Args {
		one := *it
		one.arg = a.Key
		one.text = "ARG " + a.Key
		if a.Value != nil {
			one.text += "=" + doubleQuoted(*a.Value)
		}
		r.add(&one)
	}
}

// doubleQuoted writes a value so that its variables are still expanded.
func doubleQuoted(s string) string {
	return `"` + strings.NewReplacer(`"`, `\"`).Replace(s) + `"`
}

// run reads a RUN instruction, and takes it apart where that is safe.
func (r *stageReader) run(it *item, cmd *instructions.RunCommand) {
	text, ok := runText(cmd)
	if !ok {
		it.facts = &facts{opaque: "no shell of the image reads it", touched: map[string]bool{"/": true}}
		r.root.forget("/")
		r.root.made["/"] = true
		r.add(it)
		return
	}
	binds, root := r.binds(it)
	root.asked = asked{}
	f := root.examine(text, it.scope)
	parts, name, err := root.split(text, it.scope, f)
	if err == nil && len(parts) > 0 {
		it.facts = f
		if why := first(r.unsplittable(it), keepsState(it)); why != "" {
			err = cannot("%s", why)
		}
	}
	if why := root.doubtful(f); why != "" && (err != nil || len(parts) > 0) {
		err = cannot("%s", why)
	}
	var steps []*item
	r.withheld = map[string]bool{}
	if err == nil && len(parts) > 0 {
		if steps, err = r.steps(root, it, f, parts); err == nil {
			err = r.unanswered(it, root.asked)
		}
	}
	if err != nil {
		why := err.Error()
		if rest, ok := strings.CutPrefix(why, "it "); ok {
			why = name + " " + rest
		}
		r.decide(it.in, "kept whole: %s", why)
	}
	if err != nil || len(parts) == 0 {
		root.asked = nil
		it.facts = root.examine(text, it.scope)
		r.after(it)
		r.add(it)
		return
	}
	r.groups++
	r.asked = append(r.asked, root.asked)
	if r.opt.Unasked {
		root.asked = nil
	}
	varies := r.varying(root, text, it, f, parts)
	for _, step := range steps {
		step.group, step.varies = r.groups, varies
		r.after(step)
		r.add(step)
	}
	narrowed := narrow(steps, binds)
	r.decide(it.in, "%s split into %d steps", name, len(steps))
	if len(r.withheld) > 0 {
		r.decide(it.in, "what it exports is given only to the steps that may read it: %s", few(slices.Sorted(maps.Keys(r.withheld))))
	}
	if len(narrowed) > 0 {
		r.decide(it.in, "steps that are known get the files that they read in place of the mount of %s", few(narrowed))
	}
}

// after carries what is known of the files over a step. A program of which is not
// known what it writes may have changed each of them, unless it is one of a driver's:
// what the steps of one RUN write is for them to know.
func (r *stageReader) after(it *item) {
	after(r.root, it)
	if f := it.facts; it.group == 0 && f.opaque == "" {
		switch {
		case f.unknown != "":
			r.root.doubt(f.unknown)
		case f.wild != "":
			r.root.doubt("a program of an earlier step")
		}
	}
}

func after(root *rootfs, it *item) {
	if it.facts.opaque != "" {
		root.forget("/")
		root.made["/"] = true
		return
	}
	maps.Copy(root.made, it.facts.made)
	if it.moded = modesOf(root, it.facts); it.moded != nil {
		for _, name := range it.moded.files {
			root.files[name].chmod(it.moded.mode)
		}
		return
	}
	for t := range it.facts.touched {
		root.forget(t)
	}
}

// newStageReader returns a reader for a stage on a base.
func newStageReader(f *File, s *Stage, opt *Options, global, base *scope, config *ocispecs.ImageConfig) *stageReader {
	sc := base
	if sc == nil {
		sc = newScope(f.Escape, config)
	} else {
		sc = sc.clone()
	}
	return &stageReader{file: f, stage: s, opt: opt, global: global, scope: sc, root: newRootfs(opt.Context)}
}
