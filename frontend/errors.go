package frontend

import (
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	pgllb "github.com/pgstrata/pgstrata/llb"
	"github.com/pgstrata/pgstrata/spec"
)

// maxExcerpts is how many places are shown: each takes the whole file along.
const maxExcerpts = 8

// locate attaches the offending lines of the build file to its errors, so that
// docker and buildctl print an excerpt for each.
func (r *request) locate(err error) error {
	if err == nil {
		return nil
	}
	// The client prints the outermost excerpt first.
	mistakes := spec.AsErrors(err)
	for i := min(len(mistakes), maxExcerpts) - 1; i >= 0; i-- {
		if at := mistakes[i].At; at != (spec.Range{}) {
			err = errdefs.WithSource(err, &errdefs.Source{
				Info:   r.sourceInfo(),
				Ranges: []*pb.Range{pgllb.Range(at)},
			})
		}
	}
	return err
}

func (r *request) sourceInfo() *pb.SourceInfo {
	return &pb.SourceInfo{
		Data:       r.source.Data,
		Filename:   r.source.Filename,
		Language:   r.source.Language,
		Definition: r.source.Definition.ToPB(),
	}
}
