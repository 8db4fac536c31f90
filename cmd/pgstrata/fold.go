package main

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
)

// folded is a message of the daemon in which all that nobody asked for is one
// group: BuildKit's display draws a group as one line. What names the frontend stays,
// since a build shall tell who made it.
func folded(s *client.SolveStatus) *client.SolveStatus {
	out := *s
	out.Vertexes = slices.Clone(s.Vertexes)
	for i, v := range out.Vertexes {
		if strings.HasPrefix(v.Name, "[internal] ") && !strings.HasPrefix(v.Name, definitionVertex) {
			one := *v
			one.ProgressGroup = &pb.ProgressGroup{Id: "pgstrata.internal", Name: "[internal] context, image metadata, and the like"}
			out.Vertexes[i] = &one
		}
	}
	return &out
}
