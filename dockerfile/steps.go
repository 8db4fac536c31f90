package dockerfile

import (
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
	if why := r.opt.Whole[it.In.Start]; why != "" {
		return cannot("%s", why)
	}
	for _, pattern := range slices.Sorted(maps.Keys(questions)) {
		if r.opt.Unasked {
			return cannot("whether the image has %s beside the copied files, only a build can tell", pattern)
		}
	}
	return nil
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
		if step.facts.Opaque != "" {
			return nil, cannot("a script changes what a later one needs: %s", step.facts.Opaque)
		}
		moded := modesOf(root, step.facts)
		for _, later := range parts[i+1:] {
			if moded == nil && later.Child != nil && changesScript(step.facts, later.Child) {
				return nil, changedBefore(step.facts, base(later.Child.Absolute))
			}
			if dir := step.facts.removesDir(later.starts); dir != "" {
				return nil, cannot("it takes away %s, and goes on there", dir)
			}
		}
		forget.after(root, step.facts)
		out = append(out, step)
	}
	return out, nil
}

// changedBefore tells that a step may change a script that runs after it.
func changedBefore(f *Facts, script string) error {
	if dirs := slices.Sorted(maps.Keys(f.Works)); len(dirs) > 0 {
		return cannot("%s works in %s, and may change %s before it runs; called by absolute paths, without cd and WORKDIR, the scripts are steps", f.Works[dirs[0]], dirs[0], script)
	}
	return cannot("a script changes %s, or what is beside it, before it runs", script)
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

// unsplittable tells why a RUN of this stage cannot be taken apart, "" if it
// can.
func (r *stageReader) unsplittable(it *Item) string {
	if !it.scope.Root() {
		return "it runs as " + it.scope.User
	}
	return r.undividable(it)
}

// undividable tells why a RUN of this stage cannot be several steps, even if they
// see all that it sees; "" if it can.
func (r *stageReader) undividable(it *Item) string {
	if r.stage.Platform != "" {
		return "its stage has a --platform"
	}
	if name := readFirst(it.scope); name != "" {
		return name + " names a file that every shell reads first"
	}
	if r.below != nil && slices.ContainsFunc(r.below.stage.Instructions, isOnbuild) {
		return "the stage that it builds on has ONBUILD"
	}
	cmd := false
	for _, above := range r.stage.Instructions[:slices.Index(r.stage.Instructions, it.In)] {
		switch above.Command.(type) {
		case *instructions.OnbuildCommand:
			return "ONBUILD comes before it"
		case *instructions.CmdCommand:
			cmd = true
		case *instructions.ShellCommand:
			if cmd {
				return "SHELL comes between CMD and it"
			}
		}
	}
	return ""
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
