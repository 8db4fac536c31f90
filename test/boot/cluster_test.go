package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// cluster returns the flags of docker run that all nodes of a cluster share.
// It notices a dead leader within 20 seconds, the least that Patroni accepts.
func cluster(etcd string) []string {
	return []string{
		"--env=USE_PATRONI=true", "--env=PATRONI_SCOPE=demo", "--env=ETCD_HOSTS=" + etcd,
		"--env=POSTGRES_PASSWORD=" + password, "--env=REPLICATION_PASSWORD=replication's",
		"--env=PATRONI_TTL=20", "--env=PATRONI_LOOP_WAIT=2", "--env=PATRONI_RETRY_TIMEOUT=5",
	}
}

// A node alone becomes leader, and its health follows PostgreSQL's.
func testNodeOfACluster(t *testing.T, img *image) {
	api := testenv.FreePort(t)
	flags := append(cluster(testenv.Etcd(t, localhost)), secret(t, "PATRONI_RESTAPI_PASSWORD")...)
	s := img.run(t, append(flags, "--env=PATRONI_NAME=n1", "--env=NODE_ADDRESS="+localhost, "--env=PATRONI_RESTAPI_PORT="+api,
		"--env=PATRONI_RESTAPI_USERNAME=admin")...)
	leads := func() {
		t.Helper()
		s.await(patience, func() error { return answers(t, "http://"+localhost+":"+api+"/primary") })
		s.await(patience, func() error { return s.answers("f", "SELECT pg_is_in_recovery()") })
	}
	leads()
	s.awaitHealth("healthy")
	assert.Regexp(t, "^"+img.version, s.query("SELECT version()"))
	assert.NotContains(t, s.commandLines(), password)

	s.sh("patronictl pause --wait && pg_ctl stop --pgdata=$PGDATA --mode=fast")
	s.awaitHealth("unhealthy")
	s.sh("patronictl resume --wait")
	s.awaitHealth("healthy")
	leads()
	// It is healthy while it starts.
	again := func() {
		t.Helper()
		before := len(s.Logs())
		s.Start()
		leads()
		s.awaitHealth("healthy")
		assertCleanStart(t, s.Logs()[before:])
		assert.NotContains(t, s.Logs()[before:], "somebody has edited it")
	}
	s.stopped()
	again()
	s.terminated("TERM")
	again()
}

// node is a container of a cluster, on a host of its own.
type node struct {
	*server
	api string
}

// Three hosts, and three leaders one after the other: the first is killed, the
// second stopped. Nothing that the replicas had is lost, and who was gone
// comes back as a replica of the new leader.
func testClusterFailsOver(t *testing.T, img *image) {
	network := testenv.NewNetwork(t, img.docker)
	flags := cluster(testenv.Etcd(t, network.Address))
	var nodes []*node
	for range 3 {
		host := network.Node(img.ref)
		run := slices.Concat(flags, []string{host.Flag(), img.volume(t), img.ref})
		s := &server{Container: img.docker.Run(t, run...), t: t, host: host.Address, port: "5432"}
		nodes = append(nodes, &node{server: s, api: "http://" + host.Address + ":8008"})
	}

	first := awaitLeader(t, nodes)
	first.query("CREATE TABLE kept AS SELECT 'first' AS value")
	for _, n := range without(nodes, first) {
		n.awaitReplica("first")
		out := n.psql(n.server, password, "INSERT INTO kept VALUES ('nowhere')")
		assert.Contains(t, out.Stderr, "read-only transaction")
	}

	first.Kill("KILL")
	second := awaitLeader(t, without(nodes, first))
	third := without(nodes, first, second)[0]
	out := third.psql(second.server, password, "INSERT INTO kept VALUES ('second') RETURNING (SELECT value FROM kept)")
	require.Equal(t, "first\n", out.Stdout, out.Stderr)
	first.Start()
	first.awaitReplica("first second")
	third.awaitReplica("first second")
	third.awaitOneTimeline()

	// A leader that is stopped hands over. Were it missed instead, that would
	// take the 20 seconds, but for the 2 since it last said that it was there.
	begin := time.Now()
	second.stopped()
	leader := awaitLeader(t, without(nodes, second))
	assert.Less(t, time.Since(begin), 18*time.Second)
	leader.query("INSERT INTO kept VALUES ('third')")
	second.Start()
	second.awaitReplica("first second third")
	second.awaitOneTimeline()
}

func without(nodes []*node, drop ...*node) []*node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return slices.Contains(drop, n) })
}

// awaitLeader returns the one node that Patroni says is the leader, when
// PostgreSQL has followed: Patroni says so from the moment it has the lock.
func awaitLeader(t *testing.T, nodes []*node) (leader *node) {
	t.Helper()
	nodes[0].await(patience, func() error {
		for _, n := range nodes {
			if answers(t, n.api+"/primary") == nil {
				leader = n
				return n.answers("f", "SELECT pg_is_in_recovery()")
			}
		}
		return fmt.Errorf("none of %d nodes leads", len(nodes))
	})
	return leader
}

// awaitReplica waits until the node is a replica that has these values.
func (n *node) awaitReplica(values string) {
	n.t.Helper()
	n.await(patience, func() error {
		if err := answers(n.t, n.api+"/replica"); err != nil {
			return err
		}
		return n.answers(values, "SELECT string_agg(value, ' ' ORDER BY value) FROM kept")
	})
}

// awaitOneTimeline waits until all nodes are members that run, one of them
// leads, and all tell the same history.
func (n *node) awaitOneTimeline() {
	n.t.Helper()
	n.await(patience, func() error {
		var members []struct {
			Role, State string
			TL          int
		}
		list := n.sh("patronictl list --format json")
		require.NoError(n.t, json.Unmarshal([]byte(list), &members), list)
		leaders := 0
		for _, member := range members {
			if member.State != "running" && member.State != "streaming" || member.TL != members[0].TL {
				return errors.New(list)
			}
			if member.Role == "Leader" {
				leaders++
			}
		}
		if len(members) != 3 || leaders != 1 {
			return errors.New(list)
		}
		return nil
	})
}

// answers fails unless the URL answers 200.
func answers(t *testing.T, url string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
