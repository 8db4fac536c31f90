package compile

import (
	"encoding/json"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// Vertex says what a vertex of a definition is, for package plan to tell of. It
// is in the vertex's metadata, so it is no part of what the vertex does: that,
// plan reads in the operation itself.
type Vertex struct {
	// Node tells the vertex from all others. It begins with the vertex's state,
	// as in setup/02-install-postgresql.
	Node string `json:"node"`
	// Kind is one of package plan's kinds of nodes.
	Kind string `json:"kind"`
	// Title is what messages call it.
	Title string `json:"title"`
	// Arguments is what its command's arguments are, such as package; "" where
	// nobody asks for them one by one.
	Arguments string `json:"arguments,omitempty"`
	// Order numbers the vertices as they were compiled, each after those that it
	// builds on.
	Order int `json:"order"`
}

// The variables by which cache invalidation rules count for a step.
const (
	FreshSinceEnv = "PGSTRATA_FRESH_SINCE"
	BaseEnv       = "PGSTRATA_BASE"
	DayEnv        = "PGSTRATA_DAY"
)

// The keys of a vertex's metadata: NameKey is what progress shows of it, as
// BuildKit has it, the other one is its description.
const (
	NameKey   = "llb.customname"
	vertexKey = "pgstrata.vertex"
)

// vertex labels a vertex as name does, and describes it to those who read the
// definition.
func (c *compiler) vertex(v Vertex, label, text string) llb.ConstraintsOpt {
	c.described++
	v.Order = c.described
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is strings and a number
	}
	return llb.WithDescription(map[string]string{NameKey: c.label(label, text), vertexKey: string(data)})
}

// Described returns what a vertex's metadata say it is; ok is false where they
// say nothing.
func Described(meta *pb.OpMetadata) (v Vertex, ok bool) {
	text := meta.GetDescription()[vertexKey]
	return v, text != "" && json.Unmarshal([]byte(text), &v) == nil
}
