// Package observe derives a graph from what scripts were seen to do: which
// scripts need which, and what each of them contributes.
//
// Its input are the records of package trace, of setup scripts that ran one
// after another. Nothing is built here, and no file is read: the same records
// give the same answer.
package observe

import (
	"slices"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/trace"
)

// Chain are the setup scripts of a build file in the order in which they ran,
// cleanup scripts last.
type Chain struct {
	Scripts []*Script
	// Given tells whether a path is in the build context, whether or not a
	// script was given it.
	Given func(name string) bool
	// Entries are those of a directory of the build context.
	Entries func(name string) []string
}

// Script is one script, what was seen of it, and what the build file says.
type Script struct {
	// Name and Path are the graph's.
	Name, Path string
	// Cleanup scripts run last, and stay where they are.
	Cleanup bool
	// Record is what it did.
	Record *trace.Record
	// Mounts are the paths where something is mounted while it runs: what lies
	// there is none of the image's.
	Mounts []string
	// Inputs are the context files that it was given.
	Inputs []graph.Input
	// Env are the args that it reads.
	Env []graph.Var
	// Outputs are declared, nil for a script of the chain; Needs too, without
	// the needs of needs.
	Outputs []string
	Needs   []string
	// Auto tells that it is declared to contribute all that it leaves.
	Auto bool
	// Sees are the names of all scripts whose work it sees as declared.
	Sees []string
	// At is its place in the build file.
	At spec.Range

	effects effects
	// contributed is what it contributes, once that was asked for.
	contributed map[string]trace.Kind
}

// Isolated tells whether the build file declares outputs.
func (s *Script) Isolated() bool { return len(s.Outputs) > 0 || s.Auto }

// Order returns the names of a graph's scripts as they ran one after another:
// in the order of the list, but each after what it needs. Cleanup is last.
func Order(g *graph.Graph) []string {
	var out []string
	var visit func(s *graph.Script)
	visit = func(s *graph.Script) {
		if s == nil || slices.Contains(out, s.Name) {
			return
		}
		for _, name := range append(slices.Clone(s.Needs), s.After) {
			visit(g.Script(name))
		}
		out = append(out, s.Name)
	}
	for _, s := range g.Scripts {
		visit(s)
	}
	for _, s := range g.Cleanup {
		out = append(out, s.Name)
	}
	return out
}

// New puts together what is declared, in g and f, its build file, and what was
// recorded, by the scripts' names.
func New(g *graph.Graph, f *spec.File, records map[string]*trace.Record) *Chain {
	c := &Chain{Given: func(string) bool { return false }, Entries: func(string) []string { return nil }}
	for _, name := range Order(g) {
		for i, s := range g.Scripts {
			if s.Name == name {
				c.add(g, s, f.Setup.Scripts[i], records[name])
			}
		}
	}
	for i, s := range g.Cleanup {
		c.add(g, s, f.Setup.FinalCleanup[i], records[s.Name])
		c.Scripts[len(c.Scripts)-1].Cleanup = true
	}
	return c
}

func (c *Chain) add(g *graph.Graph, s *graph.Script, decl spec.Script, record *trace.Record) {
	if record == nil {
		record = &trace.Record{Unknown: []string{"everything: there is no record"}}
	}
	out := &Script{
		Name: s.Name, Path: s.Path, Record: record, Inputs: s.Inputs, Env: s.Env, At: s.At,
		Mounts: mounts(g, s), Sees: sees(g, s), effects: effectsOf(record, mounts(g, s)),
	}
	out.Auto = s.Auto()
	for _, o := range s.Outputs {
		if o.Auto {
			continue
		}
		out.Outputs = append(out.Outputs, o.Path)
	}
	for _, t := range decl.Needs {
		for _, other := range g.Scripts {
			if other.Name == t.Value || other.Path == t.Value {
				out.Needs = append(out.Needs, other.Name)
			}
		}
	}
	c.Scripts = append(c.Scripts, out)
}

// mounts are where something is mounted while a script runs.
func mounts(g *graph.Graph, s *graph.Script) []string {
	out := []string{graph.ContextMount, "/run/pgstrata", "/etc/resolv.conf", "/etc/hosts", "/etc/hostname", cache.DockerClean}
	if s.Installs {
		out = append(out, cache.ListsDir)
	}
	out = append(out, g.BuildArtifacts...)
	for _, m := range s.Caches {
		out = append(out, m.Target)
	}
	for _, secret := range s.Secrets {
		out = append(out, secret.Target)
	}
	for _, r := range g.Toolchain.Repositories {
		if !r.Kept {
			out = append(out, r.File(), r.PreferencesFile())
			if r.Key != nil {
				out = append(out, r.KeyFile())
			}
		}
	}
	return slices.DeleteFunc(out, func(name string) bool { return name == "" })
}

// sees are the names of the scripts whose work a script sees: isolated ones
// that it needs, and the chain that it runs on, with what that holds.
func sees(g *graph.Graph, s *graph.Script) []string {
	out := slices.Clone(s.Needs)
	for name := s.After; name != ""; {
		out = append(out, name)
		on := g.Script(name)
		if on == nil { // a cleanup script
			for _, other := range g.Cleanup {
				if other.Name == name {
					on = other
				}
			}
		}
		out = append(out, on.Needs...)
		name = on.After
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// script returns the script of a name, or nil.
func (c *Chain) script(name string) *Script {
	for _, s := range c.Scripts {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// within tells whether a path is one of the places, or below one.
func within(name string, places []string) bool {
	return slices.ContainsFunc(places, func(place string) bool { return paths.Within(name, place) })
}
