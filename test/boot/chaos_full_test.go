//go:build full

package boot

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Ten minutes of accidents and more, another order and other nodes every time;
// SEED repeats one.
func TestChaos(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	c := newChaos(t, chaosImage(t), seed)
	freezeLeader := accident{"freeze the leader", func() { c.freeze(c.leader()) }}
	killLeader := accident{"kill the leader", func() { c.kill(c.leader()) }}
	c.run([]accident{
		freezeLeader, freezeLeader, freezeLeader, freezeLeader, killLeader, killLeader, killLeader, killLeader,
		{"freeze a node", func() { c.freeze(c.any()) }},
		{"freeze another node", func() { c.freeze(c.any()) }},
		{"kill a node", func() { c.kill(c.any()) }},
		{"kill another node", func() { c.kill(c.any()) }},
		{"part the leader from etcd", func() { c.part(c.leader(), c.stores()) }},
		{"part a node from etcd", func() { c.part(c.any(), c.stores()) }},
		{"part a node from its peers", func() { c.part(c.partedFromPeers(c.any())) }},
		{"part the leader from its peers", func() { c.part(c.partedFromPeers(c.leader())) }},
		{"part the leader from all", func() { c.part(c.partedFromAll(c.leader())) }},
		{"part a node from all", func() { c.part(c.partedFromAll(c.any())) }},
		{"freeze a member of etcd", c.freezeEtcd},
		{"freeze another member of etcd", c.freezeEtcd},
		{"a new container, node by node", c.replaceAll},
		{"the same again", c.replaceAll},
		{"kill all nodes", c.killAll},
	})
}

// A few accidents, always the same ones.
func TestChaosInShort(t *testing.T) {
	c := newChaos(t, chaosImage(t), 1)
	c.run([]accident{
		{"freeze the leader", func() { c.freeze(c.leader()) }},
		{"kill the leader", func() { c.kill(c.leader()) }},
		{"part the leader from etcd", func() { c.part(c.leader(), c.stores()) }},
	})
}

func chaosImage(t *testing.T) *image {
	t.Helper()
	return newImage(t, example{name: "postgresql", folder: "postgresql", base: "debian:bookworm-slim", version: "PostgreSQL 15."})
}

func (c *chaos) any() *chaosNode { return c.nodes[c.random.IntN(len(c.nodes))] }

func (c *chaos) partedFromPeers(n *chaosNode) (*chaosNode, []string) { return n, c.peers(n) }

func (c *chaos) partedFromAll(n *chaosNode) (*chaosNode, []string) {
	return n, append(c.stores(), c.peers(n)...)
}

func (c *chaos) peers(of *chaosNode) []string {
	var out []string
	for _, n := range c.nodes {
		if n != of {
			out = append(out, n.place.Address)
		}
	}
	return out
}

func (c *chaos) freezeEtcd() {
	m := c.etcd[c.random.IntN(len(c.etcd))]
	m.Freeze()
	c.wait(longerThanTTL)
	m.Thaw()
}

// replaceAll is what a new image is to a cluster.
func (c *chaos) replaceAll() {
	for i := range c.nodes {
		c.replace(i)
		c.awaitLeader()
	}
}

func (c *chaos) killAll() {
	for _, n := range c.nodes {
		n.Kill("KILL")
	}
	for _, n := range c.nodes {
		n.Wait()
		n.Start()
	}
}

// replace stops a node's container, and starts another one on its volume.
func (c *chaos) replace(i int) {
	require.Zero(c.t, c.nodes[i].Stop(), "%s", c.nodes[i].Logs())
	c.nodes[i].node = c.start(c.nodes[i])
}
