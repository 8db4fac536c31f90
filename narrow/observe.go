package narrow

import (
	"fmt"
	"path"
	"slices"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/trace"
)

// Where a traced step finds its tracer, and leaves its record. Both are mounts, so
// that neither is in a layer.
const (
	runDir      = "/run/pgstrata"
	tracerMount = runDir + "/tracer"
	recordMount = runDir + "/record"
	recordFile  = "record"
)

// Tracer is a program that runs a step and records what it does.
type Tracer struct {
	// Program is the definition of the file system that holds it, Path where.
	Program *pb.Definition
	Path    string
}

// Observation is a definition whose steps are watched while they see all.
type Observation struct {
	*build
	steps  []*step
	tracer Tracer
	// Withheld are steps that are to see all, whatever was observed, with the
	// reasons.
	withheld map[digest.Digest]string
	record   *Record
	// name is the record's file name.
	name string
}

// Observe returns the observation of a definition.
func Observe(def *pb.Definition, opt Options, tracer Tracer) (*Observation, error) {
	b, err := newBuild(def, opt.Context, opt.Source)
	if err != nil {
		return nil, err
	}
	o := &Observation{build: b, tracer: tracer, withheld: map[digest.Digest]string{}, record: &Record{}, name: opt.Name}
	everything := &Record{Steps: []Recorded{{Seen: []Seen{{Kind: All, Path: "/"}}}}}
	if err := b.ahead(everything, opt.Digests); err != nil {
		return nil, err
	}
	if o.steps, err = b.steps(); err != nil {
		return nil, err
	}
	return o, nil
}

// Names are the names of the steps' records in the file system of [Observation.Traced],
// none for a step that sees all anyway.
func (o *Observation) Names() []string {
	var out []string
	for i, s := range o.steps {
		if s.why == "" {
			out = append(out, fmt.Sprint(i))
		}
	}
	return out
}

// tracerRun is a definition whose steps are run by the tracer.
type tracerRun struct {
	*Observation
	*rewriter
	program ref
	done    map[ref]ref
	records map[digest.Digest]ref
}

func (o *Observation) tracerRun() (*tracerRun, error) {
	t := &tracerRun{Observation: o, rewriter: newRewriter(o.definition), done: map[ref]ref{}, records: map[digest.Digest]ref{}}
	program, err := newDefinition(o.tracer.Program)
	if err != nil {
		return nil, err
	}
	from := newRewriter(program)
	from.out, from.have = t.out, t.have
	t.program = from.kept(program.head)
	return t, nil
}

// Traced is the definition of the records of all steps, each a file.
func (o *Observation) Traced() (*pb.Definition, error) {
	t, err := o.tracerRun()
	if err != nil {
		return nil, err
	}
	op := &pb.Op{}
	var actions []*pb.FileAction
	for i, s := range o.steps {
		t.step(ref{s.vertex, root(s.exec).GetOutput()})
		record, ok := t.records[s.vertex]
		if !ok {
			continue
		}
		actions = append(actions, &pb.FileAction{SecondaryInput: add(op, record), Action: &pb.FileAction_Copy{Copy: &pb.FileActionCopy{
			Src: "/" + recordFile, Dest: fmt.Sprintf("/%d", i), Mode: -1, Timestamp: -1,
		}}})
	}
	if len(actions) == 0 {
		return nil, nil
	}
	for i, a := range actions {
		a.Input, a.Output = int64(len(op.Inputs)+i-1), int64(pb.SkipOutput)
		if i == 0 {
			a.Input = int64(pb.Empty)
		}
		if i == len(actions)-1 {
			a.Output = 0
		}
	}
	op.Op = &pb.Op_File{File: &pb.FileOp{Actions: actions}}
	return t.rewriter.done(t.made(op, "[internal] records of what steps did", pb.CapFileBase)), nil
}

// TracedRoot is the definition of what a step leaves while it is watched; -1 is the
// build's result.
func (o *Observation) TracedRoot(step int) (*pb.Definition, error) {
	t, err := o.tracerRun()
	if err != nil {
		return nil, err
	}
	return t.rewriter.done(t.step(o.result(step))), nil
}

// PlainRoot is the same without the tracer.
func (o *Observation) PlainRoot(step int) (*pb.Definition, error) {
	w := newRewriter(o.definition)
	return w.done(w.kept(o.result(step))), nil
}

// result is what a step leaves.
func (o *Observation) result(step int) ref {
	if step < 0 {
		return o.head
	}
	return ref{o.steps[step].vertex, root(o.steps[step].exec).GetOutput()}
}

// step is a result of which all steps were watched.
func (t *tracerRun) step(r ref) ref {
	if r.vertex == "" || !t.depends[r.vertex] {
		return t.kept(r)
	}
	if known, ok := t.done[r]; ok {
		return known
	}
	op := t.ops[r.vertex].CloneVT()
	for i := range op.Inputs {
		in := t.step(input(op, int64(i)))
		op.Inputs[i] = &pb.Input{Digest: string(in.vertex), Index: in.index}
	}
	index := slices.IndexFunc(t.steps, func(s *step) bool { return s.vertex == r.vertex })
	traced := index >= 0 && t.steps[index].why == ""
	if traced {
		t.watch(op)
	}
	v := t.like(op, r.vertex, "")
	if traced {
		t.records[r.vertex] = ref{v, outputs(op.GetExec()) - 1}
	}
	t.done[r] = ref{v, r.index}
	return t.done[r]
}

// outputs counts the results of a step.
func outputs(exec *pb.ExecOp) int64 {
	var n int64
	for _, m := range exec.Mounts {
		n = max(n, m.Output+1)
	}
	return n
}

// watch lets the tracer run a step. Any user may write to the record.
func (t *tracerRun) watch(op *pb.Op) {
	exec := op.GetExec()
	empty := t.made(&pb.Op{Op: &pb.Op_File{File: &pb.FileOp{Actions: []*pb.FileAction{{
		Input: int64(pb.Empty), SecondaryInput: int64(pb.Empty), Output: 0,
		Action: &pb.FileAction_Mkfile{Mkfile: &pb.FileActionMkFile{Path: "/" + recordFile, Mode: 0o666, Timestamp: -1}},
	}}}}}, "[internal] a record to write to", pb.CapFileBase)
	next := outputs(exec)
	exec.Mounts = append(exec.Mounts,
		&pb.Mount{Input: add(op, t.program), Dest: tracerMount, Output: int64(pb.SkipOutput), Readonly: true},
		&pb.Mount{Input: add(op, empty), Dest: recordMount, Output: next},
	)
	exec.Meta.Args = append([]string{path.Join(tracerMount, t.tracer.Path), trace.Command, path.Join(recordMount, recordFile)}, exec.Meta.Args...)
}

// Withhold lets a step see all: its record is one of all files.
func (o *Observation) Withhold(step int, why string) error {
	s := o.steps[step]
	o.withheld[s.vertex] = why
	all, err := o.tree.seen(s.chain.copies, All, "/")
	if known := o.record.Step(s.key); known != nil {
		known.Seen = []Seen{all}
	}
	return err
}

// Proposed is the definition by what was learnt, and what each step sees in it.
func (o *Observation) Proposed() (*Result, error) {
	a, err := o.apply(o.record, o.withheld)
	if err != nil {
		return nil, err
	}
	return a.result()
}

// ProposedRoot is the definition of what a step leaves by what was learnt.
func (o *Observation) ProposedRoot(step int) (*pb.Definition, error) {
	a, err := o.apply(o.record, o.withheld)
	if err != nil {
		return nil, err
	}
	def := a.done(a.wide(o.result(step)))
	return def, a.err
}

// Learnt are the steps of the record.
func (o *Observation) Learnt() []Recorded { return o.record.Steps }

// Narrow are the steps that see less than all, in order.
func (o *Observation) Narrow() ([]int, error) {
	a, err := o.apply(o.record, o.withheld)
	if err != nil {
		return nil, err
	}
	var out []int
	for i, s := range o.steps {
		if a.narrow(s.vertex) {
			out = append(out, i)
		}
	}
	return out, nil
}

// Last are the steps on whose results no other runs.
func (o *Observation) Last() []int {
	var out []int
	for i, s := range o.steps {
		followed := slices.ContainsFunc(o.steps, func(t *step) bool { return slices.Contains(t.chain.own, s.vertex) })
		if !followed {
			out = append(out, i)
		}
	}
	return out
}

// Until are the steps that a step runs after, in order, and itself.
func (o *Observation) Until(step int) []int {
	var out []int
	for i, s := range o.steps {
		if i == step || slices.Contains(o.steps[step].after, s.vertex) {
			out = append(out, i)
		}
	}
	return out
}

// Title is what a step is called.
func (o *Observation) Title(step int) string { return o.steps[step].title }

// Targets are the paths that file operations name which a step runs after. Of none
// of them, and of none above it, may the image have a link.
func (o *Observation) Targets(step int) []string { return o.steps[step].chain.named }

// Before is the definition of what a step runs on while all are watched.
func (o *Observation) Before(step int) (*pb.Definition, error) {
	t, err := o.tracerRun()
	if err != nil {
		return nil, err
	}
	s := o.steps[step]
	return t.rewriter.done(t.step(input(s.op, root(s.exec).Input))), nil
}

// Differences tell of steps of which a record says something else than what was
// learnt.
func (o *Observation) Differences(record *Record) []Decision {
	var out []Decision
	for _, s := range o.steps {
		now := o.record.Step(s.key)
		if s.why != "" || now == nil {
			continue
		}
		was := record.Step(s.key)
		tell := func(format string, args ...any) {
			out = append(out, Decision{s.line, s.title, false, fmt.Sprintf(format, args...)})
		}
		if was == nil {
			tell("it is not in the record, or something above it was another")
			continue
		}
		if len(was.Seen) == 1 && was.Seen[0].Kind == All { // whatever there is
			continue
		}
		for _, one := range now.Seen {
			if !slices.Contains(was.Seen, one) {
				tell("the record does not have what it sees at %s", one.Path)
				break
			}
		}
	}
	return out
}
