package boot

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// accident is something that happens to a cluster, and is over when it returns.
type accident struct {
	name   string
	happen func()
}

const freezesLeader = "the leader is frozen, and thawed when another one leads"

// accidents are all that are known, each once.
func (c *chaos) accidents() []accident {
	leader := func() *chaosNode { return c.leader() }
	return []accident{
		{freezesLeader, func() { c.freeze(leader()) }},
		{"a node is frozen for longer than the TTL", func() { c.freeze(c.any()) }},
		{"the leader is killed", func() { c.kill(leader()) }},
		{"a node is killed", func() { c.kill(c.any()) }},
		{"the leader's server is killed", func() { c.killServer(leader()) }},
		{"all nodes are killed", c.killAll},
		{"the leader does not reach etcd", func() { c.part(leader(), c.stores()) }},
		{"a node does not reach etcd", func() { c.part(c.any(), c.stores()) }},
		{"the leader does not reach its peers", func() { n := leader(); c.part(n, c.peers(n)) }},
		{"a node does not reach its peers", func() { n := c.any(); c.part(n, c.peers(n)) }},
		{"the leader reaches neither etcd nor its peers", func() { n := leader(); c.part(n, append(c.stores(), c.peers(n)...)) }},
		{"the leader's cable is pulled", func() { c.cut(leader()) }},
		{"etcd's leader is frozen", c.freezeEtcd},
		{"etcd's leader is frozen, and the leader is killed", func() { n := leader(); c.whileEtcdIsFrozen(func() { c.kill(n) }) }},
		{"the leader's disk is full", func() { c.fill(leader()) }},
		{"a node's disk is full", func() { c.fill(c.any()) }},
		{"each node gets a new container, one after the other", c.replaceAll},
	}
}

// longerThanTTL is how long something lasts that a cluster must notice: its TTL
// is 20 seconds.
const longerThanTTL = 25 * time.Second

func (c *chaos) any() *chaosNode { return c.nodes[c.random.IntN(len(c.nodes))] }

func (c *chaos) stores() []string {
	var out []string
	for _, m := range c.etcd {
		out = append(out, m.Address)
	}
	return out
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

// outlast waits until the cluster has noticed that it has to do without the
// node: another one leads, or the TTL is over, or both.
func (c *chaos) outlast(n *chaosNode) {
	begin := time.Now()
	c.leader(n)
	tookOver := time.Since(begin) > longerThanTTL/2
	if left := longerThanTTL - time.Since(begin); left > 0 && (!tookOver || c.random.IntN(2) == 0) {
		c.wait(left)
	}
}

// freeze is a virtual machine that is paused, migrated, or swaps.
func (c *chaos) freeze(n *chaosNode) {
	n.Pause()
	c.outlast(n)
	n.Unpause()
}

func (c *chaos) kill(n *chaosNode) {
	n.Kill("KILL")
	n.Wait()
	c.outlast(n)
	n.Start()
}

// killServer is what the kernel does to one that takes too much memory.
func (c *chaos) killServer(n *chaosNode) {
	n.sh("kill -KILL $(head -n 1 $PGDATA/postmaster.pid)")
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

// part drops what a node sends to some addresses.
func (c *chaos) part(n *chaosNode, addresses []string) {
	c.network.Part(n.place, addresses...)
	c.wait(longerThanTTL)
	c.network.Rejoin(n.place, addresses...)
}

func (c *chaos) cut(n *chaosNode) {
	c.network.Cut(n.place)
	c.outlast(n)
	c.network.Mend(n.place)
}

func (c *chaos) freezeEtcd() {
	c.whileEtcdIsFrozen(func() { c.wait(longerThanTTL) })
}

func (c *chaos) whileEtcdIsFrozen(happen func()) {
	leader := slices.IndexFunc(c.etcd, (*testenv.EtcdMember).Leads)
	require.NotEqual(c.t, -1, leader, "etcd has no leader")
	c.etcd[leader].Freeze()
	happen()
	c.etcd[leader].Thaw()
}

// fill leaves no room for a single block, nor for the next segment of the
// write-ahead log, which the node is asked for.
func (c *chaos) fill(n *chaosNode) {
	n.disk.Fill()
	n.psql(n.server, password, "SELECT pg_switch_wal()") // which may fail
	c.wait(longerThanTTL / 2)
	n.disk.Free()
}

// replaceAll is what a new image is to a cluster.
func (c *chaos) replaceAll() {
	for _, n := range c.nodes {
		require.Zero(c.t, n.Stop(), "%s", n.Logs())
		n.node = c.start(n)
		c.awaitAll()
	}
}

// wait is how long an accident lasts: there is nothing to wait for.
func (c *chaos) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.t.Context().Done():
		c.t.Fatal(fmt.Errorf("the test is over: %w", c.t.Context().Err()))
	}
}
