package boot

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// odd is a password that Patroni's own quoting would break on.
const odd = `ü€日本 $$ it's \ "odd"`

// member is a node on this host, whose ports are its own.
func (i *image) member(t *testing.T, name, etcd string, flags ...string) *node {
	t.Helper()
	api := testenv.FreePort(t)
	s := i.run(t, append(append(cluster(etcd), "--env=PATRONI_NAME="+name, "--env=NODE_ADDRESS="+localhost,
		"--env=PATRONI_RESTAPI_PORT="+api), flags...)...)
	return &node{server: s, api: "http://" + localhost + ":" + api}
}

func (n *node) awaitLead() {
	n.t.Helper()
	n.await(patience, func() error {
		if err := answers(n.t, n.api+"/primary"); err != nil {
			return err
		}
		return n.answers("f", "SELECT pg_is_in_recovery()")
	})
}

// The first node of a cluster is all or nothing: a script that fails, and a
// container that is killed while one runs, leave nothing. Passwords are any.
func testFirstNodeBeginsAnew(t *testing.T, img *image) {
	etcd := testenv.Etcd(t, localhost)
	dir := testenv.Tree(t, map[string]string{"1.sql": "CREATE TABLE one ();", "2.sh": "#!/bin/sh\nexit 1\n"})
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // for the container's user
	passwords := []string{"--env=POSTGRES_PASSWORD=" + odd, "--env=REPLICATION_PASSWORD=" + odd}
	first := img.member(t, "first", etcd, append(passwords, "--volume="+dir+":/docker-entrypoint-initdb.d:ro")...)
	require.NotZero(t, first.Wait())
	assert.Contains(t, first.Logs(), "a script failed")

	testenv.Write(t, filepath.Join(dir, "2.sh"), "#!/bin/sh\necho it waits\nsleep 600\n")
	first.Start()
	first.await(patience, func() error {
		if log := first.Logs(); !strings.Contains(log, "it waits") {
			return errors.New(log)
		}
		return nil
	})
	first.Kill("KILL")
	first.Wait()

	testenv.Write(t, filepath.Join(dir, "2.sh"), "#!/bin/sh\npsql -Xqc 'CREATE TABLE two ()'\n")
	first.Start()
	first.await(patience, func() error { return answers(t, first.api+"/primary") })
	first.awaitHealth("healthy")
	assert.Equal(t, "one two", first.sh(`psql -XAtc "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname IN ('one', 'two')"`))

	second := img.member(t, "second", etcd, passwords...)
	second.await(patience, func() error { return answers(t, second.api+"/replica") })
	out := second.psql(first.server, odd, "SELECT 'in'")
	assert.Equal(t, "in\n", out.Stdout, out.Stderr)
}

// A volume of a single server becomes a cluster: replicas get in, also where
// their data is below the mount; that lock survives when they are made anew;
// and who may connect is the cluster's setting.
func testSingleServerBecomesCluster(t *testing.T, img *image) {
	volume := img.volume(t)
	single := img.run(t, volume, "--env=POSTGRES_PASSWORD="+password)
	single.awaitHealth("healthy")
	single.query("CREATE TABLE kept AS SELECT 'single' AS value")
	single.stopped()

	etcd := testenv.Etcd(t, localhost)
	leader := img.member(t, "leader", etcd, volume)
	leader.awaitLead()
	below, data := img.volume(t), "--env=PGDATA=/var/lib/postgresql/data/pgdata"
	replica := img.member(t, "replica", etcd, below, data)
	replica.awaitReplica("single")
	replica.awaitHealth("healthy")

	leader.sh("patronictl reinit --force --wait demo replica")
	replica.awaitReplica("single")
	intruder := img.run(t, below, data, "--env=POSTGRES_PASSWORD="+password)
	assert.Equal(t, 1, intruder.Wait())
	assert.Contains(t, intruder.Logs(), "another container on this machine runs a server on this data directory")

	leader.sh(`patronictl edit-config --quiet --force --apply - <<'YAML'
postgresql:
  pg_hba: ['local all all peer map=container', 'host all all all scram-sha-256', 'host replication replicator all scram-sha-256']
YAML`)
	for _, n := range []*node{leader, replica} {
		n.await(patience, func() error { return n.answers("3", "SELECT count(*) FROM pg_hba_file_rules") })
	}
}
