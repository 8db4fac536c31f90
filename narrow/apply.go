package narrow

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// Options are what a definition means besides itself.
type Options struct {
	// Context is the build context, as copies see it, and Source what it is called
	// in the definition, such as local://context.
	Context fs.FS
	Source  string
	// Digests asks for the digests of many files of the context at once; nil where
	// each is read.
	Digests Digests
	// Record is what was observed; nil for nothing.
	Record *Record
	// Name is the record's own file name: a step that reads it has no record that
	// holds.
	Name string
}

// Decision tells what a step sees, and why.
type Decision struct {
	// Line is the step's in the Dockerfile, Title what it is called.
	Line  int
	Title string
	// Narrow tells that it sees no more than what it was observed to read.
	Narrow bool
	Text   string
}

// Result is what became of a definition.
type Result struct {
	// Definition is the one to build. It is the same where no step is narrow.
	Definition *pb.Definition
	Decisions  []Decision
	// Given are the vertices of narrow steps.
	Given map[digest.Digest]bool
}

// Apply gives each step of a definition whose record holds no more than what the
// record has. All others see what they saw.
func Apply(def *pb.Definition, opt Options) (*Result, error) {
	b, err := newBuild(def, opt.Context, opt.Source)
	if err != nil {
		return nil, err
	}
	if err := b.ahead(opt.Record, opt.Digests); err != nil {
		return nil, err
	}
	a, err := b.apply(opt.Record, nil)
	if err != nil {
		return nil, err
	}
	return a.result()
}

// applier is a definition that is being rewritten.
type applier struct {
	*build
	*rewriter
	decisions []Decision
	// sees has what steps see whose records hold, by their vertices. Those that see
	// all are not narrow, but have not changed either.
	sees map[digest.Digest]*sight
	// old are the files of the context that narrow steps are given; see times.go.
	old map[digest.Digest][]string
	// timed are the steps that see all, after narrow ones, with what they see.
	timed map[digest.Digest]*sight
	// given are the vertices of narrow steps as they are run.
	given map[digest.Digest]bool
	// wides and narrows are what results have become.
	wides   map[ref]ref
	narrows map[narrowKey]ref
	// layers are what narrow steps have changed.
	layers map[digest.Digest]ref
	err    error
}

type narrowKey struct {
	ref
	step digest.Digest
}

// sight is what a step sees of the copied files.
type sight struct {
	all       bool
	at, names map[string]bool
	// age is the time of the files that it is given.
	age int64
	// sources are the files of the context that steps before it were given as old
	// files, of a step that sees all: see times.go.
	sources map[string]bool
}

func newSight(list []Seen) *sight {
	s := &sight{at: map[string]bool{}, names: map[string]bool{}}
	for _, one := range list {
		switch one.Kind {
		case All:
			s.all = true
		case At:
			s.at[one.Path] = true
		case Names:
			s.names[one.Path] = true
		}
	}
	return s
}

// apply decides what each step sees. Withheld are steps that see all although their
// records hold, with the reasons.
func (b *build) apply(record *Record, withheld map[digest.Digest]string) (*applier, error) {
	a := &applier{
		build: b, rewriter: newRewriter(b.definition),
		sees: map[digest.Digest]*sight{}, old: map[digest.Digest][]string{}, timed: map[digest.Digest]*sight{}, given: map[digest.Digest]bool{}, wides: map[ref]ref{}, narrows: map[narrowKey]ref{}, layers: map[digest.Digest]ref{},
	}
	steps, err := b.steps()
	if err != nil {
		return nil, err
	}
	untimed := map[digest.Digest]bool{}
	for _, s := range steps {
		if s.untimed {
			for _, before := range s.chain.steps {
				untimed[before] = true
			}
		}
	}
	for _, s := range steps {
		why := withheld[s.vertex]
		if untimed[s.vertex] {
			why = first(why, "what runs after it may look at times")
		}
		if err := a.decide(s, record, why); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// decide decides what a step sees.
func (a *applier) decide(s *step, record *Record, withheld string) error {
	tell := func(narrow bool, format string, args ...any) {
		a.decisions = append(a.decisions, Decision{s.line, s.title, narrow, fmt.Sprintf(format, args...)})
	}
	if s.why != "" {
		tell(false, "sees all files: %s", s.why)
		return nil
	}
	for _, before := range s.after {
		if a.sees[before] == nil {
			tell(false, "sees all files: it runs after %s, which does", title(a.name(before)))
			return nil
		}
	}
	known := record.Step(s.key)
	if known == nil {
		tell(false, "sees all files: nothing was observed of it")
		return nil
	}
	why, err := a.changed(s, known)
	if err != nil {
		return err
	}
	if why != "" {
		tell(false, "sees all files: %s", why)
		return nil
	}
	sees := newSight(known.Seen)
	sees.age, sees.all = age(known.lines()), sees.all || withheld != ""
	a.sees[s.vertex] = sees
	if !sees.all {
		if a.old[s.vertex], err = a.sources(s, sees); err != nil {
			return err
		}
	}
	if withheld != "" {
		tell(false, "sees all files: %s", withheld)
		return nil
	}
	if sees.all {
		tell(false, "sees all files, which have not changed: it was observed to read them all")
		return nil
	}
	tell(true, "sees only what it was observed to read (%d paths)", len(known.Seen))
	return nil
}

// atOnce is how many paths are looked up at once: the daemon answers each.
const atOnce = 8

// changed tells what of a record no longer holds, "" for nothing.
func (a *applier) changed(s *step, known *Recorded) (string, error) {
	now := make([]Seen, len(known.Seen))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, one := range known.Seen {
		group.Go(func() (err error) {
			now[i], err = a.tree.seen(s.chain.copies, one.Kind, one.Path)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	var names string
	for i, one := range known.Seen {
		switch {
		case now[i].Value == large:
			return "it was observed to read all files, which are too many to be compared", nil
		case now[i] == one:
		case one.Kind == Names: // a path tells more
			names = first(names, "the names in "+one.Path+", which it lists, have changed")
		case one.Kind == All:
			return "files have changed, of which it was observed to read all", nil
		case one.Value == Nothing:
			return one.Path + ", which it looked for in vain, is there", nil
		case now[i].Value == Nothing:
			return one.Path + ", which it reads, is gone", nil
		default:
			return one.Path + ", which it reads, has changed", nil
		}
	}
	return names, nil
}

// result writes the definition.
func (a *applier) result() (*Result, error) {
	out := &Result{Definition: a.of.pb, Decisions: a.decisions, Given: a.given}
	if slices.ContainsFunc(a.decisions, func(d Decision) bool { return d.Narrow }) {
		out.Definition = a.done(a.wide(a.head))
	}
	return out, a.err
}

// narrow reports whether a step is given less than it was.
func (a *applier) narrow(v digest.Digest) bool { return a.sees[v] != nil && !a.sees[v].all }

// wide is a result with all files. What narrow steps have changed is laid on them.
func (a *applier) wide(r ref) ref {
	if r.vertex == "" || !a.depends[r.vertex] {
		return a.kept(r)
	}
	if known, ok := a.wides[r]; ok {
		return known
	}
	op := a.ops[r.vertex].CloneVT()
	exec := op.GetExec()
	var out ref
	if exec != nil && (a.narrow(r.vertex) || a.times(r.vertex) != nil) && root(exec).Output == r.index {
		out = a.merge("[internal] all files with what "+title(a.name(r.vertex))+" has changed", a.wide(input(op, root(exec).Input)), a.layer(r.vertex))
	} else {
		for i := range op.Inputs {
			in := a.wide(input(op, int64(i)))
			op.Inputs[i] = &pb.Input{Digest: string(in.vertex), Index: in.index}
		}
		out = ref{a.like(op, r.vertex, ""), r.index}
	}
	a.wides[r] = out
	return out
}

// layer is what a step whose record holds has changed.
func (a *applier) layer(v digest.Digest) ref {
	if known, ok := a.layers[v]; ok {
		return known
	}
	op := a.ops[v]
	m := root(op.GetExec())
	lower := a.wide(input(op, m.Input))
	var upper ref
	if a.narrow(v) || a.times(v) != nil {
		lower = a.seen(input(op, m.Input), v)
		upper = a.run(op, v, lower)
	} else {
		upper = a.wide(ref{v, m.Output})
	}
	out := a.diff("[internal] what "+title(a.name(v))+" has changed", lower, upper)
	a.layers[v] = out
	return out
}

// run is a step on another root. Its mounts stay what they are.
func (a *applier) run(op *pb.Op, v digest.Digest, on ref) ref {
	op = op.CloneVT()
	was := op.Inputs
	op.Inputs = nil
	var output int64
	for _, m := range op.GetExec().Mounts {
		from := a.wide(input(&pb.Op{Inputs: was}, m.Input))
		if m.Dest == pb.RootMount {
			from, output = on, m.Output
		}
		m.Input = add(op, from)
	}
	out := ref{a.like(op, v, ""), output}
	if a.narrow(v) {
		a.given[out.vertex] = true
	}
	return out
}

// seen is a result as a step sees it.
func (a *applier) seen(r ref, by digest.Digest) ref {
	if !a.depends[r.vertex] {
		return a.kept(r)
	}
	key := narrowKey{r, by}
	if known, ok := a.narrows[key]; ok {
		return known
	}
	if of, is := a.squashed(r); is {
		return a.seen(of, by)
	}
	op := a.ops[r.vertex]
	name := "[internal] what " + title(a.name(by)) + " reads"
	var out ref
	switch o := op.Op.(type) {
	case *pb.Op_File:
		out = a.files(r, op, o.File, by, name)
	case *pb.Op_Exec:
		out = a.merge(name, a.seen(input(op, root(o.Exec).Input), by), a.layer(r.vertex))
	default: // a merge, see chain
		var list []ref
		for i := range op.Inputs {
			list = append(list, a.seen(input(op, int64(i)), by))
		}
		out = a.merge(name, list...)
	}
	a.narrows[key] = out
	return out
}
