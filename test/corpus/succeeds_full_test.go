//go:build full

package corpus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// succeeds leaves out each instruction that fails when dockerfile.v0 builds it.
func succeeds(ctx context.Context, p *prover, s sketch) (sketch, error) {
	for {
		specimen := s.specimen()
		specimen.edits = nil
		failure, err := p.failure(ctx, specimen)
		if failure == nil || err != nil {
			return s, err
		}
		line := 1
		at := slices.IndexFunc(s, func(a atom) bool {
			from := line
			line += 1 + strings.Count(a.line, "\n")
			if a.file != "Dockerfile" || from == 1 {
				return false
			}
			for n := from; n < line; n++ { // some are two instructions
				if strings.Contains(places(failure)+",", fmt.Sprintf("Dockerfile:%3d,", n)) {
					return true
				}
			}
			return false
		})
		if at < 0 {
			return s, failure
		}
		s = slices.Delete(s, at, at+1)
	}
}

// failure is why dockerfile.v0 cannot build a specimen, nil if it can.
func (p *prover) failure(ctx context.Context, s *specimen) (failure, err error) {
	dir, err := os.MkdirTemp("", "corpus-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := s.write(dir); err != nil {
		return nil, err
	}
	res, failure := p.env.Daemon.Build(ctx, testenv.Request{Context: dir, Options: s.options, SolveOpt: client.SolveOpt{Frontend: "dockerfile.v0"}})
	if res == nil || ctx.Err() != nil {
		return nil, errors.Join(failure, ctx.Err())
	}
	return failure, nil
}
