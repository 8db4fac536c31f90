package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// inlined are files that come along with an instruction, by their paths: those
// of here-documents, and those that pgstrata mounts.
type inlined map[string][]Part

// selected are the files that selectors name; all of them where one names more
// than a file.
func (in inlined) selected(list []selector) []Part {
	var out []Part
	for _, s := range list {
		parts, ok := in[s.path]
		if !ok {
			out = nil
			for _, name := range slices.Sorted(maps.Keys(in)) {
				out = append(out, in[name]...)
			}
			return out
		}
		out = append(out, parts...)
	}
	return out
}

// comesAlong notes a vertex that is no step of the Dockerfile's; ok is false of
// any other.
func (b *definition) comesAlong(d digest.Digest, op *pb.Op, o *pb.FileOp) (ok bool, err error) {
	if !internal(b.description(d)) || slices.ContainsFunc(op.Inputs, func(in *pb.Input) bool { return b.nodes[digest.Digest(in.Digest)] != "" }) {
		return false, nil
	}
	out := inlined{}
	for _, action := range o.Actions {
		if i := action.Input; i >= 0 && i < int64(len(op.Inputs)) {
			maps.Copy(out, b.inline[digest.Digest(op.Inputs[i].Digest)])
		}
		c := action.GetCopy()
		if c == nil || action.SecondaryInput < 0 {
			text, err := json.Marshal(action.Action)
			if err != nil {
				return false, err
			}
			out[path.Join("/", action.GetMkfile().GetPath())] = []Part{{Kind: "inline document", Value: string(text)}}
			continue
		}
		parts, _, err := b.content(op, action.SecondaryInput, []selector{{path: c.Src, follow: c.FollowSymlink}})
		if err != nil {
			return false, err
		}
		out[path.Join("/", c.Dest)] = append(parts, Part{Kind: "mode", Name: strings.TrimPrefix(c.Src, "/"), Unnamed: true, Value: fmt.Sprintf("%04o", c.Mode)})
	}
	b.inline[d] = out
	return true, nil
}
