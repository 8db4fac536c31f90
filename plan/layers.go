package plan

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
)

// Maker returns the node that made a layer, going by what the image's history
// says of it (Layer.By), or nil where that names none: the base's layers are
// nobody's here.
func (r *Record) Maker(l Layer) *Node {
	l.By = strings.TrimPrefix(l.By, compile.RemovedBy(""))
	if i := slices.IndexFunc(r.Nodes, func(n Node) bool { return n.By != "" && n.By == l.By }); i >= 0 {
		return &r.Nodes[i]
	}
	state, what, ok := strings.Cut(l.By, ": ")
	if !ok {
		return nil
	}
	find := func(is func(n *Node) bool) *Node {
		i := slices.IndexFunc(r.Nodes, func(n Node) bool { return n.State == state && is(&n) })
		if i < 0 {
			return nil
		}
		return &r.Nodes[i]
	}
	// An isolated script's layer holds its outputs, not what it ran on.
	if n := find(func(n *Node) bool { return n.Kind == KindOutputs && n.Vertex == "outputs of "+what }); n != nil {
		return n
	}
	// A vertex's name may go on with the rules that count for it.
	if n := find(func(n *Node) bool { return n.Vertex == what || strings.HasPrefix(n.Vertex, what+" (") }); n != nil {
		return n
	}
	switch {
	case state != graph.SetupState:
		return nil
	case what == "ldconfig":
		return find(func(n *Node) bool { return n.Kind == KindLinker })
	case strings.HasSuffix(what, " scripts"):
		return find(func(n *Node) bool { return n.Kind == KindSquash })
	}
	return nil
}
