package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One script is moved, to where the chain costs least, and never ahead of what it
// has to follow.
func TestBestMove(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same cases each time
	better := 0
	for range 300 {
		chain := make(Chain, 1+random.IntN(20))
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
		order, moved := p.best()
		if order == nil {
			continue
		}
		better++
		now, _ := p.cost(move{}.order(len(chain)))
		then, _ := p.cost(order)
		assert.Less(t, then, now)
		assert.Equal(t, moved.from, order[moved.to])
		assert.True(t, slices.IsSorted(slices.Delete(slices.Clone(order), moved.to, moved.to+1)), "the others stay: %v", order)
		for at, i := range order {
			for _, before := range chain[i].After {
				assert.True(t, slices.ContainsFunc(order[:at], func(j int) bool { return chain[j].Path == before }), "%v: %d follows %s", order, i, before)
			}
		}
	}
	require.Greater(t, better, 50, "most cases ask for another order")
}

func TestWhatChangedComesLast(t *testing.T) {
	chain := make(Chain, 40)
	for i := range chain {
		chain[i] = Link{Path: fmt.Sprint(i), Weight: 1}
	}
	p := &past{chain: chain, born: make([]int, len(chain)), changes: []change{{0, 1}}}
	_, moved := p.best()
	assert.Equal(t, move{0, len(chain) - 1}, moved)
}
