package replay

import "slices"

// Chain is the scripts of setup that run one after another, as the build file
// has them now.
type Chain []Link

// Link is one script of the chain.
type Link struct {
	// Path is the script's.
	Path string
	// Node is its node.
	Node string
	// Weight is what running it costs: milliseconds, or 1 where nobody measured.
	Weight int64
	// After are the paths of scripts that have to come before it.
	After []string
}

// past is what a chain has been through.
type past struct {
	chain Chain
	// changes are the commits that changed scripts of it.
	changes []change
	// born is the first commit that a script is in.
	born []int
}

// change is a commit with a bit for each script that it changed.
type change struct {
	commit int
	set    uint
}

func newPast(chain Chain, outcomes []Outcome) *past {
	p := &past{chain: chain, born: make([]int, len(chain))}
	for i := range p.born {
		p.born[i] = len(outcomes)
	}
	for i, o := range outcomes {
		at := func(path string) int {
			return slices.IndexFunc(chain, func(l Link) bool { return l.Path == o.Commit.Newest(path) })
		}
		for _, path := range o.present {
			if j := at(path); j >= 0 {
				p.born[j] = min(p.born[j], i)
			}
		}
		set := uint(0)
		for _, path := range o.Scripts {
			if j := at(path); j >= 0 {
				set |= 1 << j
			}
		}
		if set != 0 {
			p.changes = append(p.changes, change{i, set})
		}
	}
	return p
}

// runs is how often a script runs that comes after those of a set: once for
// each commit that changed it or one of them.
func (p *past) runs(script int, before uint) int64 {
	n := int64(0)
	for _, c := range p.changes {
		if c.commit >= p.born[script] && c.set&(before|1<<script) != 0 {
			n++
		}
	}
	return n
}

// cost is that of an order of the scripts, given by their numbers.
func (p *past) cost(order []int) (weight, runs int64) {
	before := uint(0)
	for _, i := range order {
		n := p.runs(i, before)
		runs += n
		weight += n * p.chain[i].Weight
		before |= 1 << i
	}
	return weight, runs
}

// move takes one script out of the chain, and puts it in at another place.
type move struct{ from, to int }

// order is the order of the scripts after the move.
func (m move) order(n int) []int {
	var order []int
	for i := range n {
		if i != m.from {
			order = append(order, i)
		}
	}
	return slices.Insert(order, m.to, m.from)
}

// best is the cheapest order that the scripts allow and that moves one of them; of
// several the first. It is nil where no move makes it cheaper.
func (p *past) best() (best []int, moved move) {
	least, _ := p.cost(move{}.order(len(p.chain)))
	for from := range p.chain {
		for to := range p.chain {
			order := move{from, to}.order(len(p.chain))
			if !p.allows(order) {
				continue
			}
			if cost, _ := p.cost(order); cost < least {
				best, moved, least = order, move{from, to}, cost
			}
		}
	}
	return best, moved
}

// allows reports whether each script comes after those that have to come before it.
func (p *past) allows(order []int) bool {
	seen := map[string]bool{}
	for _, i := range order {
		for _, before := range p.chain[i].After {
			if !seen[before] {
				return false
			}
		}
		seen[p.chain[i].Path] = true
	}
	return true
}
