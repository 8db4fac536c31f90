package graph

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/spec"
)

// resolveNeeds puts each script in its place: the scripts without outputs are
// a chain in their order; an isolated one runs on the toolchain, or on the
// chain up to the last script of it that it needs.
func (b *builder) resolveNeeds() {
	last := "" // the chain's newest script
	for i, s := range b.graph.Scripts {
		decl := b.file.Setup.Scripts[i]
		if !s.Isolated() {
			s.After = last
			last = s.Name
		}
		for _, t := range decl.Needs {
			b.need(s, i, t)
		}
		s.Needs = b.inOrder(s.Needs)
	}
	for _, s := range b.graph.Cleanup {
		s.After = last
		last = s.Name
	}
	b.refuseCycles()
	b.closeNeeds()
}

// need adds one entry of a script's `needs:`.
func (b *builder) need(s *Script, index int, t spec.Text) {
	if other := b.graph.Script(t.Value); other != nil {
		b.needOne(s, index, other, t.At)
		return
	}
	var names []string
	found := false
	for _, o := range b.graph.Scripts { // the path is as good a name
		names = append(names, o.Name)
		if o.Path == t.Value {
			found = true
			b.needOne(s, index, o, t.At)
		}
	}
	if !found {
		hint := "; the scripts are " + strings.Join(names, ", ")
		hint = cmp.Or(spec.Meant(t.Value, names), hint)
		b.Addf(t.At, "%s needs %q, which is no setup script%s", s.Name, t.Value, hint)
	}
}

// needOne adds one script to those that another one needs.
func (b *builder) needOne(s *Script, index int, other *Script, at spec.Range) {
	switch {
	case other == s:
		b.Addf(at, "%s needs itself", s.Name)
	case other.Isolated():
		s.Needs = append(s.Needs, other.Name)
	case s.Base.Name != "":
		b.Addf(at, "%s runs on %s, and %s is a script of the chain, which runs on what the image is made of; give %s outputs", s.Name, s.Base.Name, other.Name, other.Name)
	case s.Isolated():
		if s.After == "" || slices.Index(b.graph.Scripts, other) > slices.Index(b.graph.Scripts, b.graph.Script(s.After)) {
			s.After = other.Name
		}
	case slices.Index(b.graph.Scripts, other) > index:
		b.Addf(at, "%s runs before %s, which it needs; put it after, or give %s outputs", s.Name, other.Name, other.Name)
	}
}

// refuseCycles reports scripts that wait for each other.
func (b *builder) refuseCycles() {
	const (
		visiting = 1
		done     = 2
	)
	state := map[string]int{}
	var trail []string
	var visit func(s *Script)
	visit = func(s *Script) {
		state[s.Name] = visiting
		trail = append(trail, s.Name)
		for _, name := range s.parents() {
			switch state[name] {
			case visiting:
				circle := append(slices.Clone(trail[slices.Index(trail, name):]), name)
				b.Addf(s.At, "setup scripts need each other in a circle: %s", strings.Join(circle, " needs "))
			case done:
			default:
				visit(b.graph.Script(name))
			}
		}
		trail = trail[:len(trail)-1]
		state[s.Name] = done
	}
	for _, s := range b.graph.Scripts {
		if state[s.Name] == 0 {
			visit(s)
		}
	}
}

// parents are the scripts that must be done before s.
func (s *Script) parents() []string {
	if s.After == "" {
		return s.Needs
	}
	return append(slices.Clone(s.Needs), s.After)
}

// closeNeeds adds the needs of needs: an extension that needs PostgreSQL sees
// the ICU that PostgreSQL needs.
func (b *builder) closeNeeds() {
	if b.Err() != nil { // with a circle there would be no end
		return
	}
	closed := map[string]bool{}
	var closeOne func(s *Script)
	closeOne = func(s *Script) {
		if closed[s.Name] {
			return
		}
		closed[s.Name] = true
		for _, name := range slices.Clone(s.Needs) {
			other := b.graph.Script(name)
			closeOne(other)
			s.Needs = append(s.Needs, other.Needs...)
		}
		s.Needs = b.inOrder(s.Needs)
	}
	for _, s := range b.graph.Scripts {
		closeOne(s)
	}
}

// inOrder sorts names as the build file orders the scripts, each once.
func (b *builder) inOrder(names []string) []string {
	var out []string
	for _, s := range b.graph.Scripts {
		if slices.Contains(names, s.Name) {
			out = append(out, s.Name)
		}
	}
	return out
}

// disjointOutputs reports paths that two scripts claim: in the image the later
// one would silently win. Below a directory of another script's outputs, one that
// needs it may have outputs: it sees what is there, and adds to it.
func (b *builder) disjointOutputs() {
	type claim struct {
		script *Script
		out    Output
	}
	claims := map[string]claim{}  // by path
	below := map[string][]claim{} // those in each directory
	for _, s := range b.graph.Scripts {
		for _, o := range s.Outputs {
			if o.Auto { // the build finds out
				continue
			}
			var taken *claim
			for _, other := range below[o.Path] {
				if !slices.Contains(other.script.Needs, s.Name) {
					taken = &other
				}
			}
			for dir := o.Path; taken == nil && dir != "/"; dir = path.Dir(dir) {
				if other, is := claims[dir]; is && (dir == o.Path || !slices.Contains(s.Needs, other.script.Name)) {
					taken = &other
				}
			}
			if taken != nil {
				b.Addf(o.At, "%s claims the output %s, and %s claims %s; a path can come from one script only, unless the one below the other's comes from a script that needs the other",
					s.Name, o.Path, taken.script.Name, taken.out.Path)
				continue
			}
			claims[o.Path] = claim{s, o}
			for dir := path.Dir(o.Path); dir != "/"; dir = path.Dir(dir) {
				below[dir] = append(below[dir], claim{s, o})
			}
		}
	}
}
