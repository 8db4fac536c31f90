package narrow

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/trace"
)

// Step is the step of a name.
func (o *Observation) Step(name string) int {
	n, err := strconv.Atoi(name)
	if err != nil || n < 0 || n >= len(o.steps) {
		return -1
	}
	return n
}

// Learn takes a step's record over, by its name.
func (o *Observation) Learn(name, platform string, r *trace.Record) error {
	i := o.Step(name)
	if i < 0 {
		return fmt.Errorf("there is no step %s", name)
	}
	s := o.steps[i]
	seen, err := o.saw(s, r)
	if err != nil {
		return err
	}
	if o.record.Step(s.key) == nil {
		o.record.Steps = append(o.record.Steps, Recorded{Key: s.key, Platform: platform, Title: s.title, Seen: seen})
	}
	why, err := o.readsRecord(s, seen)
	if err != nil || why == "" {
		return err
	}
	return o.Withhold(i, why)
}

// readsRecord tells that a step reads the record itself, which would change with
// what it says.
func (o *Observation) readsRecord(s *step, list []Seen) (string, error) {
	why := "it reads " + o.name + " itself: name that in .dockerignore"
	for _, one := range list {
		if one.Kind == All && o.name != "" {
			if f, err := o.tree.look(o.name); err != nil || f != nil && one.Value != Nothing {
				return why, err
			}
		}
		for _, c := range s.chain.copies {
			f, err := o.tree.at(c, one.Path)
			if err != nil {
				return "", err
			}
			if f != nil && one.Kind == At && f.kind == file && o.name != "" && path.Base(f.source) == o.name {
				return why, nil
			}
		}
	}
	return "", nil
}

// saw is what a step saw of the copied files.
func (o *Observation) saw(s *step, r *trace.Record) ([]Seen, error) {
	if len(r.Unknown) > 0 {
		all, err := o.tree.seen(s.chain.copies, All, "/")
		return []Seen{all}, err
	}
	w := &watched{tree: o.tree, copies: s.chain.copies, seen: map[Seen]bool{}}
	mounts := []string{runDir, "/etc/resolv.conf", "/etc/hosts", "/etc/hostname"}
	for _, m := range s.exec.Mounts {
		if m.Dest != pb.RootMount {
			mounts = append(mounts, path.Clean(m.Dest))
			w.asked(path.Clean(m.Dest))
		}
	}
	// Who runs a step looks for its directory and its user.
	for _, name := range append([]string{path.Clean("/" + s.exec.Meta.Cwd), "/etc/passwd", "/etc/group"}, s.chain.named...) {
		w.asked(name)
	}
	for _, p := range r.Paths {
		if slices.ContainsFunc(mounts, func(m string) bool { return paths.Within(p.Name, m) }) {
			continue
		}
		w.asked(p.Name)
		if p.Did&trace.Listed != 0 || p.Was == trace.Directory && p.Did&(trace.Deleted|trace.Renamed) != 0 {
			w.listed(p.Name)
		}
	}
	var out []Seen
	for one := range w.seen {
		out = append(out, one)
	}
	slices.SortFunc(out, compareSeen)
	return out, w.err
}

// watched collects what a step saw.
type watched struct {
	*tree
	copies []*copied
	seen   map[Seen]bool
	err    error
}

func (w *watched) add(k Kind, name string) (value string) {
	one, err := w.tree.seen(w.copies, k, name)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.seen[one] = true
	return one.Value
}

// within reports whether copies may put anything at a path, whatever is in the
// context.
func (w *watched) within(name string) bool {
	return slices.ContainsFunc(w.copies, func(c *copied) bool { return paths.Within(name, c.area) })
}

// asked takes note that something was asked about a path. Where there is nothing
// of the context at a directory above it, that says all of what is below.
func (w *watched) asked(name string) {
	at := ""
	for part := range strings.SplitSeq(strings.TrimPrefix(name, "/"), "/") {
		at += "/" + part
		if w.within(at) && w.add(At, at) == Nothing && !w.above(at) {
			return
		}
	}
}

// above reports whether copies have anything below a path for which nothing is at
// it.
func (w *watched) above(name string) bool {
	return slices.ContainsFunc(w.copies, func(c *copied) bool { return paths.Below(c.area, name) })
}

// listed takes note that a directory was listed.
func (w *watched) listed(name string) {
	if name == "/" && w.within("/") || w.within(name) {
		if one, err := w.tree.seen(w.copies, At, name); err != nil || one.Value != Nothing {
			w.add(Names, name)
		}
	}
}
