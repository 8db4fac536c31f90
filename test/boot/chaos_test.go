package boot

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A frozen leader and two other accidents; always the same ones, unless SEED
// names others.
func TestChaosInShort(t *testing.T) {
	c := newChaos(t, 1)
	all := c.shuffled(c.accidents())
	freeze := slices.IndexFunc(all, func(a accident) bool { return a.name == freezesLeader })
	all[0], all[freeze] = all[freeze], all[0]
	c.run(all[:3])
}

// chaos is a cluster of three nodes and three etcds, each with an address of
// its own, and clients that write down what was acknowledged.
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
	disk  *testenv.Disk
	flags []string // of docker run
}

// newChaos starts all of it. SEED in the environment repeats a run.
func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	if text := os.Getenv("SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("SEED=%d", seed)
	img := newImage(t, example{name: "postgresql", folder: "postgresql", base: "debian:bookworm-slim", version: "PostgreSQL 15."})
	c := &chaos{t: t, img: img, random: rand.New(rand.NewPCG(seed, 0)), network: testenv.NewNetwork(t, img.docker)} //nolint:gosec // repeatable
	c.etcd = testenv.EtcdCluster(t, c.network.Host(), c.network.Host(), c.network.Host())
	var members, hosts []string
	for _, m := range c.etcd {
		members = append(members, m.Address+":"+testenv.EtcdPort)
	}
	for range 3 {
		n := &chaosNode{place: c.network.Node(img.ref), disk: testenv.NewDisk(t, 1<<30, 999)}
		// A node that ends by itself is started again, as every platform does.
		n.flags = slices.Concat(cluster(strings.Join(members, ",")), []string{
			"--env=PATRONI_SYNCHRONOUS_MODE=true", "--restart=on-failure",
			n.place.Flag(), "--volume=" + n.disk.Path + ":/var/lib/postgresql/data", img.ref,
		})
		n.node = c.start(n)
		c.nodes = append(c.nodes, n)
		hosts = append(hosts, n.place.Address)
	}
	c.leader().query("CREATE TABLE acknowledged (id uuid PRIMARY KEY)")
	c.awaitStandby()
	c.client = img.docker.Run(t, c.network.Node(img.ref).Flag(), "--entrypoint=bash", "--env=PGPASSWORD="+password,
		"--env=HOSTS="+strings.Join(hosts, ","), img.ref, "-c", clients)
	return c
}

// Two clients. Each says which row the server has told to be committed, with no
// warning, such as that it may not be replicated; and connects anew after
// anything else, and when nothing comes for some time.
const clients = `
client() {
	while :; do
		exec {said}< <(exec psql -XAtqw "host=$HOSTS user=postgres dbname=postgres connect_timeout=2 target_session_attrs=read-write" \
			-v ON_ERROR_STOP=1 < <(exec {never}<> <(:); while read -rt 0.02 -u $never || :; do
				echo 'INSERT INTO acknowledged VALUES (gen_random_uuid()) RETURNING id;' || exit; done) 2>&1)
		psql=$!
		while read -rt 10 -u $said line && [[ $line =~ ^[0-9a-f-]{36}$ ]]; do
			echo "$line"
		done
		kill $psql
		exec {said}<&-
	done 2>/dev/null
}
client & client & wait`

// start runs a container on a node's host and disk.
func (c *chaos) start(n *chaosNode) *node {
	s := &server{Container: c.img.docker.Run(c.t, n.flags...), t: c.t, host: n.place.Address, port: "5432"}
	return &node{server: s, api: "http://" + n.place.Address + ":8008"}
}

// run lets accidents happen, and asserts that nothing of what was acknowledged
// is lost, and that all nodes have the same.
func (c *chaos) run(accidents []accident) {
	c.t.Helper()
	for _, a := range c.shuffled(accidents) {
		c.awaitWrites()
		c.awaitStandby()
		begin := time.Now()
		a.happen()
		happened := time.Since(begin)
		c.awaitWrites()
		c.t.Logf("%s: %s, served again after %s", a.name, happened.Round(time.Second), time.Since(begin).Round(time.Second))
	}
	c.client.Kill("KILL")
	c.client.Wait()
	acknowledged := strings.Fields(c.client.Logs())
	require.NotEmpty(c.t, acknowledged)

	c.awaitAll()
	const all = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM acknowledged"
	rows := c.leader().query(all)
	for _, n := range c.nodes {
		c.await("the same on all nodes", func() error { return n.answers(rows, all) })
	}
	there := map[string]bool{}
	for row := range strings.FieldsSeq(rows) {
		there[row] = true
	}
	lost := slices.DeleteFunc(slices.Clone(acknowledged), func(id string) bool { return there[id] })
	assert.Empty(c.t, lost, "of %d acknowledged", len(acknowledged))
	c.t.Logf("%d accidents, %d commits acknowledged, %d lost", len(accidents), len(acknowledged), len(lost))
}

func (c *chaos) shuffled(accidents []accident) []accident {
	out := slices.Clone(accidents)
	c.random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// await waits for what the cluster does by itself. A node may be down
// meanwhile.
func (c *chaos) await(what string, condition func() error) {
	c.t.Helper()
	begin, err := time.Now(), errors.New("")
	for time.Since(begin) < patience && err != nil {
		if err = condition(); err != nil {
			c.wait(200 * time.Millisecond)
		}
	}
	require.NoError(c.t, err, "%s, after %s", what, patience)
}

// awaitWrites waits until the clients are served.
func (c *chaos) awaitWrites() {
	c.t.Helper()
	before := len(c.client.Logs())
	c.await("writes", func() error {
		if len(c.client.Logs()) == before {
			return errors.New("nothing is acknowledged")
		}
		return nil
	})
}

// awaitStandby waits until a node may take over.
func (c *chaos) awaitStandby() {
	c.t.Helper()
	c.await("a synchronous standby", func() error {
		for _, n := range c.nodes {
			if answers(c.t, n.api+"/synchronous") == nil {
				return nil
			}
		}
		return errors.New("none")
	})
}

// awaitAll waits until all nodes are there, with one history.
func (c *chaos) awaitAll() {
	c.t.Helper()
	c.await("three nodes", func() error {
		list := c.leader().Exec("patronictl", "list")
		if list.Code != 0 || strings.Count(list.Stdout, "streaming") != 2 {
			return errors.New(list.Stdout + list.Stderr)
		}
		return nil
	})
}

// leader returns the one node that leads, but for these.
func (c *chaos) leader(except ...*chaosNode) *chaosNode {
	c.t.Helper()
	var leader *chaosNode
	c.await("a leader", func() error {
		leader = nil
		for _, n := range c.nodes {
			if slices.Contains(except, n) || answers(c.t, n.api+"/primary") != nil {
				continue
			}
			if leader != nil {
				return errors.New("two nodes lead")
			}
			leader = n
		}
		if leader == nil {
			return errors.New("no node leads")
		}
		return leader.answers("f", "SELECT pg_is_in_recovery()")
	})
	return leader
}
