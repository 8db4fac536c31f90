package dockerfile

import (
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
}

// Part is a script that a driver runs, or a command of its own.
type Part struct {
	// Text is a line of shell that does the same.
	Text string
	// Child is the script and Script its path in the context; nil for a
	// command.
	Child  *shell.Child
	Script string
	// Env are the variables that the driver exports to it. Dir is the directory
	// that it runs in.
	Env []shell.EnvVar
	Dir string
	// OnFail is the status that the driver makes of a failure, 0 for the same.
	OnFail int
	// When are the conditions that were kept, each of them to hold.
	When []shell.Guard
	// Facts are what it does, Files the copied files that are there before it.
	Facts *Facts
	Files map[string]*CopiedFile
	// Varies are the names of the exported variables whose values depend on
	// args.
	Varies []string
}

// driver takes a driver apart for any values of the args.
func (p *pieces) driver(one *Piece, program *shell.Program, runs *shell.Child) *Driver {
	sub := drives(program, runs)
	out := &Driver{Program: sub}
	parts, when, err := p.parts(program, sub, runs)
	if err == nil && (len(runs.Redirects) > 0 || len(runs.Wrappers) > 0 || runs.Dir == "" || len(runs.Args) > 0) {
		err = cannot("its line does more than run %s", driverName(runs))
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
	sr := *p.stage // what its scripts do to the files is for later ones of them
	sr.root = sr.root.clone()
	for i := range parts {
		files := maps.Clone(one.Files)
		maps.DeleteFunc(files, func(name string, _ *CopiedFile) bool { return sr.root.files[name] == nil })
		part := p.part(&sr, &parts[i], when[i])
		part.Files = files
		if parts[i].text != others[i].text || parts[i].dir != others[i].dir {
			out.Parts, out.Why = nil, "what it runs depends on the value of an ARG"
			return out
		}
		part.Varies = varying(parts[i].env, others[i].env)
		if part.Child != nil && part.Files[part.Child.Absolute] != nil {
			part.Script = part.Files[part.Child.Absolute].Source
		}
		out.Parts = append(out.Parts, part)
	}
	return out
}

// part reads what a part does, and carries it over.
func (p *pieces) part(sr *stageReader, of *part, when []shell.Guard) *Part {
	sc := p.scope.clone(true)
	for _, v := range of.env {
		sc.env[v.Name] = v.Value.Value
	}
	f := sr.root.examine(of.line(p.scope.dir, func(string) bool { return false }), sc)
	out := &Part{Text: of.text, Child: of.child, Env: of.env, Dir: of.dir, OnFail: of.onFail, When: when, Facts: f.export()}
	sr.after(&item{facts: f})
	return out
}

// clone returns a copy that a step can change without any effect on this one.
func (r *rootfs) clone() *rootfs {
	n := *r
	n.files, n.dirs = maps.Clone(r.files), map[string]*copiedDir{}
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
func (p *pieces) elsewhere(one *Piece) ([]part, error) {
	q := *p
	q.scope = p.scope.clone(true)
	for name, v := range q.scope.args {
		q.scope.args[name] = v + "0"
	}
	line := one.Text
	for _, s := range slices.Backward(one.Prelude) {
		line = s + " && " + line
	}
	f := p.stage.root.examine(line, q.scope)
	if f.program == nil {
		return nil, cannot("it cannot be read")
	}
	for i := range f.program.Children {
		c := &f.program.Children[i]
		if sub := drives(f.program, c); sub != nil && c.Absolute == one.Child.Absolute {
			parts, _, err := q.parts(f.program, sub, c)
			return parts, err
		}
	}
	return nil, cannot("it runs something else")
}

// parts are those of a driver whose conditions of the kind that is kept are
// taken to hold, and for each of them these conditions.
func (p *pieces) parts(program, sub *shell.Program, runs *shell.Child) ([]part, [][]shell.Guard, error) {
	cond, err := p.unconditional(sub)
	if err != nil {
		return nil, nil, err
	}
	others := slices.DeleteFunc(slices.Clone(program.Programs), func(o *shell.Program) bool { return o == sub })
	parts, err := driver(cond.program, runs, others, p.stage.root.glob)
	if err != nil {
		return nil, nil, err
	}
	var when [][]shell.Guard
	for _, one := range parts {
		if one.child != nil {
			when = append(when, cond.children[one.child])
		} else {
			when = append(when, cond.effects[one.effect])
		}
	}
	return parts, when, nil
}

// unconditioned is a driver without the conditions that are kept.
type unconditioned struct {
	program  *shell.Program
	children map[*shell.Child][]shell.Guard
	effects  map[*shell.Effect][]shell.Guard
}

// unconditional takes out of a driver the conditions that are kept. Scripts and
// commands may stand under one, but nothing that later ones depend on.
func (p *pieces) unconditional(sub *shell.Program) (*unconditioned, error) {
	program := *sub
	program.Children, program.Effects = slices.Clone(sub.Children), slices.Clone(sub.Effects)
	out := &unconditioned{&program, map[*shell.Child][]shell.Guard{}, map[*shell.Effect][]shell.Guard{}}
	kept := func(guards []shell.Guard) (when, rest []shell.Guard) {
		for _, g := range guards {
			if p.keep != nil && p.keep(sub, g) {
				when = append(when, g)
			} else {
				rest = append(rest, g)
			}
		}
		return when, rest
	}
	for i := range program.Children {
		c := &program.Children[i]
		out.children[c], c.Guards = kept(c.Guards)
	}
	for i := range program.Effects {
		e := &program.Effects[i]
		when, rest := kept(e.Guards)
		if len(when) == 0 {
			continue
		}
		switch e.Kind {
		case shell.EffectCommand:
			out.effects[e], e.Guards = when, rest
		case shell.EffectSource:
			return nil, cannot("%s:%d sources a file on a condition", base(e.From), e.Pos.Line)
		default:
			return nil, cannot("%s:%d does something on a condition that later scripts may depend on (%s)", base(e.From), e.Pos.Line, fmt.Sprintf("%s %s", e.Kind, e.Name))
		}
	}
	for _, s := range sub.Scripts() {
		for _, a := range s.Assigns {
			if when, _ := kept(a.Guards); len(when) > 0 {
				return nil, cannot("%s:%d sets %s on a condition", base(s.Path), a.Pos.Line, a.Name)
			}
		}
	}
	return out, nil
}
