package observe

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/trace"
)

// Proposal is a graph of scripts.
type Proposal struct {
	// Scripts are those of the chain that was observed, in its order.
	Scripts []Placed
}

// Placed is a script and its place in the graph.
type Placed struct {
	Name, Path string
	Cleanup    bool
	// Needs are the scripts that it needs, without those that these need.
	Needs []string
	// Outputs are what it contributes; none for a script of the chain. Auto tells that
	// these are too many to list: it contributes all that it leaves.
	Outputs []string
	Auto    bool
	// Declared tells that the build file says so already.
	Declared bool
	// Stays says why a script stays in the chain, and Out what would free it, if
	// anything is known to.
	Stays, Out string
	// Why has, for each of Needs, what the script read.
	Why []Need
}

// Isolated tells whether the script runs beside others.
func (p Placed) Isolated() bool { return len(p.Outputs) > 0 }

// Propose derives a graph. Scripts that stay are named with the reason: what
// came out when the graph was tried. What the build file declares is left as it
// is.
func (c *Chain) Propose(stay map[string]string) *Proposal {
	d := &derivation{Chain: c, stays: map[string]why{}, needs: make([][]Need, len(c.Scripts)), closed: closure{}}
	for i, s := range c.Scripts {
		reason, returned := stay[s.Name]
		d.needs[i] = c.assumed(i, returned)
		for _, need := range d.needs[i] {
			d.closed.add(s.Name, need.On)
		}
		if returned && !s.Isolated() {
			d.stays[s.Name] = why{reason: reason}
		} else if !s.Isolated() && !s.Cleanup {
			if w := d.bound(i); w.reason != "" {
				d.stays[s.Name] = w
			}
		}
	}
	for {
		d.outputs = make([][]string, len(c.Scripts))
		for i, s := range c.Scripts {
			if s.Isolated() && !s.Auto {
				d.outputs[i] = s.Outputs
			} else if s.Auto || d.free(s) {
				d.outputs[i] = c.outputs(i, d.closed.has)
			}
		}
		if !d.settle() {
			break
		}
	}
	return d.proposal()
}

// why is the reason for which a script stays, and what would free it.
type why struct{ reason, out string }

// derivation is a proposal in the making.
type derivation struct {
	*Chain
	needs   [][]Need
	outputs [][]string
	stays   map[string]why
	// closed are the needs of needs.
	closed closure
}

// free tells whether a script may become an isolated one.
func (d *derivation) free(s *Script) bool {
	_, stays := d.stays[s.Name]
	return !stays && !s.Cleanup && !s.Isolated()
}

// bound returns what keeps a script in the chain, whatever the others do.
func (d *derivation) bound(index int) why {
	s := d.Scripts[index]
	if len(s.Record.Unknown) > 0 {
		return why{reason: "it could not be followed: " + s.Record.Unknown[0]}
	}
	var touched []string
	touched = append(touched, s.effects.names()...)
	touched = append(touched, slices.Sorted(maps.Keys(s.effects.deleted))...)
	for _, name := range touched {
		state := sharedState(name)
		if state == nil {
			continue
		}
		what := fmt.Sprintf("it changes %s (%s)", state.what, name)
		if installed := s.installed(); len(installed) > 0 {
			what = "it installs packages (" + some(installed, 4) + ")"
		}
		return why{reason: what, out: state.out}
	}
	for _, name := range slices.Sorted(maps.Keys(s.effects.deleted)) {
		if apart(name, trace.File) == nil {
			return why{reason: fmt.Sprintf("it deletes %s, which %s left", name, d.owner(index, name))}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.effects.changed)) {
		if apart(name, s.effects.changed[name]) != nil {
			continue
		}
		if owner := d.maker(index, name); owner != "" {
			return why{reason: fmt.Sprintf("it changes %s, which %s left", name, owner)}
		}
		if s.effects.changed[name] == trace.Directory {
			return why{reason: fmt.Sprintf("it changes owner, mode or attributes of the directory %s", name)}
		}
	}
	if w := d.cleaned(index); w.reason != "" {
		return w
	}
	if len(d.contribution(index)) == 0 {
		return why{reason: "it leaves nothing behind"}
	}
	return why{}
}

// cleaned returns what a cleanup script does with the files of the one with an
// index, but delete them: it would not see them if that were isolated.
func (d *derivation) cleaned(index int) why {
	for i, s := range d.Scripts {
		if !s.Cleanup {
			continue
		}
		for _, p := range s.Record.Paths {
			uses := p.Did&(trace.Read|trace.Executed|trace.Connected) != 0 && !s.effects.deleted[p.Name] && reads(p)
			_, changes := s.effects.changed[p.Name]
			if (uses || changes) && !within(p.Name, s.Mounts) && apart(p.Name, p.Was) == nil && d.maker(i, p.Name) == d.Scripts[index].Name {
				return why{
					reason: fmt.Sprintf("the cleanup script %s %s %s, and sees the chain alone", s.Name, verb(changes, p.Did), p.Name),
					out:    "let the script itself do that",
				}
			}
		}
	}
	return why{}
}

func verb(changes bool, did trace.Access) string {
	if changes {
		return "changes"
	}
	return asked(did)
}

// installed are the packages that a script brought into Debian's database.
func (s *Script) installed() []string {
	var out []string
	for name := range s.effects.made {
		if path.Dir(name) == "/var/lib/dpkg/info" && path.Ext(name) == ".list" {
			pkg, _, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".list"), ":")
			out = append(out, pkg)
		}
	}
	slices.Sort(out)
	return out
}

// some lists the first of many.
func some(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// maker is the last script before the one with an index that made or changed a
// path, "" for none.
func (d *derivation) maker(index int, name string) string {
	for on := index - 1; on >= 0; on-- {
		if d.Scripts[on].effects.left(name) {
			return d.Scripts[on].Name
		}
	}
	return ""
}

// owner is who left a path, in words.
func (d *derivation) owner(index int, name string) string {
	if maker := d.maker(index, name); maker != "" {
		return maker
	}
	return "the base or a package"
}

// settle keeps scripts in the chain that cannot be isolated beside the others
// as they are now. It returns false where there are none.
func (d *derivation) settle() bool {
	for i, s := range d.Scripts {
		if !d.free(s) {
			continue
		}
		if len(d.outputs[i]) == 0 {
			d.stays[s.Name] = why{reason: "others leave files in all directories that it makes, and it leaves nothing else"}
			return true
		}
		if mine, other, theirs := d.collision(i); other != "" {
			d.stays[s.Name] = why{reason: fmt.Sprintf("it leaves %s, and %s leaves %s", mine, other, theirs)}
			return true
		}
	}
	return false
}

// collision returns an output of a script that an earlier one, or one whose
// outputs are declared, claims too, and neither in a directory of one that it
// needs.
func (d *derivation) collision(index int) (mine, other, theirs string) {
	s := d.Scripts[index]
	for on, o := range d.Scripts {
		if on == index || on > index && !o.Isolated() {
			continue
		}
		for _, mine := range d.outputs[index] {
			for _, theirs := range d.outputs[on] {
				nested := paths.Below(mine, theirs) && d.closed.has(s.Name, o.Name) || paths.Below(theirs, mine) && d.closed.has(o.Name, s.Name)
				if (mine == theirs || paths.Below(mine, theirs) || paths.Below(theirs, mine)) && !nested {
					return mine, o.Name, theirs
				}
			}
		}
	}
	return "", "", ""
}
