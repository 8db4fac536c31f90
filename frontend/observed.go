package frontend

import (
	"context"
	"errors"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

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
func (d *dockerfileBuild) narrow(ctx context.Context, def *pb.Definition) (*narrow.Result, []dockerfile.Decision, error) {
	if d.observed == nil {
		return &narrow.Result{Definition: def}, nil, nil
	}
	seeing := d.seeing()
	seeing.Digests = d.digests(ctx)
	res, err := narrow.Apply(def, seeing)
	if err != nil {
		return nil, nil, err
	}
	var out []dockerfile.Decision
	for _, dec := range res.Decisions {
		out = append(out, dockerfile.Decision{Line: dec.Line, Kind: dockerfile.Narrowed, Text: dec.Title + ": " + dec.Text})
	}
	return res, out, nil
}

// solvedNarrow is the daemon's handle of a definition some of whose steps see no more
// than what they were observed to read. Where one of them fails, all see all files,
// as in whole: it may have looked elsewhere this time.
func (d *dockerfileBuild) solvedNarrow(ctx context.Context, seen *narrow.Result, whole *pb.Definition) (client.Reference, error) {
	if len(seen.Given) == 0 {
		return d.solved(ctx, seen.Definition)
	}
	res, err := d.gateway.Solve(ctx, client.SolveRequest{Definition: seen.Definition, Evaluate: true, CacheImports: d.client.CacheImports})
	if err == nil {
		return res.SingleRef()
	}
	var failed *errdefs.VertexError
	if ctx.Err() != nil || !errors.As(err, &failed) || !seen.Given[digest.Digest(failed.Digest)] {
		return nil, err
	}
	d.source.Warn(ctx, "a step fails with no more than what it was observed to read; all steps see all files now", client.WarnOpts{Detail: [][]byte{
		[]byte(err.Error()), []byte("Observe it again with `pgstrata observe --write`."),
	}})
	seen.Definition, seen.Given = whole, nil
	return d.solved(ctx, whole)
}

// seeing is what a definition means to package narrow.
func (d *dockerfileBuild) seeing() narrow.Options {
	return narrow.Options{Context: d.tree, Source: d.origin, Record: d.observed}
}
