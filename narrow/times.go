package narrow

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/paths"
)

// What a step makes is newer than what is copied: programs such as make go by that.
// A narrow step may have been run long ago, and the context be a new checkout. So a
// narrow step is given old files, and a step that sees all after it is given these
// files as old, too. In the image they have the times that the Dockerfile gives.

// age is the time of the files that a step is given, between 2000 and 2020. What it
// sees decides: a file that it only gives another owner has that time in the image,
// and whoever goes by times there has to see that it is another.
func age(seen string) int64 {
	const span = 20 * 365 * 24 * 3600
	h := sha256.Sum256([]byte(seen))
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix() + int64(binary.BigEndian.Uint32(h[:4])%span)
	return time.Unix(at, 0).UnixNano()
}

// old is the time that a copy gives to files which a step is given.
func (s *sight) old(c *pb.FileActionCopy) int64 {
	if c.Timestamp >= 0 {
		return c.Timestamp
	}
	return s.age
}

// sources are the files of the context that a narrow step is given.
func (a *applier) sources(s *step, sees *sight) ([]string, error) {
	var out []string
	for name := range sees.at {
		for _, c := range s.chain.copies {
			f, err := a.tree.at(c, name)
			if err != nil {
				return nil, err
			}
			if f != nil && f.kind != way && f.kind != directory {
				out = append(out, f.source)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// times is what a step sees that sees all, after narrow ones; nil for any other.
func (a *applier) times(v digest.Digest) *sight {
	if known, ok := a.timed[v]; ok {
		return known
	}
	a.timed[v] = nil
	exec := a.ops[v].GetExec()
	if a.narrow(v) || exec == nil || root(exec) == nil || root(exec).Output < 0 || a.internal(v) {
		return nil
	}
	c, err := a.chain(input(a.ops[v], root(exec).Input))
	a.fail(err)
	if c.why != "" {
		return nil
	}
	sees := &sight{all: true, sources: map[string]bool{}}
	found := false
	seen := ""
	for _, before := range c.steps {
		if a.narrow(before) {
			found, seen = true, seen+fmt.Sprint(a.sees[before].age)
		}
		for _, source := range a.old[before] {
			sees.sources[source] = true
		}
	}
	sees.age = age(seen)
	if found {
		a.timed[v] = sees
	}
	return a.timed[v]
}

// retimed copies the files again that steps before were given as old files.
func (a *applier) retimed(list []*copied, sees *sight, context func() int64) []*pb.FileAction {
	if len(list) == 0 {
		return nil
	}
	n := a.narrowCopy(list[0].copy, sees)
	for source := range sees.sources {
		for _, c := range list {
			target := c.target
			switch {
			case c.dir && c.source == ".":
				target = path.Join(c.target, source)
			case c.dir && paths.Below("/"+source, "/"+c.source):
				target = path.Join(c.target, source[len(c.source):])
			case c.source != source:
				continue
			}
			f, err := a.tree.at(c, target)
			a.fail(err)
			if f != nil && f.source == source {
				n.files[c] = append(n.files[c], target)
			}
		}
	}
	return n.actions(list, context)
}
