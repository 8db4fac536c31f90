package narrow

import (
	"fmt"
	"maps"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"

	"github.com/pgstrata/pgstrata/compile"
)

// ref is one result of a vertex; the zero value is an empty file system.
type ref struct {
	vertex digest.Digest
	index  int64
}

// definition is a build's definition, read.
type definition struct {
	pb *pb.Definition
	// ops are the operations by their digests, order has their digests, each after
	// those that it needs.
	ops   map[digest.Digest]*pb.Op
	order []digest.Digest
	head  ref
}

func newDefinition(def *pb.Definition) (*definition, error) {
	d := &definition{pb: def, ops: map[digest.Digest]*pb.Op{}}
	for i, data := range def.GetDef() {
		op := &pb.Op{}
		if err := op.UnmarshalVT(data); err != nil {
			return nil, fmt.Errorf("the definition of a build: %w", err)
		}
		if i == len(def.Def)-1 { // it names the result
			if len(op.Inputs) > 0 {
				d.head = input(op, 0)
			}
			break
		}
		dgst := digest.FromBytes(data)
		d.ops[dgst] = op
		d.order = append(d.order, dgst)
	}
	return d, nil
}

// input is an operation's i-th input; an empty file system for none.
func input(op *pb.Op, i int64) ref {
	if i < 0 || i >= int64(len(op.GetInputs())) {
		return ref{}
	}
	return ref{digest.Digest(op.Inputs[i].Digest), op.Inputs[i].Index}
}

// name is what progress shows of a vertex, line the first line of the Dockerfile
// that it comes from, 0 for none.
func (d *definition) name(v digest.Digest) string {
	return d.pb.Metadata[v.String()].GetDescription()[compile.NameKey]
}

func (d *definition) line(v digest.Digest) int {
	for _, l := range d.pb.GetSource().GetLocations()[v.String()].GetLocations() {
		for _, at := range l.Ranges {
			return int(at.GetStart().GetLine())
		}
	}
	return 0
}

// root is the mount of a step that is its file system, nil where it has none.
func root(exec *pb.ExecOp) *pb.Mount {
	for _, m := range exec.GetMounts() {
		if m.Dest == pb.RootMount {
			return m
		}
	}
	return nil
}

// rewriter writes another definition from one that was read.
type rewriter struct {
	of   *definition
	out  *pb.Definition
	have map[digest.Digest]bool
}

func newRewriter(of *definition) *rewriter {
	return &rewriter{of: of, have: map[digest.Digest]bool{}, out: &pb.Definition{
		Metadata: map[string]*pb.OpMetadata{},
		Source:   &pb.Source{Infos: of.pb.GetSource().GetInfos(), Locations: map[string]*pb.Locations{}},
	}}
}

// kept takes a vertex over as it is, with all that it needs.
func (w *rewriter) kept(r ref) ref {
	if r.vertex == "" || w.have[r.vertex] {
		return r
	}
	op := w.of.ops[r.vertex]
	for i := range op.Inputs {
		w.kept(input(op, int64(i)))
	}
	w.like(op, r.vertex, "")
	return r
}

// like adds an operation in place of a vertex. It has that vertex's name and lines,
// unless it has a name of its own: then it is none of the Dockerfile's steps.
func (w *rewriter) like(op *pb.Op, v digest.Digest, name string) digest.Digest {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(op)
	if err != nil {
		panic(err) // it was read, or is made here
	}
	d := digest.FromBytes(data)
	if w.have[d] {
		return d
	}
	w.have[d] = true
	w.out.Def = append(w.out.Def, data)
	meta := w.of.pb.Metadata[v.String()].CloneVT()
	if meta == nil {
		meta = &pb.OpMetadata{}
	}
	if name != "" {
		meta.Description = maps.Clone(meta.Description)
		if meta.Description == nil {
			meta.Description = map[string]string{}
		}
		meta.Description[compile.NameKey] = name
		meta.ProgressGroup = nil
	}
	w.out.Metadata[d.String()] = meta
	if at := w.of.pb.GetSource().GetLocations()[v.String()]; at != nil {
		w.out.Source.Locations[d.String()] = at
	}
	return d
}

// made adds an operation that stands for no vertex.
func (w *rewriter) made(op *pb.Op, name string, caps ...apicaps.CapID) ref {
	d := w.like(op, "", name)
	meta := w.out.Metadata[d.String()]
	meta.Caps = map[string]bool{string(pb.CapMetaDescription): true}
	for _, c := range caps {
		meta.Caps[string(c)] = true
	}
	return ref{d, 0}
}

// merge lays file systems on one another.
func (w *rewriter) merge(name string, list ...ref) ref {
	op, merge := &pb.Op{}, &pb.MergeOp{}
	for _, r := range list {
		if r.vertex != "" {
			merge.Inputs = append(merge.Inputs, &pb.MergeInput{Input: add(op, r)})
		}
	}
	if len(op.Inputs) == 0 {
		return ref{}
	}
	if len(op.Inputs) == 1 {
		return ref{digest.Digest(op.Inputs[0].Digest), op.Inputs[0].Index}
	}
	op.Op = &pb.Op_Merge{Merge: merge}
	return w.made(op, name, pb.CapMergeOp)
}

// diff is what a step has changed.
func (w *rewriter) diff(name string, lower, upper ref) ref {
	op := &pb.Op{}
	op.Op = &pb.Op_Diff{Diff: &pb.DiffOp{Lower: &pb.LowerDiffInput{Input: add(op, lower)}, Upper: &pb.UpperDiffInput{Input: add(op, upper)}}}
	return w.made(op, name, pb.CapDiffOp)
}

// add makes a result an operation's input, and returns its number, that of an
// empty file system for none.
func add(op *pb.Op, r ref) int64 {
	if r.vertex == "" {
		return int64(pb.Empty)
	}
	for i := range op.Inputs {
		if input(op, int64(i)) == r {
			return int64(i)
		}
	}
	op.Inputs = append(op.Inputs, &pb.Input{Digest: string(r.vertex), Index: r.index})
	return int64(len(op.Inputs) - 1)
}

// done ends the definition with its result.
func (w *rewriter) done(head ref) *pb.Definition {
	op := &pb.Op{}
	if head.vertex != "" {
		add(op, head)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(op)
	if err != nil {
		panic(err) // it is made here
	}
	w.out.Def = append(w.out.Def, data)
	last := w.of.pb.Def[len(w.of.pb.Def)-1]
	if meta := w.of.pb.Metadata[digest.FromBytes(last).String()]; meta != nil {
		w.out.Metadata[digest.FromBytes(data).String()] = meta
	}
	return w.out
}
