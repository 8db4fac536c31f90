package narrow

import (
	"maps"
	"slices"

	"github.com/moby/buildkit/solver/pb"
)

// Digests returns the SHA-256 of files of the context, as hexadecimal text, by their
// names. It may leave files out: these are read.
type Digests func(names []string) (map[string]string, error)

// Up to so many files, and bytes, are read one by one: to ask for all digests at once
// starts a program where the context is.
const (
	fewFiles = 200
	fewBytes = 16 << 20
)

// ahead asks at once for the digests of files that a record will be compared with, if
// these are many. Whatever it does not foresee is read.
func (b *build) ahead(record *Record, ask Digests) error {
	if ask == nil || record == nil {
		return nil
	}
	copies, flows, err := b.given()
	if err != nil {
		return err
	}
	names := map[string]bool{}
	var size int64
	add := func(f *found) bool {
		if f.kind == file && !names[f.source] {
			names[f.source] = true
			size += f.info.Size()
		}
		return true
	}
	for _, one := range record.sought() {
		for c := range copies {
			if one.Kind == All {
				err = b.tree.walk(c, one.Path, add)
			} else {
				var f *found
				if f, err = b.tree.at(c, one.Path); f != nil {
					add(f)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	for _, f := range flows {
		list, err := b.flowed(f)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := b.tree.walk(c, f.path, add); err != nil {
				return err
			}
		}
	}
	if len(names) <= fewFiles && size <= fewBytes {
		return nil
	}
	b.tree.ahead, err = ask(slices.Sorted(maps.Keys(names)))
	return err
}

// sought are the paths of which a record has what was there.
func (r *Record) sought() []Seen {
	var out []Seen
	have := map[Seen]bool{}
	for _, s := range r.Steps {
		for _, one := range s.Seen {
			if one.Kind == Names || one.Value == Nothing || one.Value == large {
				continue
			}
			if one.Value = ""; !have[one] {
				have[one] = true
				out = append(out, one)
			}
		}
	}
	return out
}

// given are the copies that steps run on, and what they get of the context by way of
// mounts and other stages.
func (b *build) given() (copies map[*copied]bool, flows []flow, err error) {
	copies = map[*copied]bool{}
	for _, v := range b.order {
		op := b.ops[v]
		exec := op.GetExec()
		if root(exec) == nil || !b.depends[v] || b.internal(v) {
			continue
		}
		c, err := b.chain(input(op, root(exec).Input))
		if err != nil {
			return nil, nil, err
		}
		for _, one := range c.copies {
			copies[one] = true
		}
		flows = join(flows, c.flows)
		s := &step{op: op}
		for _, m := range exec.Mounts {
			if m.Dest == pb.RootMount {
				continue
			}
			why, more, err := b.mount(s, m)
			if err != nil {
				return nil, nil, err
			}
			if why == "" {
				flows = join(flows, more)
			}
		}
	}
	return copies, flows, nil
}
