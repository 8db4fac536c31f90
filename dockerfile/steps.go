package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// unanswered tells why a RUN stays whole for which it counts whether its
// directories hold anything but the copied files.
func (r *stageReader) unanswered(it *Item, questions asked) error {
	if beside := r.opt.Whole[it.In.Start]; beside != "" {
		return cannot(imageHas, beside, asksFor(it.facts.Program, beside))
	}
	for _, pattern := range slices.Sorted(maps.Keys(questions)) {
		if r.opt.Unasked {
			return cannot(imageMayHave, pattern)
		}
	}
	return nil
}

// asksFor is the place at which a driver asks whether there is a file, or goes through
// its directory.
func asksFor(p *shell.Program, file string) string {
	for _, sub := range p.Programs {
		for i := range sub.Children {
			for _, g := range sub.Children[i].Guards {
				loops := g.Kind == shell.GuardFor && glob.Has(g.Text) && path.Dir(sub.Children[i].Absolute) == path.Dir(file)
				if loops || slices.ContainsFunc(g.Tests, func(w shell.Word) bool { return w.Value == file }) {
					return place(sub.Children[i].From, g.Pos)
				}
			}
		}
	}
	return itsLine
}

// varying are the args that a driver speaks of and whose values are in the text
// of its parts: with another value they are others.
func (r *stageReader) varying(root *rootfs, text string, it *Item, f *Facts, parts []Part) map[string]bool {
	out := map[string]bool{}
	for name, value := range it.scope.Args {
		if !f.Mentions(name) {
			continue
		}
		sc := it.scope.clone()
		sc.Args[name] = value + "0"
		others, _, err := root.split(text, sc, root.examine(text, sc))
		out[name] = err != nil || !slices.EqualFunc(parts, others, func(a, b Part) bool { return a.Text == b.Text && a.Dir == b.Dir && len(varying(a.Env, b.Env)) == 0 })
	}
	return out
}

// steps makes the steps of a RUN line. Its parts were told from the files as they
// were before it, so none of them may change what a later one runs.
func (r *stageReader) steps(root *rootfs, it *Item, f *Facts, parts []Part) ([]*Item, error) {
	var out []*Item
	named := func(variable string) bool {
		return slices.ContainsFunc(f.Program.Programs, func(p *shell.Program) bool {
			_, _, ok := p.Mentions(variable)
			return ok && !slices.ContainsFunc(parts, func(one Part) bool { return one.of == p })
		})
	}
	for i := range parts {
		step := r.step(root, it, &parts[i], named)
		if f := step.facts; f.Opaque != "" {
			if !f.openUp() {
				return nil, cannot(makesOpaque, parts[i].place())
			}
			if parts[i].Child == nil || asksAfter(parts[i].Child, parts[i].of) {
				return nil, f.opaque[0].why
			}
		}
		moded := modesOf(root, step.facts)
		for _, later := range parts[i+1:] {
			if moded == nil && later.Child != nil && changesScript(step.facts, later.Child) {
				return nil, changedBefore(&parts[i], step.facts, base(later.Child.Absolute))
			}
			if dir := step.facts.removesDir(later.starts); dir != "" {
				return nil, cannot(removesStart, parts[i].place(), dir)
			}
		}
		forget.after(root, step.facts)
		out = append(out, step)
	}
	return out, nil
}

// openUp makes a step of which nothing can be said one that may read everything. That
// is so if it only runs scripts, and nothing is unknown but what these do.
func (f *Facts) openUp() bool {
	if f.Program == nil || slices.ContainsFunc(f.opaque, func(o opaqueness) bool { return o.of == nil || o.of == f.Program }) {
		return false
	}
	f.Wild, f.Opaque, f.opened = f.Opaque, "", true
	return true
}

// asksAfter reports whether a driver looks at files after it has run a script: it goes
// through a directory, or tests whether a file is there.
func asksAfter(script *shell.Child, driver *shell.Program) bool {
	if driver == nil {
		return false
	}
	asks := func(guards []shell.Guard) bool {
		return slices.ContainsFunc(guards, func(g shell.Guard) bool {
			begun := slices.ContainsFunc(script.Guards, func(of shell.Guard) bool { return of.Kind == g.Kind && of.Pos == g.Pos })
			return len(g.Tests) > 0 || !begun && g.IsLoop() && glob.Has(g.Text)
		})
	}
	ran := slices.IndexFunc(driver.Children, func(c shell.Child) bool {
		return c.From == script.From && c.Pos == script.Pos && c.Absolute == script.Absolute
	})
	return slices.ContainsFunc(driver.Children[ran+1:], func(c shell.Child) bool { return asks(c.Guards) }) ||
		slices.ContainsFunc(driver.Effects, func(e shell.Effect) bool { return e.Children > ran && asks(e.Guards) })
}

// changedBefore tells that a part may change a script that runs after it.
func changedBefore(p *Part, f *Facts, script string) error {
	if dirs := slices.Sorted(maps.Keys(f.Works)); len(dirs) > 0 {
		return cannot(worksBeside, p.place(), f.Works[dirs[0]], dirs[0], script)
	}
	return cannot(changesLater, p.place(), script)
}

// changesScript reports whether a step may change a script, or which scripts the
// loop over a pattern finds that it comes from.
func changesScript(f *Facts, script *shell.Child) bool {
	found := slices.ContainsFunc(script.Guards, func(g shell.Guard) bool {
		return g.Kind == shell.GuardFor && glob.Has(g.Text)
	})
	for t := range f.Touched {
		if paths.Within(script.Absolute, t) || found && path.Dir(t) == path.Dir(script.Absolute) {
			return true
		}
	}
	return false
}

// unsplittable tells why a RUN of this stage cannot be taken apart, nil if it
// can.
func (r *stageReader) unsplittable(it *Item) error {
	if !it.scope.Root() {
		return cannot(runsAsUser, r.lineOf(it, func(in *Instruction) bool {
			_, ok := in.Command.(*instructions.UserCommand)
			return ok
		}), it.scope.User)
	}
	if err := r.undividable(it); err != nil {
		return err
	}
	return keepsState(it)
}

// undividable tells why a RUN of this stage cannot be several steps, even if they
// see all that it sees; nil if it can.
func (r *stageReader) undividable(it *Item) error {
	if r.stage.Platform != "" {
		return cannot(hasPlatform, r.place(r.stage.From))
	}
	if name := readFirst(it.scope); name != "" {
		return cannot(readByShells, r.lineOf(it, func(in *Instruction) bool { return sets(in, name) }), name)
	}
	if r.below != nil {
		if i := slices.IndexFunc(r.below.stage.Instructions, isOnbuild); i >= 0 {
			return cannot(onbuildBelow, r.place(r.below.stage.Instructions[i]))
		}
	}
	cmd := false
	for _, above := range r.stage.Instructions[:slices.Index(r.stage.Instructions, it.In)] {
		switch above.Command.(type) {
		case *instructions.OnbuildCommand:
			return cannot(onbuildAbove, r.place(above))
		case *instructions.CmdCommand:
			cmd = true
		case *instructions.ShellCommand:
			if cmd {
				return cannot(shellBetween, r.place(above))
			}
		}
	}
	return nil
}

// place names an instruction in messages.
func (r *stageReader) place(in *Instruction) string {
	return fmt.Sprintf("%s:%d", base(r.file.Name), in.Start)
}

// lineOf is the last instruction of a kind in front of an item, in its stage or one
// below: the base image where there is none.
func (r *stageReader) lineOf(it *Item, is func(in *Instruction) bool) string {
	for s := r; s != nil; s = s.below {
		for _, in := range slices.Backward(s.stage.Instructions) {
			if (s != r || in.Start < it.In.Start) && is(in) {
				return r.place(in)
			}
		}
	}
	return "the base image"
}

// sets reports whether an instruction gives a variable a value.
func sets(in *Instruction, name string) bool {
	switch cmd := in.Command.(type) {
	case *instructions.EnvCommand:
		return slices.ContainsFunc(cmd.Env, func(kv instructions.KeyValuePair) bool { return kv.Key == name })
	case *instructions.ArgCommand:
		return slices.ContainsFunc(cmd.Args, func(a instructions.KeyValuePairOptional) bool { return a.Key == name })
	}
	return false
}

func isOnbuild(in *Instruction) bool {
	_, ok := in.Command.(*instructions.OnbuildCommand)
	return ok
}

// readFirst is the variable that names a file which each shell reads first, ""
// where none does.
func readFirst(sc *Scope) string {
	for _, name := range []string{"BASH_ENV", "ENV"} {
		if v, ok := sc.Get(name); ok && v != "" {
			return name
		}
	}
	return ""
}

// step is one part of a RUN line. It gets those variables of its driver that
// it may read; named tells which of them a script speaks of.
func (r *stageReader) step(root *rootfs, of *Item, p *Part, named func(variable string) bool) *Item {
	sc := of.scope.clone()
	for _, v := range p.Env {
		sc.Env[v.Name] = v.Value.Value
	}
	f := root.examine(p.line(of.scope.Dir, func(string) bool { return false }), sc)
	exported := func(name string) bool {
		reads := f.MayRead(name, named(name))
		if !reads {
			r.withheld[name] = true
		}
		return reads
	}
	it := *of
	it.command, it.facts, it.part = p.line(of.scope.Dir, exported), f, p
	return &it
}
