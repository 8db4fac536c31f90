package replay

import (
	"cmp"
	"slices"

	"github.com/pgstrata/pgstrata/plan"
)

// files counts how often each file changed that is still there, and what it
// counts for in the newest record, which may be nil.
func files(commits []Commit, newest *plan.Record) []File {
	index := map[string]int{}
	gone := map[string]bool{}
	var out []File
	for _, c := range slices.Backward(commits) {
		for _, name := range c.Changed {
			i, known := index[name]
			if !known && !gone[name] && slices.Contains(c.Deleted, name) {
				gone[name] = true
			}
			if gone[name] {
				continue
			}
			if !known {
				i = len(out)
				index[name] = i
				out = append(out, File{Path: name})
			}
			out[i].Changes++
		}
	}
	if newest != nil {
		for _, n := range newest.Nodes {
			for _, p := range n.Parts {
				if i, ok := index[p.Name]; ok && p.Kind == "file" && !slices.Contains(out[i].Nodes, n.ID) {
					out[i].Nodes = append(out[i].Nodes, n.ID)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b File) int {
		return cmp.Or(b.Changes-a.Changes, cmp.Compare(a.Path, b.Path))
	})
	return out
}
