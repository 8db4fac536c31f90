package frontend

import (
	"context"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/narrow"
)

// readRecord reads what was observed of the Dockerfile's steps. A record that
// cannot be read counts as none, and is told.
func (d *dockerfileBuild) readRecord(ctx context.Context) error {
	if d.tree == nil || d.origin == "" || !d.mergeDiff() {
		return nil
	}
	name := d.source.Filename + narrow.Suffix
	data, ok, err := d.readBeside(ctx, name, narrow.MaxSize)
	if err != nil || !ok {
		return err
	}
	record, err := narrow.ParseRecord(data)
	if err != nil {
		d.source.Warn(ctx, name+" is not used: "+err.Error(), client.WarnOpts{Detail: [][]byte{
			[]byte("All steps see all files. Write it anew with `pgstrata observe --write`."),
		}})
		return nil //nolint:nilerr // all steps see all files, as without a record
	}
	if len(record.Steps) > 0 {
		d.observed = record
	}
	return nil
}

// narrow gives the steps of a definition what they were observed to read, where
// their records hold, and tells of each.
func (d *dockerfileBuild) narrow(def *pb.Definition) (*pb.Definition, []dockerfile.Decision, error) {
	if d.observed == nil {
		return def, nil, nil
	}
	res, err := narrow.Apply(def, d.seeing())
	if err != nil {
		return nil, nil, err
	}
	var out []dockerfile.Decision
	for _, dec := range res.Decisions {
		out = append(out, dockerfile.Decision{Line: dec.Line, Text: dec.Title + ": " + dec.Text})
	}
	return res.Definition, out, nil
}

// seeing is what a definition means to package narrow.
func (d *dockerfileBuild) seeing() narrow.Options {
	return narrow.Options{Context: d.tree, Source: d.origin, Record: d.observed}
}
