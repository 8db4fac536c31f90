package dockerfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pgstrata/pgstrata/shell"
)

// Driver is a script that runs others.
type Driver struct {
	// Program is the driver's own.
	Program *shell.Program
	// Parts are the steps that it can be taken apart into; Why says why there
	// are none.
	Parts []*Part
	Why   string
	// Checks are places in it, as file:line, that end the build for some values
	// of the args: no part does.
	Checks []string
}

// driver takes a driver apart for any values of the args.
func (p *runReader) driver(one *Command, program *shell.Program, runs *shell.Child) *Driver {
	sub := drives(program, runs)
	out := &Driver{Program: sub}
	parts, cond, err := p.parts(program, sub, runs)
	if err == nil && (len(runs.Redirects) > 0 || len(runs.Wrappers) > 0 || runs.Dir == "" || len(runs.Args) > 0) {
		err = cannot(moreThanRun, driverName(runs))
	}
	if err != nil {
		out.Why = err.Error()
		return out
	}
	others, err := p.elsewhere(one)
	if err != nil || len(others) != len(parts) {
		out.Why = "what it runs depends on the value of an ARG"
		return out
	}
	out.Checks = cond.checks
	root := p.root.clone() // what its scripts do to the files is for later ones of them
	for i := range parts {
		files := maps.Clone(one.Files)
		maps.DeleteFunc(files, func(name string, _ *CopiedFile) bool { return root.files[name] == nil })
		part := &parts[i]
		p.part(root, part, cond.when(part))
		part.Files = files
		if parts[i].Text != others[i].Text || parts[i].Dir != others[i].Dir {
			out.Parts, out.Why = nil, "what it runs depends on the value of an ARG"
			return out
		}
		part.Varies = varying(parts[i].Env, others[i].Env)
		if part.Child != nil && part.Files[part.Child.Absolute] != nil {
			part.Script = part.Files[part.Child.Absolute].Source
		}
		if part.Child != nil && part.Script == "" && one.Files[part.Child.Absolute] != nil {
			out.Parts, out.Why = nil, base(part.Child.Absolute)+" is changed by a script before it"
			return out
		}
		out.Parts = append(out.Parts, part)
	}
	return out
}

// part reads what a part does, and carries it over.
func (p *runReader) part(root *rootfs, of *Part, when []shell.Guard) {
	sc := p.scope.clone()
	for _, v := range of.Env {
		sc.Env[v.Name] = v.Value.Value
	}
	f := root.examine(of.line(p.scope.Dir, func(string) bool { return false }), sc)
	of.When, of.Facts = when, f
	assume.after(root, f)
}

// clone returns a copy that a step can change without any effect on this one.
func (r *rootfs) clone() *rootfs {
	n := *r
	n.files, n.dirs, n.made = maps.Clone(r.files), map[string]*copiedDir{}, maps.Clone(r.made)
	for name, d := range r.dirs {
		c := *d
		n.dirs[name] = &c
	}
	return &n
}

func varying(a, b []shell.EnvVar) []string {
	var out []string
	for _, v := range a {
		if !slices.ContainsFunc(b, func(o shell.EnvVar) bool { return o.Name == v.Name && o.Value.Value == v.Value.Value }) {
			out = append(out, v.Name)
		}
	}
	return out
}

// elsewhere are the parts of the same driver for other values of all args.
func (p *runReader) elsewhere(one *Command) ([]Part, error) {
	q := *p
	q.scope = p.scope.clone()
	for name, v := range q.scope.Args {
		q.scope.Args[name] = v + "0"
	}
	line := one.Text
	for _, s := range slices.Backward(one.Prelude) {
		line = s + "\n" + line
	}
	f := p.root.examine(line, q.scope)
	if f.Program == nil {
		return nil, errors.New("it cannot be read")
	}
	for i := range f.Program.Children {
		c := &f.Program.Children[i]
		if sub := drives(f.Program, c); sub != nil && c.Absolute == one.Child.Absolute {
			parts, _, err := q.parts(f.Program, sub, c)
			return parts, err
		}
	}
	return nil, errors.New("it runs something else")
}

// parts are those of a driver whose conditions of the kind that is kept are
// taken to hold.
func (p *runReader) parts(program, sub *shell.Program, runs *shell.Child) ([]Part, *unconditioned, error) {
	cond, err := p.unconditional(sub)
	if err != nil {
		return nil, nil, err
	}
	others := slices.DeleteFunc(slices.Clone(program.Programs), func(o *shell.Program) bool { return o == sub })
	parts, err := driver(cond.program, runs, others, p.root, p.scope)
	return parts, cond, err
}

// unconditioned is a driver without the conditions that are kept.
type unconditioned struct {
	program  *shell.Program
	children map[*shell.Child][]shell.Guard
	effects  map[*shell.Effect][]shell.Guard
	// checks are the places that end it for some values of the args.
	checks []string
}

// when are the conditions of a part.
func (u *unconditioned) when(p *Part) []shell.Guard {
	if p.Child != nil {
		return u.children[p.Child]
	}
	return u.effects[p.effect]
}

// unconditional takes out of a driver the conditions that are kept. Scripts and
// commands may stand under one, but nothing that later ones depend on. An exit
// with a failure only refuses some values of the args; it is told of in checks.
func (p *runReader) unconditional(sub *shell.Program) (*unconditioned, error) {
	out := &unconditioned{program: new(shell.Program), children: map[*shell.Child][]shell.Guard{}, effects: map[*shell.Effect][]shell.Guard{}}
	*out.program = *sub
	out.program.Children, out.program.Effects = slices.Clone(sub.Children), nil
	for i := range out.program.Children {
		c := &out.program.Children[i]
		var err error
		if out.children[c], c.Guards, err = p.kept(sub, c.Guards); err != nil {
			return nil, err
		}
	}
	var conditions [][]shell.Guard
	for i := range sub.Effects {
		e := sub.Effects[i]
		when, rest, err := p.kept(sub, e.Guards)
		if err != nil {
			return nil, err
		}
		if len(when) > 0 {
			switch {
			case e.Kind == shell.EffectCommand:
				e.Guards = rest
			case e.Kind == shell.EffectExit && e.Name != "0" && e.Name != "":
				out.checks = append(out.checks, fmt.Sprintf("%s:%d", e.From, e.Pos.Line))
				continue
			default:
				return nil, fmt.Errorf("%s does something on a condition that later scripts may depend on", place(e.From, e.Pos))
			}
		}
		out.program.Effects = append(out.program.Effects, e)
		conditions = append(conditions, when)
	}
	for i := range out.program.Effects { // only now does the slice stay where it is
		out.effects[&out.program.Effects[i]] = conditions[i]
	}
	for _, s := range sub.Scripts() {
		for _, a := range s.Assigns {
			if when, _, err := p.kept(sub, a.Guards); err != nil || len(when) > 0 {
				return nil, fmt.Errorf("%s sets %s on a condition", place(s.Path, a.Pos), a.Name)
			}
		}
	}
	return out, nil
}

// kept splits guards into those that are kept and the others.
func (p *runReader) kept(sub *shell.Program, guards []shell.Guard) (when, rest []shell.Guard, err error) {
	for _, g := range guards {
		keep, why := false, ""
		if p.keep != nil && !g.IsLoop() {
			keep, why = p.keep(sub, g)
		}
		switch {
		case why != "":
			return nil, nil, errors.New(why)
		case keep:
			when = append(when, g)
		default:
			rest = append(rest, g)
		}
	}
	return when, rest, nil
}
