package frontend

import (
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/spec"
)

// maxExcerpts is how many places are shown: each takes the whole file along.
const maxExcerpts = 8

// Locate attaches the offending lines of the build file to its errors, so that
// docker, buildctl and pgstrata print an excerpt for each, in the order of the
// text: they print the innermost first.
func Locate(err error, file *pb.SourceInfo) error {
	mistakes := spec.AsErrors(err)
	for _, mistake := range mistakes[:min(len(mistakes), maxExcerpts)] {
		if mistake.At != (spec.Range{}) {
			err = errdefs.WithSource(err, &errdefs.Source{Info: file, Ranges: []*pb.Range{compile.Range(mistake.At)}})
		}
	}
	return err
}

func (r *request) locate(err error) error { return Locate(err, r.sourceInfo()) }

func (r *request) sourceInfo() *pb.SourceInfo {
	return &pb.SourceInfo{
		Data:       r.source.Data,
		Filename:   r.source.Filename,
		Language:   r.source.Language,
		Definition: r.source.Definition.ToPB(),
	}
}
