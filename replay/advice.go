package replay

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
)

// Advice is something that would have saved work.
type Advice struct {
	// Kind is order, split, shared or class.
	Kind string `json:"kind"`
	// Text says what to do.
	Text string `json:"text"`
	// Saves is how many runs of setup scripts there would have been less, of
	// all; for a class, how many entrypoint layers. Where times count, it may be
	// below 0: more runs that take less.
	Saves int `json:"saves"`
	Of    int `json:"of"`
	// Seconds is the time that this is; 0 where nobody measured.
	Seconds float64 `json:"seconds,omitempty"`
	// Order are the paths of the chain's scripts as they should be.
	Order []string `json:"order,omitempty"`
	// Edit is the change of the build file, as a diff or as what to write, and
	// Note what else to know of it; filled by the caller.
	Edit string `json:"edit,omitempty"`
	Note string `json:"note,omitempty"`
}

// Advise looks for what would have saved most: another place for one of the chain's
// scripts, scripts that would better be split, and entrypoint files that are in
// the wrong class. It looks at the first contender, and at the newest record.
func (r *Report) Advise(chain Chain, newest *plan.Record) {
	if len(r.Contenders) == 0 || newest == nil {
		return
	}
	if len(chain) > bitsOfSet {
		chain = nil
	}
	c := r.Contenders[0]
	p := newPast(chain, c.Outcomes)
	cost, runs := p.cost(move{}.order(len(chain)))
	r.Advice = append(r.Advice, p.reorder(cost, runs)...)
	r.Advice = append(r.Advice, p.split(cost, runs)...)
	r.Advice = append(r.Advice, c.shared(newest)...)
	r.Advice = append(r.Advice, reclass(c.commits(), newest)...)
}

// bitsOfSet is how many scripts a set of them can have.
const bitsOfSet = 64

// worthwhile tells savings that are worth a word: a twentieth, and not a single run.
func worthwhile(saves, of int64) bool { return saves >= 2 && saves*20 >= of }

// seconds is a weight as a time, 0 where scripts were counted.
func (p *past) seconds(weight int64) float64 {
	if slices.ContainsFunc(p.chain, func(l Link) bool { return l.Weight != 1 }) {
		return float64(weight) / 1000
	}
	return 0
}

// reorder offers to move one script.
func (p *past) reorder(cost, runs int64) []Advice {
	order, moved := p.best()
	if order == nil {
		return nil
	}
	better, fewer := p.cost(order)
	if !worthwhile(cost-better, cost) {
		return nil
	}
	a := Advice{Kind: "order", Saves: int(runs - fewer), Of: int(runs), Seconds: p.seconds(cost - better)}
	for _, i := range order {
		a.Order = append(a.Order, p.chain[i].Path)
	}
	a.Text = "run " + path.Base(a.Order[moved.to]) + " first"
	if moved.to > 0 {
		a.Text = fmt.Sprintf("run %s after %s", path.Base(a.Order[moved.to]), path.Base(a.Order[moved.to-1]))
	}
	return []Advice{a}
}

// split finds the scripts whose changes make others run.
func (p *past) split(cost, runs int64) []Advice {
	var out []Advice
	for i, l := range p.chain {
		var rest []int
		for j := range p.chain {
			if j != i {
				rest = append(rest, j)
			}
		}
		own := p.runs(i, 0)
		better, fewer := p.cost(rest)
		better, fewer = better+own*l.Weight, fewer+own
		if !worthwhile(cost-better, cost) {
			continue
		}
		name := path.Base(l.Path)
		text := fmt.Sprintf("split %s: it changed in %s, and %s. Give it outputs, or move the lines that change into a script at the end",
			name, many(int(own), "commit"), p.behind(i))
		if i == len(p.chain)-1 || own == 0 {
			text = fmt.Sprintf("give %s outputs: it ran for every change of the scripts before it, and changed in %s itself", name, many(int(own), "commit"))
		}
		out = append(out, Advice{Kind: "split", Text: text, Saves: int(runs - fewer), Of: int(runs), Seconds: p.seconds(cost - better)})
	}
	slices.SortStableFunc(out, func(a, b Advice) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), b.Saves-a.Saves)
	})
	const most = 3
	return out[:min(len(out), most)]
}

// behind says what runs after a script.
func (p *past) behind(i int) string {
	n := len(p.chain) - i - 1
	if n == 1 {
		return "the script after it ran each time"
	}
	return fmt.Sprintf("the %d scripts after it ran each time", n)
}

// shared finds files that several scripts read: a change of one runs them all.
func (c *Contender) shared(newest *plan.Record) []Advice {
	var out []Advice
	for _, cause := range c.Causes {
		if cause.Kind != "file" || cause.Commits < 2 {
			continue
		}
		var readers []string
		for i := range newest.Nodes {
			n := &newest.Nodes[i]
			reads := slices.ContainsFunc(n.Parts, func(p plan.Part) bool { return p.Kind == "file" && p.Name == cause.Name })
			if n.Kind == plan.KindScript && reads && script(n) != cause.Name {
				readers = append(readers, n.Title)
			}
		}
		if len(readers) < 2 {
			continue
		}
		out = append(out, Advice{Kind: "shared", Of: c.Ran, Text: fmt.Sprintf(
			"split %s: it changed in %s, and %s of setup ran for it. %s read it: each may need but a part",
			cause.Name, many(cause.Commits, "commit"), many(cause.Ran, "step"), strings.Join(readers, ", "))})
	}
	return out
}

// commits are those that were compared.
func (c *Contender) commits() []Commit {
	var out []Commit
	for _, o := range c.Outcomes {
		out = append(out, o.Commit)
	}
	return out
}

// reclass finds entrypoint scripts that push a layer of others along each time
// that they change, though another layer changes with them.
func reclass(commits []Commit, newest *plan.Record) []Advice {
	classes := map[string][]string{"utilities": nil, "runtime": nil}
	of := map[string]string{}
	for name := range classes {
		n := newest.Node(graph.EntrypointState + "/" + name)
		if n == nil {
			return nil
		}
		for _, p := range n.Parts {
			if p.Kind == "file" {
				classes[name] = append(classes[name], p.Name)
				of[p.Name] = name
			}
		}
	}
	layers := func(moved string) int {
		n := 0
		for _, c := range commits {
			made := map[string]bool{}
			for _, name := range c.Changed {
				class := of[name]
				if name == moved {
					class = other(class)
				}
				if class != "" {
					made[class] = true
				}
			}
			n += len(made)
		}
		return n
	}
	now := layers("")
	var best Advice
	for _, class := range []string{"utilities", "runtime"} {
		for _, name := range classes[class] {
			if saves := now - layers(name); len(classes[class]) > 1 && saves > best.Saves {
				best = Advice{Kind: "class", Saves: saves, Of: now, Text: fmt.Sprintf(
					"move %s to %s: the layer of the %s was made again each time that it changed", name, listOf(other(class)), class)}
			}
		}
	}
	if !worthwhile(int64(best.Saves), int64(now)) {
		return nil
	}
	return []Advice{best}
}

func other(class string) string {
	switch class {
	case "utilities":
		return "runtime"
	case "runtime":
		return "utilities"
	}
	return ""
}

// listOf is a class's list in the build file.
func listOf(class string) string {
	if class == "utilities" {
		return "utility_scripts"
	}
	return "runtime_scripts"
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
