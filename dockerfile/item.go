package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/shell"
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
			it.copy = r.root.copies(it)
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
	f := root.examine(text, it.scope)
	parts, name, err := root.split(text, it.scope, f)
	if err == nil && len(parts) > 0 {
		it.facts = f
		if why := first(r.unsplittable(it), keepsState(it)); why != "" {
			err = cannot("%s", why)
		}
	}
	var steps []*item
	if err == nil && len(parts) > 0 {
		steps, err = r.steps(root, it, f, parts)
	}
	if err != nil {
		why := err.Error()
		if rest, ok := strings.CutPrefix(why, "it "); ok {
			why = name + " " + rest
		}
		r.decide(it.in, "kept whole: %s", why)
	}
	if err != nil || len(parts) == 0 {
		it.facts = f
		r.after(it)
		r.add(it)
		return
	}
	r.groups++
	varies := r.varying(root, text, it, f, parts)
	for _, step := range steps {
		step.group, step.varies = r.groups, varies
		r.after(step)
		r.add(step)
	}
	narrow(steps, binds)
	r.decide(it.in, "%s split into %d steps", name, len(steps))
}

// varying are the args that a driver speaks of and whose values are in the text
// of its parts: with another value they are others.
func (r *stageReader) varying(root *rootfs, text string, it *item, f *facts, parts []part) map[string]bool {
	out := map[string]bool{}
	for name, value := range it.scope.args {
		if !f.mentions(name) {
			continue
		}
		sc := it.scope.clone()
		sc.args[name] = value + "0"
		others, _, err := root.split(text, sc, root.examine(text, sc))
		out[name] = err != nil || !slices.EqualFunc(parts, others, func(a, b part) bool { return a.text == b.text && a.dir == b.dir && len(varying(a.env, b.env)) == 0 })
	}
	return out
}

// steps makes the steps of a RUN line. Its parts were told from the files as they
// were before it, so none of them may change what a later one runs.
func (r *stageReader) steps(root *rootfs, it *item, f *facts, parts []part) ([]*item, error) {
	var out []*item
	named := func(variable string) bool {
		return slices.ContainsFunc(f.program.Programs, func(p *shell.Program) bool {
			_, _, ok := p.Mentions(variable)
			return ok && !slices.ContainsFunc(parts, func(one part) bool { return one.of == p })
		})
	}
	for i := range parts {
		step := r.step(root, it, &parts[i], named)
		if step.facts.opaque != "" {
			return nil, cannot("a script changes what a later one needs: %s", step.facts.opaque)
		}
		moded := modes(root, step.facts)
		for _, later := range parts[i+1:] {
			if moded == nil && later.child != nil && changesScript(step.facts, later.child) {
				return nil, cannot("a script changes %s, or what is beside it, before it runs", base(later.child.Absolute))
			}
		}
		after(root, step)
		out = append(out, step)
	}
	return out, nil
}

// changesScript reports whether a step may change a script, or which scripts the
// loop over a pattern finds that it comes from.
func changesScript(f *facts, script *shell.Child) bool {
	found := slices.ContainsFunc(script.Guards, func(g shell.Guard) bool {
		return g.Kind == shell.GuardFor && strings.ContainsAny(g.Text, "*?[")
	})
	for t := range f.touched {
		if Within(script.Absolute, t) || found && path.Dir(t) == path.Dir(script.Absolute) {
			return true
		}
	}
	return false
}

// unsplittable tells why a RUN of this stage cannot be taken apart, "" if it
// can.
func (r *stageReader) unsplittable(it *item) string {
	if r.stage.Platform != "" {
		return "its stage has a --platform"
	}
	if !it.scope.root() {
		return "it runs as " + it.scope.user
	}
	for _, name := range []string{"BASH_ENV", "ENV"} {
		if v, ok := it.scope.Get(name); ok && v != "" {
			return name + " names a file that every shell reads first"
		}
	}
	for _, other := range r.stage.Instructions {
		switch other.Command.(type) {
		case *instructions.OnbuildCommand:
			return "its stage has ONBUILD"
		case *instructions.CmdCommand:
			if other.Start < it.in.Start {
				return "CMD comes before it"
			}
		}
	}
	return ""
}

// step is one part of a RUN line. It gets those variables of its driver that
// it may read; named tells which of them a script speaks of.
func (r *stageReader) step(root *rootfs, of *item, p *part, named func(variable string) bool) *item {
	sc := of.scope.clone()
	for _, v := range p.env {
		sc.env[v.Name] = v.Value.Value
	}
	f := root.examine(p.line(of.scope.dir, func(string) bool { return false }), sc)
	exported := func(name string) bool { return f.mayRead(name, named(name)) }
	text := "RUN "
	for _, flag := range of.in.Flags {
		text += flag + " "
	}
	it := *of
	it.text, it.facts, it.group, it.part = text+p.line(of.scope.dir, exported), f, r.groups, p
	return &it
}

// after carries what is known of the files over a step.
func (r *stageReader) after(it *item) { after(r.root, it) }

func after(root *rootfs, it *item) {
	if it.facts.opaque != "" {
		root.forget("/")
		root.made["/"] = true
		return
	}
	maps.Copy(root.made, it.facts.made)
	if it.moded = modes(root, it.facts); it.moded != nil {
		for _, name := range it.moded.files {
			root.files[name].chmod(it.moded.mode)
		}
		return
	}
	for t := range it.facts.touched {
		root.forget(t)
	}
}

// chmod notes a mode that a step gives to a file.
func (f *copiedFile) chmod(mode string) {
	f.executable = true
	switch n, err := strconv.ParseUint(mode, 8, 12); {
	case err == nil:
		f.perm = fmt.Sprintf("%04o", n)
	case f.perm == "" && mode != "":
		f.perm = fmt.Sprintf("%04o", f.mode.Perm()|0o111)
	default:
		f.perm = ""
	}
}

// moding is what a step makes executable: copied files, and directories of
// nothing else, with all that is below them.
type moding struct {
	// mode is what chmod is given, "" when that differs between them.
	mode        string
	files, dirs []string
}

// modes returns what a step makes executable when it does nothing else, or nil.
func modes(root *rootfs, f *facts) *moding {
	if len(f.touched) == 0 || len(f.trees) > 0 {
		return nil
	}
	m := &moding{}
	down, first := false, true
	for _, c := range f.calls() {
		switch {
		case c.Name == "chmod" && len(c.Args) >= 2:
			mode := c.Arg(0)
			if recursive(c) {
				mode, down = c.Arg(1), true
			}
			if mode != "+x" && mode != "a+x" && (len(mode) < 3 || strings.Trim(mode, "01234567") != "" || !strings.ContainsAny(mode[len(mode)-3:], "1357")) {
				return nil
			}
			if !first && mode != m.mode {
				mode = ""
			}
			m.mode, first = mode, false
		case c.Name == "set" || c.Name == "cd":
		default:
			return nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.touched)) {
		switch d := root.dirs[name]; {
		case root.files[name] != nil:
			m.files = append(m.files, name)
		case down && d != nil && d.complete:
			m.files = append(m.files, root.below(name)...)
			m.dirs = append(m.dirs, name)
		default:
			return nil
		}
	}
	return m
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
