package plan

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/graph"
)

// Dockerfile is a Dockerfile's build for one platform, as the compiler of
// BuildKit's own frontend made it. What counts is read from the definition: no
// second reading of the text can differ from what is built.
type Dockerfile struct {
	// File is the Dockerfile's name.
	File string
	// Platform is the target in OCI notation.
	Platform string
	// Definition is what the daemon gets. Its locations are lines of the file.
	Definition *pb.Definition
	// Image is the result's configuration.
	Image *dockerspec.DockerOCIImage
	// Stages are the stages of the file, in order.
	Stages []Stage
	// Args are the names that ARG instructions declare, to tell them from ENV's.
	Args []string
	// Context is the source of the build context in the definition, such as
	// local://context.
	Context string
}

// Stage is where a stage of a Dockerfile begins.
type Stage struct {
	Line int
	Name string
}

// NewDockerfile returns the record of a Dockerfile's build. The context has all
// files that it copies and mounts.
func NewDockerfile(d Dockerfile, context fs.FS, opt Options) (*Record, error) {
	if opt.Target == "" {
		opt.Target = graph.ImageState
	}
	b := &definition{
		builder: &builder{
			opt:   opt,
			files: newFiles(context, opt),
			record: &Record{
				Format: Format, File: d.File, Platform: d.Platform, Target: opt.Target, Bases: map[string]Base{}, Copies: opt.Copies,
			},
			byKey: map[string]string{},
		},
		of: d, ops: map[digest.Digest]*pb.Op{}, nodes: map[digest.Digest]string{}, inline: map[digest.Digest]inlined{}, ids: map[string]int{},
	}
	head, err := b.load()
	if err != nil {
		return nil, err
	}
	if head != "" {
		if err := b.visit(head); err != nil {
			return nil, err
		}
		b.states(head)
	}
	b.result(head)
	return b.record, nil
}

// definition makes a node of each vertex of a definition.
type definition struct {
	*builder
	of  Dockerfile
	ops map[digest.Digest]*pb.Op
	// nodes are the ids of the nodes that vertices have become, "" for none.
	nodes map[digest.Digest]string
	// inline are files that come along with an instruction: they count as a part
	// of it.
	inline map[digest.Digest]inlined
	// ids counts how often an id was wanted.
	ids map[string]int
}

// load decodes the definition, and returns the vertex of its result; "" for an
// empty one.
func (b *definition) load() (digest.Digest, error) {
	var last *pb.Op
	for _, data := range b.of.Definition.GetDef() {
		op := &pb.Op{}
		if err := op.UnmarshalVT(data); err != nil {
			return "", fmt.Errorf("the definition of %s cannot be read: %w", b.of.File, err)
		}
		b.ops[digest.FromBytes(data)] = op
		last = op
	}
	if last == nil || len(last.Inputs) == 0 {
		return "", nil
	}
	return digest.Digest(last.Inputs[0].Digest), nil
}

// visit makes the nodes of a vertex, after those that it needs.
func (b *definition) visit(d digest.Digest) error {
	if _, ok := b.nodes[d]; ok {
		return nil
	}
	op := b.ops[d]
	for _, in := range op.GetInputs() {
		if err := b.visit(digest.Digest(in.Digest)); err != nil {
			return err
		}
	}
	var err error
	b.nodes[d] = ""
	switch o := op.GetOp().(type) {
	case *pb.Op_Source:
		b.source(d, o.Source, op.Platform)
	case *pb.Op_Exec:
		err = b.exec(d, op, o.Exec)
	case *pb.Op_File:
		err = b.file(d, op, o.File)
	case *pb.Op_Merge:
		b.merge(d, op)
	}
	return err
}

// input is the node of a vertex's i-th input; "" where none stands for it.
func (b *definition) input(op *pb.Op, i int64) string {
	return b.nodes[digest.Digest(op.Inputs[i].Digest)]
}

// source adds an image, or what else comes from elsewhere. The build context is
// no node: its files count for those who use them.
func (b *definition) source(d digest.Digest, src *pb.SourceOp, p *pb.Platform) {
	scheme, ref, _ := strings.Cut(src.Identifier, "://")
	switch {
	case src.Identifier == b.of.Context:
		return
	case scheme == "local": // a folder by a name of its own: nobody here sees it
		b.inline[d] = inlined{"/": {{Kind: "context", Name: ref}}}
		return
	case scheme != "docker-image" && scheme != "oci-layout":
		n := Node{ID: b.id(graph.BaseState, ref), State: graph.BaseState, Kind: KindBase, Title: src.Identifier, Parts: []Part{{Kind: "source", Value: src.Identifier}}}
		if sum := src.Attrs["http.checksum"] + src.Attrs["git.checksum"]; sum != "" {
			n.Parts = append(n.Parts, Part{Kind: "checksum", Value: sum})
		}
		b.nodes[d] = b.add(n)
		return
	}
	name, sum, _ := strings.Cut(ref, "@")
	name = b.baseName(name, sum)
	n := Node{State: graph.BaseState, Kind: KindBase, Title: "base " + familiar(name), Line: b.line(d), Parts: []Part{
		{Kind: "platform", Value: platform(p)},
		{Kind: "image", Value: name, Silent: sum != ""},
	}}
	if sum != "" {
		n.Parts = append(n.Parts, Part{Kind: "digest", Value: sum}, Part{Kind: "layers", Value: b.record.Bases[name].Layers, Silent: true})
	}
	n.ID = b.id(graph.BaseState, familiar(name))
	b.nodes[d] = b.add(n)
}

// familiar is an image's name without what everybody adds in thought.
func familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(named)
}

// baseName is the name by which the options know an image: the Dockerfile's, not
// that of a context in its place.
func (b *definition) baseName(name, sum string) string {
	base, ok := b.opt.Bases[name]
	if !ok || base.Digest != sum {
		for other, o := range b.opt.Bases {
			if sum != "" && o.Digest == sum && (!ok || other < name) {
				name, base, ok = other, o, true
			}
		}
	}
	if ok && sum != "" {
		b.record.Bases[name] = base
	}
	return name
}

// merge adds a layer that lies on others: the squash of steps, or a copy with
// --link. It costs nothing, and is there for its key.
func (b *definition) merge(d digest.Digest, op *pb.Op) {
	n := Node{State: graph.SetupState, Kind: KindLayer, Title: "layer"}
	for i, in := range op.Inputs {
		if diff := b.ops[digest.Digest(in.Digest)].GetDiff(); diff != nil {
			from := b.ops[digest.Digest(in.Digest)]
			n.Title, n.Line = "setup's layer", b.record.Node(b.input(from, diff.Upper.Input)).Line
			n.Edges = append([]Edge{{Node: b.input(from, diff.Upper.Input), How: On}}, n.Edges...)
			continue
		}
		if id := b.input(op, int64(i)); id != "" {
			n.Edges = append(n.Edges, Edge{Node: id, How: On})
		}
	}
	n.ID = b.id(graph.SetupState, n.Title)
	b.nodes[d] = b.add(n)
}

// id is an id that no other node has.
func (b *definition) id(stage, name string) string {
	id := strings.TrimPrefix(stage+"/"+name, "/")
	b.ids[id]++
	if n := b.ids[id]; n > 1 {
		id = fmt.Sprintf("%s#%d", id, n)
	}
	return id
}

// step adds the node of a vertex that a line of the Dockerfile asks for.
func (b *definition) step(d digest.Digest, kind Kind, parts []Part, edges []Edge) {
	name := splitName(b.description(d))
	n := Node{State: graph.SetupState, Kind: kind, Title: name.title(), Vertex: name.text, Label: name.label, Line: b.line(d), Parts: parts, Edges: edges}
	if kind == KindSquash {
		n.Title = "squash"
	}
	if n.Line == 0 && len(edges) > 0 {
		n.Line = b.record.Node(edges[0].Node).Line
	}
	stage := name.stage
	for _, s := range b.of.Stages {
		if s.Line <= n.Line {
			stage = s.Name // one name, whatever the stage was taken apart into
		}
	}
	n.ID = b.id(stage, n.Title)
	b.nodes[d] = b.add(n)
}

// description is what progress shows of a vertex.
func (b *definition) description(d digest.Digest) string {
	return b.of.Definition.GetMetadata()[d.String()].GetDescription()["llb.customname"]
}

// line is the first line of the instruction that a vertex comes from, 0 where
// none does.
func (b *definition) line(d digest.Digest) int {
	for _, l := range b.of.Definition.GetSource().GetLocations()[d.String()].GetLocations() {
		for _, r := range l.Ranges {
			return int(r.GetStart().GetLine())
		}
	}
	return 0
}

// lower is the vertex that a vertex adds a layer to, and the node that makes
// the layer; "" at the end of the chain.
func (b *definition) lower(d digest.Digest) (next digest.Digest, maker string) {
	op := b.ops[d]
	at := func(i int64) digest.Digest { return digest.Digest(op.Inputs[i].Digest) }
	switch o := op.GetOp().(type) {
	case *pb.Op_Exec:
		for _, m := range o.Exec.Mounts {
			if m.Dest == pb.RootMount && m.Input >= 0 {
				return at(m.Input), b.nodes[d]
			}
		}
	case *pb.Op_File:
		if i := o.File.Actions[0].Input; i >= 0 {
			return at(i), b.nodes[d]
		}
		return "", b.nodes[d]
	case *pb.Op_Merge:
		upper := digest.Digest(op.Inputs[len(op.Inputs)-1].Digest)
		if diff := b.ops[upper].GetDiff(); diff != nil {
			return at(0), b.input(b.ops[upper], diff.Upper.Input)
		}
		return at(0), b.nodes[upper]
	}
	return "", ""
}

// states tells apart what the container runs from what installs it: the copies
// after the target's last step are the entrypoint. It also notes which entry of
// the image's history speaks of which node.
func (b *definition) states(head digest.Digest) {
	var made []string
	if b.of.Image != nil {
		for _, h := range b.of.Image.History {
			if !h.EmptyLayer {
				made = append(made, h.CreatedBy)
			}
		}
	}
	files := true
	for d := head; d != ""; {
		next, maker := b.lower(d)
		n := b.record.Node(maker)
		if n == nil {
			return
		}
		if last := len(made) - 1; last >= 0 {
			n.By, made = made[last], made[:last]
		}
		files = files && (n.Kind == KindFiles || n.Kind == KindFolder)
		for _, id := range []string{maker, b.nodes[d]} {
			if own := b.record.Node(id); files && own != nil {
				own.State = graph.EntrypointState
			}
		}
		d = next
	}
}

// result adds the node of the finished image.
func (b *definition) result(head digest.Digest) {
	n := Node{ID: graph.ImageState, State: graph.ImageState, Kind: KindImage, Title: "image"}
	if b.of.Image != nil {
		n.Parts = imageParts(b.of.Image.Config)
	}
	if id := b.nodes[head]; id != "" {
		n.Edges = []Edge{{Node: id, How: On}}
	}
	b.add(n)
}

// platform is a vertex's platform in OCI notation.
func platform(p *pb.Platform) string {
	parts := slices.DeleteFunc([]string{p.GetOS(), p.GetArchitecture(), p.GetVariant()}, func(s string) bool { return s == "" })
	return strings.Join(parts, "/")
}
