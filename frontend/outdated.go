package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/lock"
)

// OutdatedRequest is the id of the subrequest that tells what of a lock file is no
// longer what its names stand for: `docker buildx build --call pgstrata.outdated`.
const OutdatedRequest = "frontend.pgstrata.outdated"

// Moved is something that is locked and stands for something else today.
type Moved struct {
	// Kind is base, source or package.
	Kind string `json:"kind"`
	// Name is its name in the lock file, Platform that of a package.
	Name     string `json:"name"`
	Platform string `json:"platform,omitempty"`
	// From is where a source comes from.
	From string `json:"from,omitempty"`
	// Declared tells that it is pinned by the build file, which has to be edited.
	Declared bool `json:"declared,omitempty"`
	// Locked and Now are a digest, commit or version; Now is "" where nobody could
	// tell, and Why says why.
	Locked string `json:"locked"`
	Now    string `json:"now,omitempty"`
	Why    string `json:"why,omitempty"`
}

// String is a line for people.
func (m Moved) String() string {
	if m.Now == "" {
		return fmt.Sprintf("%s %s: %s; what it is today nobody tells: %s", m.Kind, m.Name, m.Locked, m.Why)
	}
	return fmt.Sprintf("%s %s: %s -> %s", m.Kind, m.Name, m.Locked, m.Now)
}

// answerOutdated tells what has moved since it was locked.
func (r *request) answerOutdated(ctx context.Context) (*client.Result, error) {
	if err := r.readLock(ctx); err != nil {
		return nil, err
	}
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	locked := r.lock.file
	if locked == nil {
		if !slices.ContainsFunc(inputs[0].graph.Sources, declared) {
			return nil, errors.Errorf("there is no %s; write it with `pgstrata lock`", r.lock.name)
		}
		locked = &lock.File{}
	}
	moved := []Moved{}
	for _, in := range inputs {
		packages, err := r.movedPackages(ctx, in, locked)
		if err != nil {
			return nil, err
		}
		moved = append(moved, packages...)
	}
	// From here on, nothing is locked.
	r.lock.anew, r.lock.file = true, locked.Without(func(string) bool { return true })
	r.client.ImageResolveMode = llb.ResolveModeForcePull // what the daemon has says nothing of today
	moved = append(r.movedSources(ctx, inputs[0], locked), moved...)
	moved = append(r.movedBases(ctx, inputs[0], locked), moved...)
	data, err := json.MarshalIndent(moved, "", "  ")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, m := range moved {
		fmt.Fprintln(&text, m)
	}
	return result(data, text.Bytes()), nil
}

func (r *request) movedBases(ctx context.Context, in input, locked *lock.File) []Moved {
	var out []Moved
	for _, name := range bases(in.graph) {
		m := Moved{Kind: "base", Name: name, Locked: locked.Bases[name]}
		if m.Locked == "" {
			continue
		}
		b, err := r.resolve(ctx, in, graph.Ref{Name: name})
		if err != nil {
			m.Why = err.Error()
		} else {
			m.Now = b.Digest.String()
		}
		if m.Now != m.Locked {
			out = append(out, m)
		}
	}
	return out
}

// declared tells whether a source is a download that has a pin: its checksum, where no
// lock file was read.
func declared(s *graph.Source) bool { return s.URL != "" && s.Pin != "" }

func (r *request) movedSources(ctx context.Context, in input, locked *lock.File) []Moved {
	var out []Moved
	for _, s := range in.graph.Sources {
		m := Moved{Kind: "source", Name: s.Name, From: s.Place()}
		switch l, ok := locked.Sources[s.Name]; {
		case movable(in.file, s) && ok && l.From == m.From:
			m.Locked = l.Pin
		case !movable(in.file, s) && declared(s):
			m.Locked, m.Declared = s.Pin, true
		default:
			continue
		}
		free := *s
		free.Pin = ""
		pin, err := r.pin(ctx, in, &free)
		if err != nil {
			m.Why = err.Error()
		} else {
			m.Now = pin.Pin
		}
		if m.Now != m.Locked {
			out = append(out, m)
		}
	}
	return out
}

func (r *request) movedPackages(ctx context.Context, in input, locked *lock.File) ([]Moved, error) {
	have := locked.Platforms[in.graph.Platform].Pins()
	if len(have) == 0 {
		return nil, nil
	}
	names := slices.Sorted(maps.Keys(have))
	newest, err := r.newest(ctx, in, names)
	if err != nil {
		return nil, err
	}
	var out []Moved
	for _, name := range names {
		m := Moved{Kind: "package", Name: name, Platform: in.graph.Platform, Locked: have[name], Now: newest[name]}
		if m.Now == "" {
			m.Why = "the archive has no such package"
		}
		if m.Now != m.Locked {
			out = append(out, m)
		}
	}
	return out, nil
}
