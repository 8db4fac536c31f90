package plan

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
)

// Build is a build for one platform, as it was compiled. What counts is read from
// the definition: no second account of what is built can differ from it.
type Build struct {
	// File is the name of the build file or Dockerfile.
	File string
	// Platform is the target in OCI notation.
	Platform string
	// Target is the state or stage to build, "" for the image.
	Target string
	// Definition is what the daemon gets. Its locations are lines of the file.
	Definition *pb.Definition
	// Image is the result's configuration; nil where the result is no image.
	Image *dockerspec.DockerOCIImage
	// Stages are the stages of a Dockerfile, in order; none for a build file.
	Stages []Stage
	// Args are the names of build arguments, to tell them from other variables.
	Args []string
	// Context is the source of the build context in the definition, such as
	// local://context.
	Context string
	// Bases are the base images, by their references in the build file, and Names
	// are these references by those of images that contexts put in their places.
	Bases map[string]Base
	Names map[string][]string
	// Nodes are the ids of some bases' nodes, by their references.
	Nodes map[string]string
	// Lacks are the capabilities that the daemon lacks.
	Lacks []string
}

// Stage is where a stage of a Dockerfile begins.
type Stage struct {
	Line int
	Name string
}

// Options say how a build context is read.
type Options struct {
	// Changed tells of a file that it is to be taken as changed; may be nil.
	Changed func(name string) bool
	// Git compares modes as far as git knows them: executable or not.
	Git bool
}

// New returns the record of a build. The context has all files of it that the
// build reads.
func New(b Build, context fs.FS, opt Options) (*Record, error) {
	r := &reader{
		build: b,
		files: newFiles(context, opt),
		record: &Record{
			Format: Format, File: b.File, Platform: b.Platform, Target: cmp.Or(b.Target, graph.ImageState), Bases: map[string]Base{}, Lacks: b.Lacks,
		},
		ops: map[digest.Digest]*pb.Op{}, nodes: map[digest.Digest][]Edge{}, trees: map[digest.Digest]*fileTree{}, ids: map[string]int{},
	}
	order, head, err := r.load()
	if err != nil {
		return nil, err
	}
	for _, d := range order {
		if err := r.visit(d); err != nil {
			return nil, err
		}
	}
	if len(b.Stages) > 0 {
		r.states(head)
	}
	if b.Image != nil {
		r.image(head)
	}
	return r.record, nil
}

// reader makes nodes of the vertices of a definition.
type reader struct {
	build  Build
	files  *files
	record *Record
	ops    map[digest.Digest]*pb.Op
	// nodes are what a vertex has become to those that build on it: a node, or
	// several that were merged; none for the build context.
	nodes map[digest.Digest][]Edge
	// trees are what vertices hold whose files count one by one.
	trees map[digest.Digest]*fileTree
	// ids counts how often an id was wanted.
	ids map[string]int
}

// load decodes the definition. It returns the vertices in the order in which they
// are told of, and the one of the result, "" for an empty one.
func (r *reader) load() (order []digest.Digest, head digest.Digest, err error) {
	var last *pb.Op
	for _, data := range r.build.Definition.GetDef() {
		op := &pb.Op{}
		if err := op.UnmarshalVT(data); err != nil {
			return nil, "", fmt.Errorf("the definition of %s cannot be read: %w", r.build.File, err)
		}
		d := digest.FromBytes(data)
		r.ops[d] = op
		last = op
		if _, ok := r.described(d); ok {
			order = append(order, d)
		}
	}
	slices.SortStableFunc(order, func(a, b digest.Digest) int {
		x, _ := r.described(a)
		y, _ := r.described(b)
		return x.Order - y.Order
	})
	if last == nil || len(last.Inputs) == 0 {
		return nil, "", nil
	}
	head = digest.Digest(last.Inputs[0].Digest)
	return append(order, head), head, nil
}

// described is what package compile says of a vertex.
func (r *reader) described(d digest.Digest) (compile.Vertex, bool) {
	return compile.Described(r.build.Definition.GetMetadata()[d.String()])
}

// visit makes the node of a vertex, after those that it needs.
func (r *reader) visit(d digest.Digest) error {
	if _, ok := r.nodes[d]; ok {
		return nil
	}
	op := r.ops[d]
	for _, in := range op.GetInputs() {
		if err := r.visit(digest.Digest(in.Digest)); err != nil {
			return err
		}
	}
	var err error
	r.nodes[d] = nil
	switch o := op.GetOp().(type) {
	case *pb.Op_Source:
		r.source(d, o.Source, op.Platform)
	case *pb.Op_Exec:
		err = r.exec(d, op, o.Exec)
	case *pb.Op_File:
		err = r.file(d, op, o.File)
	case *pb.Op_Merge:
		r.merge(d, op)
	case *pb.Op_Diff: // costs nothing, and is as its upper side
		r.nodes[d] = r.input(op, o.Diff.Upper.Input)
	}
	return err
}

// input is a vertex's i-th input, "" where it has none.
func input(op *pb.Op, i int64) digest.Digest {
	if i < 0 || i >= int64(len(op.Inputs)) {
		return ""
	}
	return digest.Digest(op.Inputs[i].Digest)
}

// input is what the i-th input of a vertex has become.
func (r *reader) input(op *pb.Op, i int64) []Edge { return r.nodes[input(op, i)] }

// node is the node that a vertex has become; nil where that is none, or several.
func (r *reader) node(d digest.Digest) *Node {
	if list := r.nodes[d]; len(list) == 1 {
		return r.record.Node(list[0].Node)
	}
	return nil
}

// add completes a node, and makes it what a vertex has become.
func (r *reader) add(d digest.Digest, n Node) {
	n.Edges = r.tidy(n.Edges)
	r.record.keys(&n)
	r.record.Nodes = append(r.record.Nodes, n)
	r.nodes[d] = []Edge{{Node: n.ID, How: On}}
}

// tidy drops edges that are there twice, and those by content to nodes that count
// by their keys anyhow.
func (r *reader) tidy(edges []Edge) []Edge {
	keyed := map[string]bool{}
	var reach func(list []Edge)
	reach = func(list []Edge) {
		for _, e := range list {
			if !e.How.loose() && !keyed[e.Node] {
				keyed[e.Node] = true
				reach(r.record.Node(e.Node).Edges)
			}
		}
	}
	reach(edges)
	var out []Edge
	for _, e := range edges {
		if !slices.Contains(out, e) && (!e.How.loose() || !keyed[e.Node]) {
			out = append(out, e)
		}
	}
	return out
}

// merge adds a layer that lies on others: a copy with --link. It costs nothing, and is
// there for its key. The merges of a build file are no more than what they lay on one
// another.
func (r *reader) merge(d digest.Digest, op *pb.Op) {
	if len(r.build.Stages) == 0 || r.isMade(d) {
		r.nodes[d] = r.layers(op)
		return
	}
	n := Node{Kind: KindLayer, Title: "layer", Edges: r.layers(op)}
	r.place(d, &n, graph.SetupState)
	r.add(d, n)
}

// layers are what a merge lays on one another.
func (r *reader) layers(op *pb.Op) []Edge {
	var out []Edge
	for i := range op.Inputs {
		for _, e := range r.input(op, int64(i)) {
			if r.record.Node(e.Node).Kind == KindOutputs {
				e.How = Needs
			}
			out = append(out, e)
		}
	}
	return out
}

// id is an id that no other node has.
func (r *reader) id(stage, name string) string {
	id := strings.TrimPrefix(stage+"/"+name, "/")
	r.ids[id]++
	if n := r.ids[id]; n > 1 {
		id = fmt.Sprintf("%s#%d", id, n)
	}
	return id
}

// place gives a node its id and state: those of its description, or of a stage.
func (r *reader) place(d digest.Digest, n *Node, stage string) {
	n.State = graph.SetupState
	if v, ok := r.described(d); ok {
		stage, n.ID, _ = strings.Cut(v.Node, "/")
		n.State = stage
		n.ID = r.id(stage, n.ID)
		return
	}
	n.ID = r.id(stage, n.Title)
}

// step adds the node of a vertex that does something.
func (r *reader) step(d digest.Digest, kind Kind, parts []Part, edges []Edge) {
	name := splitName(r.name(d))
	n := Node{Kind: kind, Title: name.title(), Vertex: name.text, Label: name.label, Parts: parts, Edges: edges}
	stage := name.stage
	if v, ok := r.described(d); ok {
		n.Kind, n.Title = Kind(v.Kind), v.Title
	} else if name.label == "internal" || name.stage == "internal" {
		n.Kind, n.Title = KindInternal, name.text
	}
	if n.Kind == KindSquash {
		n.Title = "setup's layer"
	}
	if n.Kind == KindInternal || n.Kind == KindDirectories {
		n.Vertex, n.Label = "", ""
	}
	if len(r.build.Stages) > 0 {
		n.Line = r.line(d)
		if n.Line == 0 && len(edges) > 0 {
			n.Line = r.record.Node(edges[0].Node).Line
		}
		for _, s := range r.build.Stages {
			if s.Line <= n.Line {
				stage = s.Name // one name, whatever the stage was taken apart into
			}
		}
	}
	r.place(d, &n, stage)
	r.add(d, n)
}

// name is what progress shows of a vertex.
func (r *reader) name(d digest.Digest) string {
	return r.build.Definition.GetMetadata()[d.String()].GetDescription()[compile.NameKey]
}

// line is the first line of the instruction that a vertex comes from, 0 where
// none does.
func (r *reader) line(d digest.Digest) int {
	for _, l := range r.build.Definition.GetSource().GetLocations()[d.String()].GetLocations() {
		for _, at := range l.Ranges {
			return int(at.GetStart().GetLine())
		}
	}
	return 0
}

// lower is the vertex that a vertex adds a layer to, and the node that makes
// the layer; "" and nil at the end of the chain. What removes files for a squash runs
// on what it removes them from.
func (r *reader) lower(d digest.Digest) (next digest.Digest, maker *Node) {
	op := r.ops[d]
	switch o := op.GetOp().(type) {
	case *pb.Op_Exec:
		for _, m := range o.Exec.Mounts {
			if m.Dest == pb.RootMount && m.Input >= 0 {
				return input(op, m.Input), r.node(d)
			}
		}
	case *pb.Op_File:
		return input(op, o.File.Actions[0].Input), r.node(d)
	case *pb.Op_Merge:
		return input(op, 0), r.node(digest.Digest(op.Inputs[len(op.Inputs)-1].Digest))
	}
	return "", nil
}

// states tells apart what the container runs from what installs it: the copies
// after the target's last step are the entrypoint, with their owners and modes. It also notes which entry of
// the image's history speaks of which node.
func (r *reader) states(head digest.Digest) {
	var made []string
	if r.build.Image != nil {
		for _, h := range r.build.Image.History {
			if !h.EmptyLayer {
				made = append(made, h.CreatedBy)
			}
		}
	}
	files := true
	for d := head; d != ""; {
		next, maker := r.lower(d)
		if maker == nil {
			return
		}
		if last := len(made) - 1; last >= 0 {
			maker.By, made = made[last], made[:last]
		}
		files = files && (maker.Kind == KindFiles || maker.Kind == KindFolder || maker.Kind == KindModes)
		for _, n := range []*Node{maker, r.node(d)} {
			if files && n != nil {
				n.State = graph.EntrypointState
			}
		}
		d = next
	}
}
