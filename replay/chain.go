package replay

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// NewChain returns the chain of a graph, with what keeps its scripts in order:
// needs, which are the build file's own by the scripts' paths, files or
// directories outside of the context that two scripts name, and packages or
// accounts, which all that comes after may use. took is how long nodes took when
// they last ran.
func NewChain(g *graph.Graph, needs map[string][]string, took map[string]time.Duration) Chain {
	var chain Chain
	weighed := true
	for _, s := range g.Scripts {
		if s.Isolated() {
			continue
		}
		l := Link{Path: s.Path, Node: s.Node(), Weight: took[s.Node()].Milliseconds()}
		weighed = weighed && l.Weight > 0
		for _, before := range chain {
			if mustFollow(g, s, before, needs[s.Path]) {
				l.After = append(l.After, before.Path)
			}
		}
		chain = append(chain, l)
	}
	if !weighed { // half of the truth would move the wrong scripts
		for i := range chain {
			chain[i].Weight = 1
		}
	}
	return chain
}

// mustFollow tells whether a script has to come after another of the chain.
func mustFollow(g *graph.Graph, s *graph.Script, before Link, needs []string) bool {
	if slices.Contains(needs, before.Path) || slices.Contains(needs, path.Base(before.Node)) {
		return true
	}
	for _, name := range s.Needs { // an isolated one, which may run on the chain
		if on := g.Script(g.Script(name).After); on != nil && on.Path == before.Path {
			return true
		}
	}
	if equips(g.Programs[before.Path]) {
		return true
	}
	for _, a := range places(g.Programs[s.Path]) {
		for _, b := range places(g.Programs[before.Path]) {
			if paths.Within(a, b) || paths.Within(b, a) {
				return true
			}
		}
	}
	return false
}

// equips reports whether a script installs packages or makes accounts, by programs
// that are known for it.
func equips(p *shell.Program) bool {
	if p == nil {
		return true // nobody has read it
	}
	for _, s := range p.Closure() {
		for _, c := range s.Calls {
			if programs.Is(c.Name, programs.Packager|programs.Apt|programs.Pip|programs.MakesAccounts) || programs.Manager(c.Name) != "" {
				return true
			}
		}
	}
	return false
}

// places are the files and directories of the image that a script names, but
// for those that say nothing since every script names them.
func places(p *shell.Program) []string {
	var out []string
	if p == nil {
		return nil
	}
	for _, s := range p.Closure() {
		for _, ref := range s.Paths {
			if ref.InContext || ref.Bare || ref.Glob || isCommon(ref.Path) || slices.Contains(out, ref.Path) {
				continue
			}
			out = append(out, ref.Path)
		}
	}
	return out
}

// isCommon tells the places that say nothing: those that every system has,
// and where anything may be put.
func isCommon(name string) bool {
	for _, dir := range []string{
		"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/share/man", "/dev", "/proc", "/sys", "/tmp", "/var/tmp", "/root",
		"/etc/apt", "/usr/share/keyrings", "/var/lib/apt", "/var/lib/dpkg", "/var/cache", "/var/log", "/etc/passwd", "/etc/group",
	} {
		if paths.Within(name, dir) {
			return true
		}
	}
	switch parts := strings.Split(name, "/"); len(parts) { // of the root the first is empty
	case 0, 1, 2:
		return true
	case 3:
		return parts[1] == "usr" || parts[1] == "var" || paths.Everywhere(name)
	}
	return paths.Everywhere(name)
}
