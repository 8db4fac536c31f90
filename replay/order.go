package replay

import (
	"math/bits"
	"slices"
)

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

// maxChain is the longest chain of which all orders are looked at: their number
// is that of all sets of scripts, and each takes some bytes.
const maxChain = 16

// past is what a chain has been througp.
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

// best is the cheapest order that the scripts allow; of several the one that is
// nearest to the one they have. It is nil for a chain that is too long.
func (p *past) best() []int {
	n := len(p.chain)
	if n > maxChain {
		return nil
	}
	all := uint(1)<<n - 1
	after := make([]uint, n)
	for i, l := range p.chain {
		for _, path := range l.After {
			if j := slices.IndexFunc(p.chain, func(o Link) bool { return o.Path == path }); j >= 0 {
				after[i] |= 1 << j
			}
		}
	}
	// rest[set] is what the scripts cost that come after those of the set.
	const impossible = int64(1) << 62
	rest := make([]int64, all+1)
	step := func(set uint, i int) int64 {
		if set&(1<<i) != 0 || after[i]&^set != 0 || rest[set|1<<i] == impossible {
			return impossible
		}
		return p.runs(i, set)*p.chain[i].Weight + rest[set|1<<i]
	}
	for set := int(all) - 1; set >= 0; set-- {
		rest[set] = impossible
		for i := range n {
			rest[set] = min(rest[set], step(uint(set), i))
		}
	}
	if rest[0] == impossible {
		return nil
	}
	var order []int
	for set := uint(0); bits.OnesCount(set) < n; {
		for i := range n {
			if step(set, i) == rest[set] {
				order = append(order, i)
				set |= 1 << i
				break
			}
		}
	}
	return order
}
