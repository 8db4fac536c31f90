package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/graph"
)

// source adds an image, or what else comes from elsewhere. The build context is
// no node: its files count for those who use them.
func (r *reader) source(d digest.Digest, src *pb.SourceOp, p *pb.Platform) {
	scheme, ref, _ := strings.Cut(src.Identifier, "://")
	switch {
	case src.Identifier == r.build.Context:
	case scheme == "docker-image" || scheme == "oci-layout":
		r.base(d, ref, p)
	default:
		r.fetched(d, src)
	}
}

// base adds an image. Where its digest is known, that counts and the name does
// not. It counts even where the layers are the same: the daemon does not trust
// what an image says of its own layers.
func (r *reader) base(d digest.Digest, ref string, p *pb.Platform) {
	ref, sum, _ := strings.Cut(ref, "@")
	name, sum := r.baseName(ref, sum)
	n := Node{State: graph.BaseState, Kind: KindBase, Title: "base " + familiar(name), Parts: []Part{
		{Kind: "platform", Value: platform(p)},
		{Kind: "image", Value: familiar(name), Silent: sum != ""},
	}}
	if sum != "" {
		n.Parts = append(n.Parts, Part{Kind: "digest", Value: sum}, Part{Kind: "layers", Value: r.record.Bases[name].Layers, Silent: true})
	}
	if len(r.build.Stages) > 0 {
		n.Line = r.line(d)
	}
	if n.ID = r.build.Nodes[name]; n.ID == "" {
		n.ID = graph.BaseState + "/" + familiar(name)
	}
	n.ID = r.id("", n.ID)
	r.add(d, n)
}

// fetched adds a download, a repository, or a folder of the client's. What is in
// them is not known here: they are what they are called.
func (r *reader) fetched(d digest.Digest, src *pb.SourceOp) {
	n := Node{State: graph.BaseState, Kind: KindBase, Title: src.Identifier, Parts: []Part{{Kind: "source", Value: src.Identifier}}}
	for _, name := range slices.Sorted(maps.Keys(src.Attrs)) {
		switch name {
		case pb.AttrLocalSessionID, pb.AttrLocalUniqueID, pb.AttrSharedKeyHint: // the session's
		case pb.AttrKnownSSHHosts, pb.AttrMountSSHSock: // how it is reached, and not what it is
		default:
			n.Parts = append(n.Parts, Part{Kind: "source", Name: name, Value: src.Attrs[name]})
		}
	}
	if _, ok := r.described(d); ok {
		r.step(d, KindSource, n.Parts, nil)
		return
	}
	n.ID = r.id(graph.BaseState, src.Identifier)
	r.add(d, n)
}

// familiar is an image's name without what everybody adds in thought.
func familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(named)
}

// baseName is the name by which a build knows an image (the build file's, not
// that of a context in its place), and the image's digest.
func (r *reader) baseName(name, sum string) (known, digest string) {
	for i, own := range r.build.Names[name] {
		if id := r.build.Nodes[own]; i == 0 || id != "" && (r.build.Nodes[name] == "" || id < r.build.Nodes[name]) {
			name = own
		}
	}
	base, ok := r.build.Bases[name]
	if sum == "" {
		sum = base.Digest // what the daemon resolves when it builds
	}
	if !ok || base.Digest != sum {
		for other, o := range r.build.Bases {
			if sum != "" && o.Digest == sum && (!ok || other < name) {
				name, base, ok = other, o, true
			}
		}
	}
	if ok && sum != "" {
		r.record.Bases[name] = base
	}
	return name, sum
}

// platform is a vertex's platform in OCI notation.
func platform(p *pb.Platform) string {
	parts := slices.DeleteFunc([]string{p.GetOS(), p.GetArchitecture(), p.GetVariant()}, func(s string) bool { return s == "" })
	return strings.Join(parts, "/")
}
