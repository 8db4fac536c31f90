package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// permutations calls fn for each order of n scripts that the chain allows.
func permutations(chain Chain, done []int, fn func([]int)) {
	if len(done) == len(chain) {
		fn(done)
		return
	}
	for i, l := range chain {
		missing := slices.ContainsFunc(l.After, func(path string) bool {
			return !slices.ContainsFunc(done, func(j int) bool { return chain[j].Path == path })
		})
		if !slices.Contains(done, i) && !missing {
			permutations(chain, append(slices.Clone(done), i), fn)
		}
	}
}

// The order that is offered is as good as any that is allowed, and the first
// of these by the scripts' own order.
func TestBestOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same cases each time
	better := 0
	for range 300 {
		chain := make(Chain, 1+random.IntN(6))
		for i := range chain {
			chain[i] = Link{Path: fmt.Sprint(i), Weight: 1 + random.Int64N(9)}
			for j := range i {
				if random.IntN(4) == 0 {
					chain[i].After = append(chain[i].After, fmt.Sprint(j))
				}
			}
		}
		p := &past{chain: chain, born: make([]int, len(chain))}
		for commit := range random.IntN(30) {
			p.changes = append(p.changes, change{commit, 1 + uint(random.IntN(1<<len(chain)-1))})
		}
		for i := range chain {
			p.born[i] = random.IntN(10)
		}
		var want []int
		least := int64(-1)
		permutations(chain, nil, func(order []int) {
			if cost, _ := p.cost(order); least < 0 || cost < least {
				want, least = order, cost
			}
		})
		assert.Equal(t, want, p.best())
		if !slices.IsSorted(want) {
			better++
		}
	}
	require.Greater(t, better, 50, "most cases ask for another order")
}

func TestLongChain(t *testing.T) {
	chain := make(Chain, maxChain)
	for i := range chain {
		chain[i] = Link{Path: fmt.Sprint(i), Weight: 1}
	}
	p := &past{chain: chain, born: make([]int, len(chain)), changes: []change{{0, 1}}}
	assert.Equal(t, append(slices.Collect(seq(1, maxChain)), 0), p.best(), "what changed comes last")
	p.chain = append(p.chain, Link{})
	assert.Nil(t, p.best())
	r := &Report{Contenders: []*Contender{{}}}
	r.Advise(make(Chain, maxChain+1), &plan.Record{})
	assert.Equal(t, []string{"no order was looked for: the chain has 17 scripts, and the orders of more than 16 are too many to try"}, r.Notes)
}

func seq(from, to int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := from; i < to && yield(i); i++ {
		}
	}
}

func TestRising(t *testing.T) {
	for _, tc := range []struct{ order, want []int }{
		{nil, nil},
		{[]int{0, 1, 2}, []int{0, 1, 2}},
		{[]int{1, 2, 0}, []int{1, 2}},
		{[]int{3, 0, 1, 2}, []int{0, 1, 2}},
		{[]int{0, 3, 1, 2, 4}, []int{0, 1, 2, 4}},
	} {
		assert.Equal(t, tc.want, rising(tc.order), "%v", tc.order)
	}
}
