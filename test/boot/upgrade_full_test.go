//go:build full

package boot

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// Clusters of bookworm's PostgreSQL 15 become clusters of trixie's 17, by an
// image of the tree that init writes, with both servers in it.
func TestUpgrade(t *testing.T) {
	from := newImage(t, example{name: "postgresql", folder: "postgresql", base: "debian:bookworm-slim", version: "PostgreSQL 15."})
	dir := filepath.Join(t.TempDir(), "tree")
	out := from.env.Run(t, testenv.Program(t, "pgstrata"), "init", "--release=trixie", dir)
	require.Zero(t, out.Code, out.Stderr)
	to := newImageOf(t, example{
		name: "upgrade", base: "debian:trixie-slim", version: "PostgreSQL 17.", args: map[string]string{"UPGRADE_FROM": "15"},
	}, dir)
	for name, test := range map[string]func(*testing.T, *image, *image){
		"copy": testUpgradeByCopy, "link": testUpgradeByLink, "cluster": testUpgradeOfACluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, from, to)
		})
	}
}

// upgraded runs the job to its end, and returns what it logged.
func (i *image) upgraded(t *testing.T, status int, flags ...string) string {
	t.Helper()
	s := i.run(t, append(flags, "--env=MODE=upgrade")...)
	require.Equal(t, status, s.Wait(), s.Logs())
	return s.Logs()
}

// What cannot be upgraded stays as it was, and tells why; then all of it comes
// along: data, roles, settings, access rules. Backups go on.
func testUpgradeByCopy(t *testing.T, from, to *image) {
	flags := append(from.repository(t), from.volume(t), "--env=POSTGRES_PASSWORD="+password, "--env=REPLICATION_PASSWORD=replication's")
	s := from.run(t, flags...)
	s.awaitHealth("healthy")
	s.query("CREATE EXTENSION hstore; CREATE TABLE kept (value text PRIMARY KEY); INSERT INTO kept SELECT 'ä' || n FROM generate_series(1, 10000) AS n")
	s.query("ALTER SYSTEM SET work_mem = '7MB'")
	s.query("ALTER SYSTEM SET old_snapshot_threshold = '1h'")
	s.query("CREATE TABLE stuck (p regproc)")
	s.sh(`sed -i "1,/^host/s/^host/host all nobody all reject\nhost/" "$PGDATA/pg_hba.conf"`)
	s.awaitBackup(1)
	s.Kill("KILL")
	s.Wait()

	assert.Contains(t, to.upgraded(t, 1, flags...), `unrecognized configuration parameter "old_snapshot_threshold"`)
	s.Start()
	s.awaitHealth("healthy")
	s.query("ALTER SYSTEM RESET old_snapshot_threshold")
	s.stopped()
	log := to.upgraded(t, 1, flags...)
	assert.Contains(t, log, "public.stuck.p", "pg_upgrade has it in a file")
	assert.Contains(t, log, "the old cluster is as it was")
	assertCleanStart(t, s.restarted())
	s.query("DROP TABLE stuck")
	s.stopped()

	assert.Contains(t, to.upgraded(t, 0, flags...), "the cluster is upgraded")
	anew := to.run(t, flags...)
	anew.awaitHealth("healthy")
	assert.Regexp(t, "^"+to.version, anew.query("SELECT version()"))
	assert.Equal(t, "10000", anew.query("SELECT count(*) FROM kept"))
	assert.Equal(t, "1", anew.query("SET enable_seqscan = off; SELECT count(*) FROM kept WHERE value = 'ä4711'"), "by its index")
	assert.Equal(t, "7MB on", anew.query("SELECT concat_ws(' ', current_setting('work_mem'), current_setting('data_checksums'))"))
	assert.Equal(t, "reject", anew.query("SELECT auth_method FROM pg_hba_file_rules WHERE user_name = '{nobody}'"))
	assert.Empty(t, anew.query("SELECT name FROM pg_available_extensions WHERE installed_version <> default_version"))
	assert.Empty(t, anew.query("SELECT datname FROM pg_database WHERE datcollversion <> pg_database_collation_actual_version(oid) AND datallowconn"))
	assert.NotEqual(t, "0", anew.query("SELECT count(*) FROM pg_stats WHERE tablename = 'kept'"))
	anew.awaitBackup(2)
	assert.NotEmpty(t, anew.sh("cat $PGDATA/pgsql_tmp.15/PG_VERSION"), "the old one is there until somebody removes it")
	copied := anew.sh("pg_basebackup -U replicator -D /tmp/copy -X none -c fast && ls /tmp/copy")
	assert.Contains(t, copied, "PG_VERSION")
	assert.NotContains(t, copied, "pgsql_tmp", "and nobody copies it")
	anew.stopped()
}

// An upgrade by links that is killed leaves the old cluster as it was.
func testUpgradeByLink(t *testing.T, from, to *image) {
	flags := []string{from.volume(t), "--env=POSTGRES_PASSWORD=" + password, "--env=UPGRADE_METHOD=link"}
	s := from.run(t, flags...)
	s.awaitHealth("healthy")
	s.query("CREATE TABLE kept AS SELECT 'kept' AS value")
	s.stopped()
	job := to.run(t, append(flags, "--env=MODE=upgrade")...)
	job.await(patience, func() error {
		if log := job.Logs(); !strings.Contains(log, "Adding \".old\" suffix to old") {
			return errors.New(log)
		}
		return nil
	})
	job.Kill("KILL")
	job.Wait()
	assertCleanStart(t, s.restarted())
	assert.Equal(t, "kept", s.query("SELECT value FROM kept"))
	s.stopped()

	to.upgraded(t, 0, flags...)
	anew := to.run(t, flags...)
	anew.awaitHealth("healthy")
	assert.Equal(t, "kept", anew.query("SELECT value FROM kept"))
	assert.Empty(t, anew.sh("ls $PGDATA | grep pgsql_tmp || true"))
	anew.stopped()
	s.Start()
	assert.Equal(t, 1, s.Wait())
	assert.Contains(t, s.Logs(), "of another major version")
}

// The leader's volume is upgraded when all nodes are stopped; replicas are
// copied anew. A replica is refused, and a node while another leads, or when
// another has led since.
func testUpgradeOfACluster(t *testing.T, from, to *image) {
	etcd := testenv.Etcd(t, localhost)
	volume, other := from.volume(t), from.volume(t)
	leader := from.member(t, "leader", etcd, volume)
	leader.awaitLead()
	leader.query("CREATE TABLE kept AS SELECT 'first' AS value")
	replica := from.member(t, "replica", etcd, other)
	replica.awaitReplica("first")
	replica.stopped()
	job := append(cluster(etcd), "--env=PATRONI_NAME=leader", "--env=NODE_ADDRESS="+localhost)
	assert.Contains(t, to.upgraded(t, 1, append(job, other)...), "this is a replica")
	replica.Start()
	replica.awaitReplica("first")
	leader.stopped()
	replica.awaitLead()
	replica.query("INSERT INTO kept VALUES ('second')")
	assert.Contains(t, to.upgraded(t, 1, append(job, volume)...), "replica leads the cluster")
	replica.stopped()
	assert.Contains(t, to.upgraded(t, 1, append(job, volume)...), "another node has led the cluster since")

	assert.Contains(t, to.upgraded(t, 0, append(job, other)...), "the cluster is upgraded")
	anew := to.member(t, "replica", etcd, other)
	anew.awaitLead()
	assert.Regexp(t, "^"+to.version, anew.query("SELECT version()"))
	second := to.member(t, "second", etcd)
	second.awaitReplica("first second")
	anew.Kill("KILL")
	begin := time.Now()
	second.await(patience, func() error { return answers(t, second.api+"/primary") })
	t.Logf("the next leader is there after %s", time.Since(begin).Round(time.Second))
}
