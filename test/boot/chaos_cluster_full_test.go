//go:build full

package boot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/testenv"
)

// accident is something that happens to a cluster, and is over when it returns.
type accident struct {
	name   string
	happen func()
}

// longerThanTTL is how long something lasts that a cluster must notice: its TTL
// is 20 seconds.
const longerThanTTL = 25 * time.Second

// chaos is a cluster of three nodes and three etcds, each with an address of
// its own, and a client that writes down what was acknowledged.
type chaos struct {
	t       *testing.T
	img     *image
	random  *rand.Rand
	network *testenv.Network
	etcd    []*testenv.EtcdMember
	nodes   []*chaosNode
	client  *testenv.Container
}

type chaosNode struct {
	*node
	place *testenv.Node
	flags []string // of docker run
}

func newChaos(t *testing.T, img *image, seed uint64) *chaos {
	t.Helper()
	t.Logf("seed %d", seed)
	c := &chaos{t: t, img: img, random: rand.New(rand.NewPCG(seed, 0)), network: testenv.NewNetwork(t, img.docker)} //nolint:gosec // repeatable
	c.etcd = testenv.EtcdCluster(t, c.network.Host(), c.network.Host(), c.network.Host())
	var members []string
	for _, m := range c.etcd {
		members = append(members, m.Address+":"+testenv.EtcdPort)
	}
	var hosts []string
	for range 3 {
		place := c.network.Node(img.ref)
		flags := slices.Concat(cluster(strings.Join(members, ",")),
			[]string{"--env=PATRONI_SYNCHRONOUS_MODE=true", place.Flag(), img.volume(t), img.ref})
		n := &chaosNode{place: place, flags: flags}
		n.node = c.start(n)
		c.nodes = append(c.nodes, n)
		hosts = append(hosts, place.Address)
	}
	leader := c.awaitLeader()
	leader.query("CREATE TABLE acknowledged (n int PRIMARY KEY)")
	leader.await(patience, func() error {
		if list := leader.sh("patronictl list"); !strings.Contains(list, "Sync Standby") {
			return errors.New(list)
		}
		return nil
	})
	// It writes a number when the server has said that it is committed: no
	// error, and no warning, such as that it may not be replicated.
	c.client = img.docker.Run(t, c.network.Node(img.ref).Flag(), "--entrypoint=bash", "--env=PGPASSWORD="+password, img.ref, "-c",
		`for ((n = 1; ; n++)); do
			said=$(timeout 10 psql -XAtqw "host=`+strings.Join(hosts, ",")+` user=postgres dbname=postgres connect_timeout=2
				target_session_attrs=read-write" -c "INSERT INTO acknowledged VALUES ($n)" 2>&1) && [[ -z $said ]] && echo "$n"
		done`)
	return c
}

// start runs a container on a node's host and volume.
func (c *chaos) start(n *chaosNode) *node {
	s := &server{Container: c.img.docker.Run(c.t, n.flags...), t: c.t, host: n.place.Address, port: "5432"}
	return &node{server: s, api: "http://" + n.place.Address + ":8008"}
}

// run lets accidents happen, and asserts that nothing of what was acknowledged
// is lost, and that all nodes have the same.
func (c *chaos) run(accidents []accident) {
	c.t.Helper()
	c.random.Shuffle(len(accidents), func(i, j int) { accidents[i], accidents[j] = accidents[j], accidents[i] })
	for _, a := range accidents {
		c.awaitWrites()
		begin := time.Now()
		a.happen()
		c.t.Logf("%s: %s", a.name, time.Since(begin).Round(time.Second))
	}
	c.awaitWrites()
	c.client.Kill("KILL")
	c.client.Wait()
	acknowledged := strings.Fields(c.client.Logs())
	require.NotEmpty(c.t, acknowledged)

	leader := c.awaitLeader()
	leader.awaitOneTimeline()
	rows := leader.query("SELECT n FROM acknowledged ORDER BY n")
	for _, n := range c.nodes {
		n.await(patience, func() error { return n.answers(rows, "SELECT n FROM acknowledged ORDER BY n") })
	}
	there := map[string]bool{}
	for row := range strings.FieldsSeq(rows) {
		there[row] = true
	}
	lost := slices.DeleteFunc(slices.Clone(acknowledged), func(n string) bool { return there[n] })
	assert.Empty(c.t, lost, "of %d acknowledged", len(acknowledged))
	c.t.Logf("%d accidents, %d commits acknowledged, %d lost", len(accidents), len(acknowledged), len(lost))
}

// awaitWrites waits until the client is served again.
func (c *chaos) awaitWrites() {
	c.t.Helper()
	before := len(c.client.Logs())
	testenv.Await(c.t, 3*time.Minute, func(context.Context) error {
		if after := len(c.client.Logs()); after == before {
			return errors.New("nothing is acknowledged")
		}
		return nil
	})
}

func (c *chaos) awaitLeader() *node {
	c.t.Helper()
	var leader *node
	testenv.Await(c.t, 2*time.Minute, func(context.Context) error {
		for _, n := range c.nodes {
			if answers(c.t, n.api+"/primary") == nil {
				leader = n.node
				return n.answers("f", "SELECT pg_is_in_recovery()")
			}
		}
		return errors.New("no node leads")
	})
	return leader
}

func (c *chaos) leader() *chaosNode {
	leader := c.awaitLeader()
	return c.nodes[slices.IndexFunc(c.nodes, func(n *chaosNode) bool { return n.node == leader })]
}

func (c *chaos) stores() []string {
	var out []string
	for _, m := range c.etcd {
		out = append(out, m.Address)
	}
	return out
}

// freeze is a virtual machine that is paused, migrated, or swaps. It wakes up
// when another node leads.
func (c *chaos) freeze(n *chaosNode) {
	n.Pause()
	c.wait(longerThanTTL)
	n.Unpause()
}

func (c *chaos) kill(n *chaosNode) {
	n.Kill("KILL")
	n.Wait()
	c.wait(time.Duration(c.random.IntN(int(longerThanTTL))))
	n.Start()
}

// part drops what a node sends to some addresses.
func (c *chaos) part(n *chaosNode, addresses []string) {
	c.network.Part(n.place, addresses...)
	c.wait(longerThanTTL)
	c.network.Rejoin(n.place, addresses...)
}

// wait is how long an accident lasts: there is nothing to wait for.
func (c *chaos) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.t.Context().Done():
		c.t.Fatal(fmt.Errorf("the test is over: %w", c.t.Context().Err()))
	}
}
